/** Runs, their slices, leases, events and proofs: the tables by which every process meets every other. */
@NullMarked
package dev.backfill.orchestrator.run;

import org.jspecify.annotations.NullMarked;
