/** What the documents say, held against the program. */
@NullMarked
package dev.backfill.orchestrator.docs;

import org.jspecify.annotations.NullMarked;
