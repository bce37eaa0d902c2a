@NullMarked
package dev.backfill.orchestrator.wal;

import org.jspecify.annotations.NullMarked;
