/** Which standbys a primary is expected to have. */
@NullMarked
package dev.backfill.orchestrator.standbys;

import org.jspecify.annotations.NullMarked;
