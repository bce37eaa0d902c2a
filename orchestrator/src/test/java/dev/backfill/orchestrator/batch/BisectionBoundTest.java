package dev.backfill.orchestrator.batch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.api.BatchLimits;
import dev.backfill.orchestrator.batch.BatchPlan.Next;
import dev.backfill.orchestrator.db.ErrorClass;
import dev.backfill.orchestrator.testing.Seed;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What bisection costs at most, and what it leaves behind, without a server. */
class BisectionBoundTest {

    private static final int CASES = 1_000;
    private static final int ATTEMPTS = 5;
    private static final Duration QUICK = Duration.ofMillis(100);

    private final Random random = Seed.random("bounds");

    @Test
    void each_healthy_key_is_committed_once_and_each_faulty_one_costs_two_tries_for_each_halving_and_one() {
        for (int i = 0; i < CASES; i++) {
            Walk walk = new Walk(1 + random.nextInt(2_000), 1 + random.nextInt(600), ErrorClass.DATA, 0);
            walk.spoil(random.nextInt(10));
            walk.go();

            walk.assertEachKeyOnce();
            assertThat(walk.failed).as("%s", walk).isLessThanOrEqualTo(walk.bad.size() * most(walk.size));
        }
    }

    @Test
    void the_last_key_of_a_batch_costs_as_much_as_a_key_can() {
        for (int size = 1; size <= 1024; size *= 2) {
            Walk walk = new Walk(3 * size, size, ErrorClass.DATA, 0);
            walk.bad.add(2 * size - 1);
            walk.go();

            walk.assertEachKeyOnce();
            assertThat(walk.failed).as("%s", walk).isEqualTo(most(size));
        }
    }

    @Test
    void after_the_last_faulty_key_the_size_is_back_after_as_many_batches_as_it_was_halved() {
        for (int i = 0; i < CASES; i++) {
            int size = 1 + random.nextInt(600);
            Walk walk = new Walk(1 + random.nextInt(2_000), size, ErrorClass.DATA, 0);
            walk.spoil(1 + random.nextInt(5));
            walk.bad.add(walk.keys - 1);
            walk.go();

            for (int batch = 0; batch < halvings(size); batch++) {
                walk.plan.committed(walk.plan.size(), QUICK, QUICK);
            }
            assertThat(walk.plan.size()).as("%s", walk).isEqualTo(size);
        }
    }

    @Test
    void locks_strewn_in_cost_no_key_and_no_further_halving() {
        for (int i = 0; i < CASES; i++) {
            Walk walk = new Walk(1 + random.nextInt(2_000), 1 + random.nextInt(600), ErrorClass.DATA, 4);
            walk.spoil(random.nextInt(6));
            walk.go();

            walk.assertEachKeyOnce();
            assertThat(walk.failed).as("%s", walk).isLessThanOrEqualTo(walk.bad.size() * most(walk.size));
        }
    }

    @Test
    void a_key_that_takes_too_long_alone_is_found_also_among_locks() {
        for (int i = 0; i < CASES; i++) {
            Walk walk = new Walk(1 + random.nextInt(2_000), 1 + random.nextInt(600), ErrorClass.TIMEOUT, 4);
            walk.spoil(1);
            int slow = walk.bad.first();

            assertThat(walk.go()).as("%s", walk).isEqualTo(Next.STOP);
            assertThat(walk.committed)
                    .as("%s", walk)
                    .isEqualTo(IntStream.range(0, slow).boxed().toList());
        }
    }

    @Test
    void a_batch_that_was_halved_for_its_data_is_not_larger_than_locks_allow() {
        BatchPlan plan = new BatchPlan(limits(1000, 100), ATTEMPTS, Duration.ofMillis(900));
        plan.failed(ErrorClass.DATA);

        for (int size : new int[] {500, 250, 125, 100, 100}) {
            plan.failed(ErrorClass.LOCK);
            assertThat(plan.size()).isEqualTo(size);
        }
    }

    /** A batch is halved down to the key; each healthy half before it doubles the size again, to fail once more. */
    private static int most(int size) {
        return 2 * halvings(size) + 1;
    }

    private static int halvings(int size) {
        return 32 - Integer.numberOfLeadingZeros(size - 1);
    }

    private static BatchLimits limits(int size, int min) {
        return new BatchLimits(size, min, size, Duration.ofMillis(200));
    }

    private final class Walk {
        private final int keys;
        private final int size;
        private final ErrorClass error;
        private final int locks;
        private final BatchPlan plan;
        private final TreeSet<Integer> bad = new TreeSet<>();
        private final List<Integer> committed = new ArrayList<>();
        private final List<Integer> passedOver = new ArrayList<>();
        private int failed;

        /** One of so many tries meets a lock; 0 for none. */
        Walk(int keys, int size, ErrorClass error, int locks) {
            this.keys = keys;
            this.size = size;
            this.error = error;
            this.locks = locks;
            this.plan = new BatchPlan(limits(size, Math.max(1, size / 10)), ATTEMPTS, Duration.ofMillis(900));
        }

        void spoil(int count) {
            for (int i = 0; i < count; i++) {
                bad.add(random.nextInt(keys));
            }
        }

        /** What came last. */
        Next go() {
            Next next = Next.AGAIN_NOW;
            int at = 0;
            while (at < keys && next != Next.STOP) {
                int end = Math.min(keys, at + plan.size());
                if (locks > 0 && random.nextInt(locks) == 0) {
                    next = plan.failed(ErrorClass.LOCK);
                } else if (bad.subSet(at, end).isEmpty()) {
                    IntStream.range(at, end).forEach(committed::add);
                    plan.committed(end - at, QUICK, QUICK);
                    at = end;
                } else {
                    failed++;
                    next = plan.failed(error);
                    if (next == Next.PASS_OVER) {
                        passedOver.add(at++);
                        plan.committed(0, Duration.ZERO, Duration.ZERO);
                    }
                }
            }
            return next;
        }

        void assertEachKeyOnce() {
            assertThat(passedOver).as("%s", this).isEqualTo(List.copyOf(bad));
            assertThat(committed)
                    .as("%s", this)
                    .isEqualTo(IntStream.range(0, keys)
                            .filter(key -> !bad.contains(key))
                            .boxed()
                            .toList());
        }

        @Override
        public String toString() {
            return keys + " keys in batches of " + size + ", bad are " + bad;
        }
    }
}
