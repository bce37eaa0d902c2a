/** Signals that a configuration defines: what the database, a Prometheus server, or any other server answers. */
@NullMarked
package dev.backfill.orchestrator.outside;

import org.jspecify.annotations.NullMarked;
