/** What Prometheus sees. */
@NullMarked
package dev.backfill.orchestrator.metrics;

import org.jspecify.annotations.NullMarked;
