/** What a run has cost and waited for, and what it leaves behind. */
@NullMarked
package dev.backfill.orchestrator.report;

import org.jspecify.annotations.NullMarked;
