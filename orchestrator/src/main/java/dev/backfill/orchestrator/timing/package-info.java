/** Time, waiting, and the wish to stop, handed to everything that needs them. */
@NullMarked
package dev.backfill.orchestrator.timing;

import org.jspecify.annotations.NullMarked;
