/** The whole program on real servers. */
@NullMarked
package dev.backfill.orchestrator.functional;

import org.jspecify.annotations.NullMarked;
