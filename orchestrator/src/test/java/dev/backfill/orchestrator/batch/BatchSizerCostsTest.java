package dev.backfill.orchestrator.batch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.api.BatchLimits;
import dev.backfill.orchestrator.testing.Seed;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * The sizer on simulated servers where each batch costs something besides its keys, and on servers so slow or so fast that
 * the limits of a batch do not allow the target.
 */
class BatchSizerCostsTest {

    private static final int CASES = 5_000;
    private static final int FIRST = 1_000;
    private static final int FEWEST = 100;
    private static final int MOST = 100_000;
    private static final int SETTLING = 40;

    private final Random random = Seed.random("costs");

    @Test
    void a_cost_of_a_twentieth_of_the_target_does_not_delay_the_start() {
        for (int i = 0; i < CASES; i++) {
            Server server = server(0, 0.05);
            double longest = 0;
            for (int batch = 1; batch <= 6; batch++) {
                double took = server.run(1);
                longest = batch == 1 ? 0 : Math.max(longest, took); // of the first, nobody can know the size
            }
            assertThat(server.run(1)).as("the seventh, %s", server).isBetween(0.9, 1.1);
            assertThat(longest).as("the longest, %s", server).isLessThanOrEqualTo(1.05);
        }
    }

    @Test
    void a_cost_of_half_the_target_makes_no_batch_too_long_that_grows_towards_it() {
        for (int i = 0; i < CASES; i++) {
            Server server = server(0.05, 0.5);
            if (server.ideal() < FIRST) {
                continue; // it begins beyond the target, and a batch that is too large makes the keys look cheap
            }
            double longest = 0;
            for (int batch = 1; batch <= SETTLING; batch++) {
                longest = Math.max(longest, server.run(1));
            }
            assertThat(longest).as("the longest, %s", server).isLessThanOrEqualTo(1.05);
            assertThat(server.run(1)).as("settled, %s", server).isBetween(0.9, 1.1);
        }
    }

    @Test
    void after_a_slowdown_costs_of_a_quarter_of_the_target_delay_it_by_one_batch() {
        for (int i = 0; i < CASES; i++) {
            Server server = server(0, 0.25);
            server.settle();
            server.rate /= 4;
            if (server.ideal() < FEWEST) {
                continue;
            }
            assertThat(server.run(1)).as("under way, %s", server).isGreaterThan(2);
            for (int batch = 1; batch <= 3; batch++) {
                assertThat(server.run(1)).as("batch %d, %s", batch, server).isBetween(0.9, batch == 1 ? 1.2 : 1.1);
            }
        }
    }

    @Test
    void with_noise_nineteen_of_twenty_batches_are_below_one_point_six_targets_from_the_start() {
        List<Double> all = new ArrayList<>();
        for (int i = 0; i < CASES; i++) {
            Server server = server(0, 0.5);
            server.run(1);
            for (int batch = 2; batch <= 30; batch++) {
                all.add(server.run(0.7 + random.nextDouble() * 0.6));
            }
        }
        Collections.sort(all);
        assertThat(all.get((int) (all.size() * 0.95))).isLessThanOrEqualTo(1.6);
    }

    /** The target is missed there, and only there. */
    @Test
    void where_the_limits_do_not_allow_the_target_it_stays_at_the_limit() {
        int least = 0;
        int most = 0;
        for (int i = 0; i < CASES; i++) {
            Server server = anyServer(0, 0.5);
            double ideal = server.ideal();
            server.settle();
            if (ideal < FEWEST * 0.9) {
                least++;
                assertThat(server.sizer.next()).as("%s", server).isEqualTo(FEWEST);
            } else if (ideal > MOST * 1.1) {
                most++;
                assertThat(server.sizer.next()).as("%s", server).isEqualTo(MOST);
            }
            for (int batch = 0; batch < 20; batch++) {
                server.run(0.1 + random.nextDouble() * 5);
                if (random.nextInt(4) == 0) {
                    int before = server.sizer.next();
                    server.sizer.halve();
                    assertThat(server.sizer.next()).isEqualTo(Math.max(FEWEST, Math.round(before / 2.0f)));
                }
                assertThat(server.sizer.next()).isBetween(FEWEST, MOST);
            }
        }
        assertThat(least).isPositive();
        assertThat(most).isPositive();
    }

    private Server server(double leastCost, double mostCost) {
        while (true) {
            Server server = anyServer(leastCost, mostCost);
            if (server.ideal() >= FEWEST && server.ideal() <= MOST) {
                return server;
            }
        }
    }

    private Server anyServer(double leastCost, double mostCost) {
        double rate = 2_000 * Math.pow(1_000, random.nextDouble());
        double target = 0.05 * Math.pow(40, random.nextDouble());
        return new Server(rate, target, leastCost + (mostCost - leastCost) * random.nextDouble());
    }

    private static final class Server {
        private final double target;
        private final double cost;
        private final BatchSizer sizer;
        private double rate;

        Server(double rate, double target, double cost) {
            this.rate = rate;
            this.target = target;
            this.cost = cost;
            this.sizer = new BatchSizer(new BatchLimits(FIRST, FEWEST, MOST, Duration.ofNanos((long) (target * 1e9))));
        }

        double ideal() {
            return rate * target * (1 - cost);
        }

        void settle() {
            for (int i = 0; i < SETTLING; i++) {
                run(1);
            }
        }

        /** A batch; how long it took, in targets. */
        double run(double noise) {
            int keys = sizer.next();
            double took = (cost + keys / rate / target) * noise;
            sizer.committed(keys, Duration.ofNanos((long) (took * target * 1e9)), Duration.ofNanos((long)
                    (took * target * 1e9)));
            return took;
        }

        @Override
        public String toString() {
            return "%.0f keys a second, target %.3f s, of which a batch costs %.3f".formatted(rate, target, cost);
        }
    }
}
