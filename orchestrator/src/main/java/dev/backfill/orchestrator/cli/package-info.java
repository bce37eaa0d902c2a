/** The commands: one class each. */
@NullMarked
package dev.backfill.orchestrator.cli;

import org.jspecify.annotations.NullMarked;
