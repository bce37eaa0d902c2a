/** What was read of a signal, and the pace that follows from it; pure. */
@NullMarked
package dev.backfill.orchestrator.gauges;

import org.jspecify.annotations.NullMarked;
