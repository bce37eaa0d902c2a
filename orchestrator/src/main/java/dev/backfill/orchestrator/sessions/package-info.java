/** What a session on the server is set to: once, or behind a pooler for each of its transactions. */
@NullMarked
package dev.backfill.orchestrator.sessions;

import org.jspecify.annotations.NullMarked;
