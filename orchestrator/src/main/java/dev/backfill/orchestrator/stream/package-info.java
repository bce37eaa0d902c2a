/** Live changes as server-sent events: one look for all clients, and what of it each of them has still to be told. */
@NullMarked
package dev.backfill.orchestrator.stream;

import org.jspecify.annotations.NullMarked;
