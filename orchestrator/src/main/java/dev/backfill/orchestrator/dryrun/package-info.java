/** What a run would do, before it does it: its range, its statement's plan, and batches that are tried and rolled back. */
@NullMarked
package dev.backfill.orchestrator.dryrun;

import org.jspecify.annotations.NullMarked;
