/** Job files: read, checked at once against the schema, the cross-field rules and the live table. */
@NullMarked
package dev.backfill.orchestrator.registry;

import org.jspecify.annotations.NullMarked;
