/** Registered jobs: which revision of which job the daemons go by, from files and from people. */
@NullMarked
package dev.backfill.orchestrator.registration;

import org.jspecify.annotations.NullMarked;
