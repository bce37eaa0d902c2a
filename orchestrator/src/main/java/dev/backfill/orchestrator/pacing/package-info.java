/** How fast one run goes in this process: its workers' hands, rests, ceilings and share. */
@NullMarked
package dev.backfill.orchestrator.pacing;

import org.jspecify.annotations.NullMarked;
