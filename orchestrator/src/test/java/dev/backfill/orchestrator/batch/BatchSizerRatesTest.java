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
 * The sizer on thousands of simulated servers, from 2,000 to 2,000,000 keys a second, with targets of 50 ms to 2 s; where
 * the limits of a batch allow the target.
 */
class BatchSizerRatesTest {

    private static final int CASES = 5_000;
    private static final int SETTLING = 12;
    private static final int FEWEST = 100;
    private static final int MOST = 100_000;

    private final Random random = Seed.random("rates");

    @Test
    void from_cold_it_is_at_the_target_after_six_batches_and_never_beyond() {
        for (int i = 0; i < CASES; i++) {
            Server server = server();
            double longest = 0;
            for (int batch = 1; batch <= 6; batch++) {
                double took = server.run(1);
                longest = batch == 1 ? 0 : Math.max(longest, took); // of the first, nobody can know the size
            }
            assertThat(server.seconds(server.sizer.next()) / server.target)
                    .as("of the target, %s", server)
                    .isBetween(0.95, 1.05);
            assertThat(longest / server.target).as("the longest, %s", server).isLessThanOrEqualTo(1.05);
        }
    }

    @Test
    void after_a_slowdown_to_a_quarter_only_the_batch_under_way_is_too_long() {
        for (int i = 0; i < CASES; i++) {
            Server server = server();
            server.settle();
            server.rate /= 4;
            if (server.ideal() < FEWEST) {
                continue;
            }
            server.run(1);
            for (int batch = 1; batch <= 3; batch++) {
                assertThat(server.run(1) / server.target)
                        .as("batch %d after it, %s", batch, server)
                        .isLessThanOrEqualTo(1.5);
            }
            assertThat(server.seconds(server.sizer.next()) / server.target)
                    .as("settled, %s", server)
                    .isBetween(0.9, 1.1);
        }
    }

    @Test
    void with_noise_of_thirty_percent_nineteen_of_twenty_batches_are_below_one_point_six_targets() {
        List<Double> all = new ArrayList<>();
        for (int i = 0; i < CASES / 10; i++) {
            Server server = server();
            server.settle();
            for (int batch = 0; batch < 100; batch++) {
                all.add(server.run(0.7 + random.nextDouble() * 0.6) / server.target);
            }
        }
        Collections.sort(all);
        assertThat(all.get((int) (all.size() * 0.95))).isLessThanOrEqualTo(1.6);
        assertThat(all.get(all.size() / 2)).as("median").isBetween(0.9, 1.1);
    }

    /** A server whose batches can meet their target within the limits. */
    private Server server() {
        while (true) {
            Server server =
                    new Server(2_000 * Math.pow(1_000, random.nextDouble()), 0.05 * Math.pow(40, random.nextDouble()));
            if (server.ideal() >= FEWEST && server.ideal() <= MOST) {
                return server;
            }
        }
    }

    private static final class Server {
        private final double target;
        private final BatchSizer sizer;
        private double rate;

        Server(double rate, double target) {
            this.rate = rate;
            this.target = target;
            this.sizer = new BatchSizer(new BatchLimits(1_000, FEWEST, MOST, Duration.ofNanos((long) (target * 1e9))));
        }

        double ideal() {
            return rate * target;
        }

        double seconds(int keys) {
            return keys / rate;
        }

        void settle() {
            for (int i = 0; i < SETTLING; i++) {
                run(1);
            }
        }

        /** A batch; how long it took. */
        double run(double noise) {
            int keys = sizer.next();
            double took = seconds(keys) * noise;
            sizer.committed(keys, Duration.ofNanos((long) (took * 1e9)), Duration.ofNanos((long) (took * 1e9)));
            return took;
        }

        @Override
        public String toString() {
            return "%.0f keys a second, target %.3f s".formatted(rate, target);
        }
    }
}
