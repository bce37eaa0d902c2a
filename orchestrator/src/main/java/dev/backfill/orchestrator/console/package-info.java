/** What an operator sees of a run in the foreground, and how it is interrupted. */
@NullMarked
package dev.backfill.orchestrator.console;

import org.jspecify.annotations.NullMarked;
