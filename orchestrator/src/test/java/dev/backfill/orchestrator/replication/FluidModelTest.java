package dev.backfill.orchestrator.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.policy.ReplicationLimits;
import dev.backfill.orchestrator.policy.ReplicationLimits.Watched;
import dev.backfill.orchestrator.replication.ReplicationProbe.Answer;
import dev.backfill.orchestrator.replication.ReplicationProbe.Follower;
import dev.backfill.orchestrator.replication.ReplicationProbe.Reader;
import dev.backfill.orchestrator.replication.ReplicationProbe.Reply;
import dev.backfill.orchestrator.standbys.Attendance;
import dev.backfill.orchestrator.standbys.StandbyName;
import dev.backfill.orchestrator.testing.SettableTiming;
import dev.backfill.orchestrator.throttle.Governor;
import dev.backfill.orchestrator.throttle.Throttle;
import dev.backfill.orchestrator.wal.OwnWal;
import dev.backfill.orchestrator.wal.Written;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A fluid model of a primary whose writers obey the governors, and of a standby that applies at a limited rate. Half an hour
 * is gone over in steps; nobody waits.
 */
class FluidModelTest {

    private static final double MEGABYTE = 1e6;
    private static final double FASTEST_WRITER = 60;
    private static final double STEP = 0.05;
    private static final int STEPS_A_QUARTER = 5;
    private static final int STEPS_A_SECOND = 20;
    private static final int STEPS = 36_000;
    private static final double BUDGET = 5;
    private static final ReplicationLimits LIMITS = new ReplicationLimits(
            EnumSet.allOf(Watched.class), Duration.ofSeconds((long) BUDGET), Duration.ofSeconds(30), List.of());

    /** How fast the standby applies, and how fast others write, in megabytes a second; by the second. */
    enum Scenario {
        STEADY(t -> 20, t -> 4),
        VARYING(
                t -> {
                    if (t >= 1200 && t < 1206) {
                        return 0; // a recovery conflict
                    }
                    return t >= 300 && t < 600 ? 9 : t >= 900 && t < 1000 ? 14 : 20;
                },
                t -> 4 + 2 * Math.sin(t / 97) + ((int) t % 173 < 12 ? 6 : 0)),
        TIGHT(t -> (int) (t / 120) % 2 == 0 ? 12 : 7, t -> 3 + ((int) t % 61 < 8 ? 4 : 0));

        private final DoubleUnaryOperator apply;
        private final DoubleUnaryOperator others;

        Scenario(DoubleUnaryOperator apply, DoubleUnaryOperator others) {
            this.apply = apply;
            this.others = others;
        }

        /** What a writer that always knew both could write, in megabytes. */
        double ideal() {
            double sum = 0;
            for (int step = 0; step < STEPS; step++) {
                double t = step * STEP;
                sum += STEP * Math.max(0, Math.min(FASTEST_WRITER, apply.applyAsDouble(t) - others.applyAsDouble(t)));
            }
            return sum;
        }
    }

    /** What became of a run through a scenario. */
    private record Outcome(double throughput, double over, double worst) {}

    /** Primary and standby. */
    private static final class Plant implements SignalGovernor.Sight {

        private final Scenario scenario;
        private final Random random;
        private final Judge judge = new Judge(new Attendance(List.of()));
        private final double[] written = new double[STEPS + 1];
        private final double[] lags = new double[STEPS];
        private final Throttle throttle;
        private final int stepsAProbe;
        private final boolean isMeasured;
        private final SettableTiming timing = new SettableTiming();
        private final OwnWal ownWal = new OwnWal(timing);
        private Optional<Standing> standing = Optional.empty();
        private double applied;
        private double own;
        private int passed;
        private int step;
        private double noise = 1;

        Plant(Scenario scenario, long seed, ReplicationLimits limits, Probes probes) {
            this.scenario = scenario;
            this.stepsAProbe = probes.steps();
            this.isMeasured = probes.areOfPositions();
            this.random = new Random(seed);
            this.throttle = new Throttle(Arrays.stream(Signal.values())
                    .filter(signal -> signal.isOn(limits))
                    .map(signal -> signal == Signal.REPLICATION_DRAIN
                            ? new DrainGovernor(limits, this, ownWal)
                            : (Governor) new SignalGovernor(signal, limits, this))
                    .toList());
        }

        Outcome run() {
            Optional<Standing> probed = Optional.empty();
            for (step = 0; step < STEPS; step++, timing.pass(Duration.ofMillis((long) (STEP * 1e3)))) {
                if (step % stepsAProbe == 0) {
                    standing = probed; // an answer that takes as long as the way to the next probe
                    probed = Optional.of(probe());
                }
                move();
            }
            double over = Arrays.stream(lags).filter(lag -> lag > BUDGET).count() / (double) STEPS;
            return new Outcome(
                    own / scenario.ideal(), over, Arrays.stream(lags).max().orElse(0));
        }

        private void move() {
            double t = step * STEP;
            if (step % 20 == 0) {
                noise = 0.85 + 0.3 * random.nextDouble();
            }
            double mine = throttle.pace().ratio() * FASTEST_WRITER * STEP;
            ownWal.wrote(new Written((long) (own * MEGABYTE), (long) ((own + mine) * MEGABYTE), true));
            own += mine;
            written[step + 1] = written[step] + mine + scenario.others.applyAsDouble(t) * STEP;
            applied = Math.min(written[step + 1], applied + scenario.apply.applyAsDouble(t) * noise * STEP);
            while (passed < step + 1 && written[passed] <= applied) {
                passed++;
            }
            lags[step] = applied >= written[step + 1] ? 0 : (step + 1 - passed) * STEP;
        }

        private Duration took() {
            return Duration.ofMillis((long) (stepsAProbe * STEP * 1e3));
        }

        private Standing probe() {
            if (!isMeasured) {
                long lag = step == 0 ? 0 : (long) (lags[step - 1] * 1e9);
                Reader reader = new Reader(new StandbyName("reader", ""), Duration.ofNanos(lag), Duration.ZERO);
                return judge.judge(now(), took(), new Answer(0, List.of(), List.of(reader), true))
                        .standing();
            }
            long position = (long) (written[step] * MEGABYTE);
            Optional<Long> replayed = Optional.of((long) (applied * MEGABYTE));
            Follower standby = new Follower(
                    1,
                    new StandbyName("standby", ""),
                    Optional.of(position),
                    replayed,
                    Optional.of(new Reply(step, Duration.ZERO)));
            return judge.judge(now(), took(), new Answer(position, List.of(standby), List.of(), false))
                    .standing();
        }

        @Override
        public Optional<Standing> standing() {
            return standing;
        }

        @Override
        public Optional<String> trouble() {
            return Optional.empty();
        }

        @Override
        public long now() {
            return timing.nanos();
        }
    }

    /** How often the standbys are seen, and whether positions in the log are, or only how far they are behind. */
    private record Probes(int steps, boolean areOfPositions) {}

    @ParameterizedTest
    @EnumSource(Scenario.class)
    void the_writers_move_nearly_as_much_as_the_standby_can_take_and_are_hardly_ever_over_the_budget(
            Scenario scenario) {
        assertThat(outcomes(scenario, new Probes(STEPS_A_QUARTER, true))).allSatisfy(outcome -> {
            assertThat(outcome.throughput()).isGreaterThan(0.97);
            assertThat(outcome.over()).isLessThan(0.005);
        });
    }

    @ParameterizedTest
    @EnumSource(Scenario.class)
    void also_when_the_standbys_are_seen_once_a_second_only_and_that_late(Scenario scenario) {
        assertThat(outcomes(scenario, new Probes(STEPS_A_SECOND, true))).allSatisfy(outcome -> {
            assertThat(outcome.throughput()).isGreaterThan(0.95);
            assertThat(outcome.over()).isLessThan(0.01);
        });
    }

    @ParameterizedTest
    @EnumSource(Scenario.class)
    void also_where_only_the_lag_is_known_once_a_second(Scenario scenario) {
        assertThat(outcomes(scenario, new Probes(STEPS_A_SECOND, false))).allSatisfy(outcome -> {
            assertThat(outcome.throughput()).isGreaterThan(0.95);
            assertThat(outcome.over()).isLessThan(0.05);
        });
    }

    private static List<Outcome> outcomes(Scenario scenario, Probes probes) {
        List<Outcome> outcomes = new ArrayList<>();
        for (long seed = 1; seed <= 3; seed++) {
            Outcome outcome = new Plant(scenario, seed, LIMITS, probes).run();
            System.out.printf(
                    "%s, seed %d, %s: throughput %.3f of the ideal, %.2f %% of the time over the budget, worst lag %.1f s%n",
                    scenario, seed, probes, outcome.throughput(), 100 * outcome.over(), outcome.worst());
            outcomes.add(outcome);
        }
        return outcomes;
    }

    @Test
    void whoever_only_looks_at_the_lag_is_over_the_budget_for_a_quarter_of_the_time() {
        ReplicationLimits lagOnly =
                new ReplicationLimits(EnumSet.of(Watched.LAG), LIMITS.budget(), LIMITS.staleReply(), LIMITS.expected());

        assertThat(new Plant(Scenario.STEADY, 1, lagOnly, new Probes(STEPS_A_QUARTER, true))
                        .run()
                        .over())
                .isGreaterThan(0.25);
    }
}
