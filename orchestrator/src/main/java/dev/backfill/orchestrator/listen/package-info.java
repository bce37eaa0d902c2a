/** How the admin API listens: the address, the threads, TLS. */
@NullMarked
package dev.backfill.orchestrator.listen;

import org.jspecify.annotations.NullMarked;
