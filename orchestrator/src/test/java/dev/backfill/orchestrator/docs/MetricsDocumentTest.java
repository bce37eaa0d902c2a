package dev.backfill.orchestrator.docs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.metrics.MeterFixture;
import dev.backfill.orchestrator.metrics.Meters;
import dev.backfill.orchestrator.metrics.Scrape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The page of metrics has what a scrape shows, and nothing else. */
class MetricsDocumentTest {

    private static final Pattern ROW =
            Pattern.compile("(?m)^\\| `(backfill_[a-z_]+)` \\| (.+?) \\| .+ \\| (sum|max) \\|$");

    @Test
    void the_page_has_every_family_of_a_scrape_with_its_labels() throws IOException {
        try (Meters meters = MeterFixture.full()) {
            Scrape scrape = new Scrape(meters.scrape());
            Map<String, String> shown = new TreeMap<>();
            scrape.families()
                    .forEach(family -> shown.put(
                            family,
                            scrape.labels(family).stream()
                                    .map(label -> "`" + label + "`")
                                    .collect(Collectors.joining(", "))));

            assertThat(rows(2)).isEqualTo(shown);
        }
    }

    @Test
    void the_page_and_the_scrape_agree_on_how_daemons_add_up() throws IOException {
        try (Meters meters = MeterFixture.full()) {
            Map<String, String> helps = new Scrape(meters.scrape()).helps();
            assertThat(rows(3))
                    .allSatisfy((family, rule) -> assertThat(helps.get(family))
                            .as(family)
                            .contains(rule.equals("sum") ? "sum over daemons." : "take the max"));
        }
    }

    private static Map<String, String> rows(int column) throws IOException {
        return ROW.matcher(Files.readString(Path.of("../docs/metrics.md")))
                .results()
                .collect(Collectors.toMap(
                        row -> row.group(1), row -> row.group(column), (one, twice) -> "twice", TreeMap::new));
    }
}
