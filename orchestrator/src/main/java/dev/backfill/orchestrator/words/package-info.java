/** Words that people write, and read. */
@NullMarked
package dev.backfill.orchestrator.words;

import org.jspecify.annotations.NullMarked;
