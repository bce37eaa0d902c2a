/** Benches: the engine beside what others write by hand, on the same data in one run. By {@code mvn test -P bench}. */
@org.jspecify.annotations.NullMarked
package dev.backfill.orchestrator.bench;
