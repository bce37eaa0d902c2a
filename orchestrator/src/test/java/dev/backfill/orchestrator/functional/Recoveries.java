package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** How long it took after each of several faults of a kind until work went on. */
final class Recoveries {

    private final List<Duration> sorted;

    /** As measured, in any order. */
    Recoveries(List<Duration> measured) {
        sorted = measured.stream().sorted().toList();
    }

    /** Prints the figures and holds the one in the middle to the promise. */
    void assertMedianAtMost(Duration promised, String fault) {
        Duration median = sorted.get(sorted.size() / 2);
        List<String> seconds = new ArrayList<>();
        sorted.forEach(each -> seconds.add("%.1f".formatted(each.toMillis() / 1000.0)));
        System.out.printf(
                "recovery after %s: median %.1f s of %s; promised %.1f s%n",
                fault, median.toMillis() / 1000.0, seconds, promised.toMillis() / 1000.0);
        assertThat(median).as("the median of %s after %s", sorted, fault).isLessThanOrEqualTo(promised);
    }
}
