/** Certificates and keys, from the files that operators have. */
@NullMarked
package dev.backfill.orchestrator.tls;

import org.jspecify.annotations.NullMarked;
