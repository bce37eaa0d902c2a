package dev.backfill.orchestrator.testing;

import java.util.Random;

/** Where a test of random cases begins: a seed that is printed, and that {@code -Dseed=…} repeats. */
public final class Seed {

    private Seed() {}

    /** A generator for a test. */
    public static Random random(String test) {
        long seed = Long.getLong("seed", new Random().nextLong());
        System.out.println(test + " by seed " + seed);
        return new Random(seed);
    }
}
