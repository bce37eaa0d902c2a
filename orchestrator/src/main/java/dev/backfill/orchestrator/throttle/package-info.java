/** How fast a run may move right now: governors, and the pace that the strictest of them sets. */
@NullMarked
package dev.backfill.orchestrator.throttle;

import org.jspecify.annotations.NullMarked;
