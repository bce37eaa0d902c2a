/** Words that people write. Pure. */
@NullMarked
package dev.backfill.orchestrator.words;

import org.jspecify.annotations.NullMarked;
