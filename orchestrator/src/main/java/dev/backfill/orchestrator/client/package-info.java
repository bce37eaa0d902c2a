/** The admin API from a terminal: the commands that ask a daemon. */
@NullMarked
package dev.backfill.orchestrator.client;

import org.jspecify.annotations.NullMarked;
