/** Who may come in over the admin API, and what they may do. Pure. */
@NullMarked
package dev.backfill.orchestrator.access;

import org.jspecify.annotations.NullMarked;
