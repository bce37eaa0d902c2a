@NullMarked
package dev.backfill.orchestrator.standbys;

import org.jspecify.annotations.NullMarked;
