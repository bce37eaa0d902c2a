/** The configuration: HOCON to records, every problem at once. */
@NullMarked
package dev.backfill.orchestrator.config;

import org.jspecify.annotations.NullMarked;
