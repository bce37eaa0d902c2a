/** What an operator changes of a run under way. */
@NullMarked
package dev.backfill.orchestrator.tuning;

import org.jspecify.annotations.NullMarked;
