/** The web page of the daemon. */
@NullMarked
package dev.backfill.orchestrator.page;

import org.jspecify.annotations.NullMarked;
