package dev.backfill.orchestrator.batch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.api.BatchLimits;
import dev.backfill.orchestrator.batch.BatchPlan.Next;
import dev.backfill.orchestrator.db.ErrorClass;
import dev.backfill.orchestrator.testing.Seed;
import java.time.Duration;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** Slices with faulty keys at random places, gone through by a plan without a server. */
class BisectionTest {

    private static final int CASES = 2_000;
    private static final Duration QUICK = Duration.ofMillis(100);
    private static final Duration BRISK = Duration.ofMillis(900);
    private static final int ATTEMPTS = 5;

    private final Random random = Seed.random("bisection");

    @Test
    void exactly_the_faulty_keys_are_passed_over_and_each_costs_two_tries_for_each_halving() {
        for (int i = 0; i < CASES; i++) {
            Slice slice = new Slice(1 + random.nextInt(3_000), 1 + random.nextInt(1_000));
            Set<Integer> faulty = slice.randomKeys(random.nextInt(12));

            int failed = slice.walk(faulty, ErrorClass.DATA, false);

            assertThat(slice.passedOver).as("%s", slice).isEqualTo(faulty);
            assertThat(slice.committed).as("%s", slice).isEqualTo(slice.keys - faulty.size());
            assertThat(failed).as("%s, %d faulty", slice, faulty.size()).isLessThanOrEqualTo(bound(slice, faulty));
        }
    }

    @Test
    void locks_in_between_lose_nothing_either() {
        for (int i = 0; i < CASES; i++) {
            Slice slice = new Slice(1 + random.nextInt(2_000), 1 + random.nextInt(500));
            Set<Integer> faulty = slice.randomKeys(random.nextInt(6));

            slice.walk(faulty, ErrorClass.DATA, true);

            assertThat(slice.passedOver).as("%s", slice).isEqualTo(faulty);
            assertThat(slice.committed).as("%s", slice).isEqualTo(slice.keys - faulty.size());
        }
    }

    @Test
    void a_key_that_takes_too_long_alone_is_found_and_stops_the_run() {
        for (int i = 0; i < CASES; i++) {
            Slice slice = new Slice(1 + random.nextInt(2_000), 1 + random.nextInt(500));
            Set<Integer> slow = slice.randomKeys(1);

            slice.walk(slow, ErrorClass.TIMEOUT, false);

            assertThat(slice.stoppedAt)
                    .as("%s", slice)
                    .isEqualTo(slow.iterator().next());
            assertThat(slice.committed).as("%s", slice).isEqualTo(slice.stoppedAt);
        }
    }

    /** Each restart is a new plan, which knows only how often the slice was taken; each commit takes one back. */
    @Test
    void a_key_that_takes_its_workers_with_it_is_found_over_restarts() {
        int most = 0;
        for (int i = 0; i < CASES; i++) {
            Slice slice = new Slice(1 + random.nextInt(3_000), 1 + random.nextInt(1_000));
            int deadly = slice.randomKeys(1).iterator().next();

            int kills = slice.surviveWith(deadly);

            assertThat(slice.passedOver).as("%s", slice).containsExactly(deadly);
            assertThat(slice.committed).as("%s", slice).isEqualTo(slice.keys - 1);
            int halvings = halvings(slice.size);
            assertThat(kills).as("%s", slice).isLessThanOrEqualTo(ATTEMPTS + 3 * (halvings + 1));
            most = Math.max(most, kills);
        }
        assertThat(most).isGreaterThan(ATTEMPTS);
    }

    /** For each faulty key the batch is halved down to it, and grows back over what was healthy before it. */
    private static int bound(Slice slice, Set<Integer> faulty) {
        return faulty.size() * 2 * (halvings(slice.size) + 1);
    }

    private static int halvings(int size) {
        return 32 - Integer.numberOfLeadingZeros(size);
    }

    private final class Slice {
        private final int keys;
        private final int size;
        private final Set<Integer> passedOver = new TreeSet<>();
        private int committed;
        private int stoppedAt = -1;

        Slice(int keys, int size) {
            this.keys = keys;
            this.size = size;
        }

        Set<Integer> randomKeys(int count) {
            Set<Integer> chosen = new TreeSet<>();
            while (chosen.size() < Math.min(count, keys)) {
                chosen.add(random.nextInt(keys));
            }
            return chosen;
        }

        BatchPlan plan() {
            int min = Math.max(1, size / 10);
            return new BatchPlan(new BatchLimits(size, min, size, Duration.ofMillis(200)), ATTEMPTS, BRISK);
        }

        /** Goes through; how many batches failed because of a bad key. */
        int walk(Set<Integer> bad, ErrorClass error, boolean locks) {
            BatchPlan plan = plan();
            int failed = 0;
            int at = 0;
            while (at < keys) {
                int end = Math.min(keys, at + plan.size());
                if (locks && random.nextInt(4) == 0) {
                    plan.failed(ErrorClass.LOCK);
                    continue;
                }
                if (!holds(bad, at, end)) {
                    committed += end - at;
                    plan.committed(end - at, QUICK, QUICK);
                    at = end;
                    continue;
                }
                failed++;
                Next next = plan.failed(error);
                if (next == Next.PASS_OVER) {
                    passedOver.add(at++);
                    plan.committed(0, Duration.ZERO, Duration.ZERO);
                } else if (next == Next.STOP) {
                    stoppedAt = at;
                    return failed;
                }
            }
            return failed;
        }

        /** Goes through with a new worker after each that the deadly key has killed; how many it has killed. */
        int surviveWith(int deadly) {
            int kills = 0;
            int attempts = 0;
            int at = 0;
            BatchPlan plan = plan();
            while (at < keys) {
                if (plan.isNextKeyDeadly()) {
                    passedOver.add(at++);
                    attempts--;
                    plan.committed(0, Duration.ZERO, Duration.ZERO);
                    continue;
                }
                int end = Math.min(keys, at + plan.size());
                if (deadly >= at && deadly < end) {
                    kills++;
                    attempts++;
                    plan = plan();
                    plan.taken(attempts);
                    continue;
                }
                committed += end - at;
                attempts = Math.max(0, attempts - 1);
                plan.committed(end - at, QUICK, QUICK);
                at = end;
            }
            return kills;
        }

        private boolean holds(Set<Integer> bad, int from, int to) {
            return bad.stream().anyMatch(key -> key >= from && key < to);
        }

        @Override
        public String toString() {
            return keys + " keys in batches of " + size;
        }
    }
}
