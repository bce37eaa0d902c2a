package dev.backfill.orchestrator.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.policy.ReplicationLimits;
import dev.backfill.orchestrator.policy.ReplicationLimits.Watched;
import dev.backfill.orchestrator.replication.Standing.KeepingUp;
import dev.backfill.orchestrator.replication.Standing.Primary;
import dev.backfill.orchestrator.standbys.StandbyName;
import dev.backfill.orchestrator.testing.SettableTiming;
import dev.backfill.orchestrator.throttle.Pace;
import dev.backfill.orchestrator.wal.OwnWal;
import dev.backfill.orchestrator.wal.Written;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

/** Standbys that are seen seldom: the rate that is left by what others write. */
class DrainGovernorTest {

    private static final long MEGABYTE = 1_000_000;
    private static final ReplicationLimits LIMITS = new ReplicationLimits(
            EnumSet.of(Watched.DRAIN, Watched.LAG), Duration.ofSeconds(5), Duration.ofSeconds(30), List.of());

    private final SettableTiming timing = new SettableTiming();
    private final OwnWal own = new OwnWal(timing);
    private final Seen seen = new Seen();
    private final DrainGovernor governor = new DrainGovernor(LIMITS, seen, own);

    private final class Seen implements SignalGovernor.Sight {

        private Optional<Standing> standing = Optional.empty();

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

    @Test
    void what_others_wrote_counts_for_a_while_and_behind_another_connection_no_more() {
        assertThat(rate(1, 18)).isEqualTo("7.0 MB");
        assertThat(rate(1, 0))
                .as("20 and a quarter of that, less 0.7 of what was")
                .isEqualTo("12.4 MB");
        assertThat(rate(2, 0)).isEqualTo("25.0 MB");
    }

    /** What is left to runs, as the hold says when they have used it up. */
    private String rate(long connection, double writing) {
        timing.pass(Duration.ofSeconds(1));
        KeepingUp standby = new KeepingUp(
                new StandbyName("a", ""),
                0,
                Duration.ZERO,
                OptionalDouble.of(20 * MEGABYTE),
                Optional.of(Duration.ZERO));
        seen.standing = Optional.of(new Standing(
                timing.nanos(), new Primary(connection, true, writing * MEGABYTE), List.of(standby), List.of()));
        governor.pace();
        own.wrote(new Written(1, 1_000 * MEGABYTE, true));
        Pace pace = governor.pace();
        assertThat(pace.isHold()).isTrue();
        String detail = pace.reason().orElseThrow().detail();
        return detail.replaceAll(".* ([0-9.]+ MB) .*", "$1");
    }
}
