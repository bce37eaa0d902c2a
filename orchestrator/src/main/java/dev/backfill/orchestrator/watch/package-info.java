/** All that is watched of a database, and what sets the pace of its runs by it. */
@NullMarked
package dev.backfill.orchestrator.watch;

import org.jspecify.annotations.NullMarked;
