/** The whole program: real processes, a real PostgreSQL, real signals. */
@NullMarked
package dev.backfill.orchestrator.functional;

import org.jspecify.annotations.NullMarked;
