package dev.backfill.orchestrator.dryrun;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.backfill.orchestrator.dryrun.Estimate.Bar;
import dev.backfill.orchestrator.dryrun.Trial.Sample;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class EstimateTest {

    @Test
    void the_bar_goes_from_the_cheapest_sample_to_the_dearest_and_all_together_are_likely() {
        Estimate estimate = Estimate.of(List.of(sample(1000, 10, 50_000), sample(500, 20, 100_000)), 3_000_000);

        assertBar(estimate.time(), 30, 60, 120);
        assertBar(estimate.wal(), 150e6, 300e6, 600e6);
    }

    @Test
    void a_guess_grows_with_the_rows_and_their_size() {
        Bar narrow = Estimate.rough(1_000_000, 50, 1).wal();
        Bar wide = Estimate.rough(1_000_000, 500, 4).wal();

        assertThat(narrow.low()).isLessThan(narrow.likely());
        assertThat(narrow.likely()).isLessThan(narrow.high());
        assertThat(wide.high()).isGreaterThan(4 * narrow.high());
        assertThat(Estimate.rough(2_000_000, 50, 1).time().likely())
                .isEqualTo(2 * Estimate.rough(1_000_000, 50, 1).time().likely());
    }

    private static void assertBar(Bar bar, double low, double likely, double high) {
        assertThat(bar.low()).isCloseTo(low, withinPercentage(0.001));
        assertThat(bar.likely()).isCloseTo(likely, withinPercentage(0.001));
        assertThat(bar.high()).isCloseTo(high, withinPercentage(0.001));
    }

    private static Sample sample(long keys, int milliseconds, long wal) {
        return new Sample(
                "at the start",
                keys,
                keys,
                new Sample.Cost(Duration.ofMillis(milliseconds), wal),
                new Sample.After(List.of(), 0, List.of(), List.of()));
    }
}
