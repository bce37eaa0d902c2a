/** The rules of ARCHITECTURE.md and of the house style, checked on the product's classes and sources. */
@NullMarked
package dev.backfill.orchestrator.architecture;

import org.jspecify.annotations.NullMarked;
