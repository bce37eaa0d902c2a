/** One database put together, and the work that a daemon does in it. */
@NullMarked
package dev.backfill.orchestrator.site;

import org.jspecify.annotations.NullMarked;
