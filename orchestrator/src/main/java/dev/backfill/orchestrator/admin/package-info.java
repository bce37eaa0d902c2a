/** The admin API over HTTP. */
@NullMarked
package dev.backfill.orchestrator.admin;

import org.jspecify.annotations.NullMarked;
