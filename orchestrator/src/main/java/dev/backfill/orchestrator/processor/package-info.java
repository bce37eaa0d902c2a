/** Code of the user's own: how it is found, what it is given, and what keeps its batches whole. */
@NullMarked
package dev.backfill.orchestrator.processor;

import org.jspecify.annotations.NullMarked;
