/** The daemon's jobs from a terminal: what there is, what is wanted of them, and what became of it. */
@NullMarked
package dev.backfill.orchestrator.operate;

import org.jspecify.annotations.NullMarked;
