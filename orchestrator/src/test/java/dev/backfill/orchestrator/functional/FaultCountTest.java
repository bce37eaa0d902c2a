package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.Faults;
import dev.backfill.orchestrator.testing.Faults.Kind;
import dev.backfill.orchestrator.testing.Faults.Made;
import dev.backfill.orchestrator.testing.Volume;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** How many faults the tests of a build have made, after which nothing was lost and nothing done twice. */
@Tag("measured") // after all of these
class FaultCountTest {

    @Test
    void many_of_every_kind_were_made_in_a_few_minutes() throws IOException, InterruptedException {
        List<Made> faults = Faults.all();
        Map<Kind, Long> counts =
                faults.stream().collect(Collectors.groupingBy(Made::kind, TreeMap::new, Collectors.counting()));
        List<Instant> times = faults.stream().map(Made::at).sorted().toList();
        Duration took = Duration.between(times.get(0), times.get(times.size() - 1));
        System.out.println("faults: " + faults.size() + " in " + took.toSeconds() + " s: " + counts);

        assertThat(counts).containsOnlyKeys(Kind.values());
        for (Kind kind : Kind.values()) {
            assertThat(counts.get(kind)).as("%s", kind).isGreaterThanOrEqualTo(madeBy(kind));
        }
        assertThat(took).isLessThan(Duration.ofMinutes(5));
    }

    /** How many a build makes at least; the server's disk can be full only where there is a volume for it. */
    private static long madeBy(Kind kind) throws IOException, InterruptedException {
        return switch (kind) {
            case KILL -> 51;
            case SEVERAL_DAEMONS -> 5;
            case SERVER -> 61;
            case NETWORK -> 15;
            case POOLER -> 1;
            case LOCKS -> 27;
            case RESOURCES -> Volume.isPossible() ? 4 : 2;
            case BAD_DATA -> 6;
        };
    }
}
