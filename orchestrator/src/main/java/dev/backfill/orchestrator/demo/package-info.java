/** PostgreSQL with a streaming standby for the length of one process, and a table to work on. */
@NullMarked
package dev.backfill.orchestrator.demo;

import org.jspecify.annotations.NullMarked;
