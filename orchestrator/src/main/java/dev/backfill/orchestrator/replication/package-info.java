/** How the standbys of a database keep up: what the server says of them, what that means, and the governors over it. */
@NullMarked
package dev.backfill.orchestrator.replication;

import org.jspecify.annotations.NullMarked;
