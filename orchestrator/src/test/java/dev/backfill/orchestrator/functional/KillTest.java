package dev.backfill.orchestrator.functional;

import static dev.backfill.orchestrator.functional.Counters.PATIENCE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.BackfillProcess;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.ThreadLocalRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A process that is ended at any moment loses nothing and does nothing twice. */
class KillTest {

    /** Enough for a few kills; {@code -Drows=17000} for some twenty of each order. */
    private static final long ROWS = Long.getLong("rows", 3_000);

    private static final int FEWEST_KILLS = (int) (ROWS / 2_000);

    @TempDir
    private Path directory;

    @Test
    void killed_again_and_again_until_done_it_changes_every_row_once() throws Exception {
        killUntilDone(Counters.Order.AT);
    }

    @Tag("storm")
    @ParameterizedTest
    @EnumSource(
            value = Counters.Order.class,
            names = {"ID", "AT_AND_ID"})
    void killed_again_and_again_by_other_keys(Counters.Order order) throws Exception {
        killUntilDone(order);
    }

    private void killUntilDone(Counters.Order order) throws Exception {
        long seed = Long.getLong("seed", ThreadLocalRandom.current().nextLong());
        RandomGenerator random = new Random(seed);
        try (Counters counters = Counters.create(order, ROWS)) {
            Path job = CounterJob.by(order)
                    .largestBatch(200)
                    .lasting(Duration.ofMillis(40))
                    .in(directory);

            int kills = 0;
            for (Fate fate = killOne(counters, job, random);
                    fate != Fate.ENDED;
                    fate = killOne(counters, job, random)) {
                kills += fate == Fate.KILLED_IN_MID_RUN ? 1 : 0;
            }

            System.out.printf("%s: %d kills in mid-run, seed %d%n", order, kills, seed);
            assertThat(kills).as("kills in mid-run, seed %d", seed).isGreaterThanOrEqualTo(FEWEST_KILLS);
            counters.assertDoneOnceForGood(job);
        }
    }

    private enum Fate {
        KILLED_BEFORE_OR_AFTER,
        KILLED_IN_MID_RUN,
        ENDED
    }

    /** Starts the program and kills it at some moment, most often one at which it works. */
    private static Fate killOne(Counters counters, Path job, RandomGenerator random) throws Exception {
        try (BackfillProcess process = counters.run(job).start()) {
            if (random.nextInt(4) == 0) {
                waitAWhile(process, random.nextInt(1500));
            } else {
                counters.awaitWorking(process);
                waitAWhile(process, random.nextInt(300));
            }
            if (process.isAlive()) {
                process.kill9();
            }
            int exit = process.waitFor(PATIENCE);
            assertThat(exit).as(process::toString).isIn(0, 128 + 9);
            if (exit == 0) {
                return Fate.ENDED;
            }
            return counters.isWorking(process) ? Fate.KILLED_IN_MID_RUN : Fate.KILLED_BEFORE_OR_AFTER;
        }
    }

    private static void waitAWhile(BackfillProcess process, int milliseconds) {
        long start = System.nanoTime();
        await().atMost(PATIENCE)
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(2))
                .until(() -> !process.isAlive()
                        || System.nanoTime() - start
                                >= Duration.ofMillis(milliseconds).toNanos());
    }
}
