/** The health of a database besides its standbys: signals, how they are read, and the governors over them. */
@NullMarked
package dev.backfill.orchestrator.signals;

import org.jspecify.annotations.NullMarked;
