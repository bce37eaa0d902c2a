/** Benches of giving way: the throttle beside the rules of others, on the same servers in one run. */
@org.jspecify.annotations.NullMarked
package dev.backfill.orchestrator.bench.throttle;
