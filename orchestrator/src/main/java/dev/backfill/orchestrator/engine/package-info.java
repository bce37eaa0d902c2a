/** Drives a run from PENDING to its end: slices, workers, leases, further passes, proof. */
@NullMarked
package dev.backfill.orchestrator.engine;

import org.jspecify.annotations.NullMarked;
