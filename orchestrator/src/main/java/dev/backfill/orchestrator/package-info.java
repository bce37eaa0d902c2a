/** The program and the one place where it is put together. */
@NullMarked
package dev.backfill.orchestrator;

import org.jspecify.annotations.NullMarked;
