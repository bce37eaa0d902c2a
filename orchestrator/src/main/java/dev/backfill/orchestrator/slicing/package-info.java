/** Freezes a run's range, cuts it into slices, and cuts a slice that is being worked. */
@NullMarked
package dev.backfill.orchestrator.slicing;

import org.jspecify.annotations.NullMarked;
