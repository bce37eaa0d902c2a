/** What batches write to a server's log. */
@NullMarked
package dev.backfill.orchestrator.wal;

import org.jspecify.annotations.NullMarked;
