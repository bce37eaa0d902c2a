/** One batch: where it ends, how large it is, and the transaction that makes it. */
@NullMarked
package dev.backfill.orchestrator.batch;

import org.jspecify.annotations.NullMarked;
