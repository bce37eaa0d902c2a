package dev.backfill.orchestrator.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** Names and labels that dashboards rely on. */
class FamiliesTest {

    /** Names to labels: what people were promised. */
    private static final String PROMISED = """
            backfill_rows_scanned_total             backfill database
            backfill_rows_changed_total             backfill database
            backfill_rows_quarantined_total         backfill database
            backfill_batches_total                  backfill database outcome
            backfill_batch_seconds                  backfill database
            backfill_batch_size                     backfill database
            backfill_progress_ratio                 backfill database
            backfill_eta_seconds                    backfill database
            backfill_rows_remaining                 backfill database
            backfill_quarantine_rows                backfill database
            backfill_run_state                      backfill database state
            backfill_last_success_timestamp_seconds backfill database
            backfill_workers_active                 backfill database
            backfill_hold_seconds_total             backfill database reason
            backfill_hold                           backfill database reason
            backfill_pace_ratio                     database governor
            backfill_signal_value                   database signal source
            backfill_signal_limit                   database signal source
            backfill_signal_age_seconds             database signal source
            backfill_signal_up                      database signal source
            backfill_fenced_commits_total           backfill database
            backfill_lock_victims_total             backfill database
            backfill_build_info                     version
            """;

    @Test
    void names_and_labels_are_those_that_were_promised() {
        Map<String, Set<String>> promised = new TreeMap<>();
        PROMISED.lines().map(line -> line.split(" +")).forEach(words -> {
            promised.put(words[0], new TreeSet<>(Set.of(words)));
            promised.get(words[0]).remove(words[0]);
        });

        try (Meters meters = MeterFixture.full()) {
            Scrape scrape = new Scrape(meters.scrape());
            Map<String, Set<String>> shown = new TreeMap<>();
            scrape.families().forEach(family -> shown.put(family, scrape.labels(family)));

            assertThat(shown).isEqualTo(promised);
            assertThat(scrape.seriesWith("backfill_"))
                    .allSatisfy(line -> assertThat(promised.keySet()).anyMatch(line::startsWith));
        }
    }

    @Test
    void no_label_is_one_of_prometheus_itself() {
        try (Meters meters = MeterFixture.full()) {
            assertThat(meters.scrape()).doesNotContainPattern("[{,](job|instance|run)=");
        }
    }

    @Test
    void every_family_says_what_it_is_and_how_daemons_add_up() {
        try (Meters meters = MeterFixture.full()) {
            Scrape scrape = new Scrape(meters.scrape());

            assertThat(scrape.helps().keySet()).isEqualTo(scrape.families());
            assertThat(scrape.helps())
                    .allSatisfy((family, help) -> assertThat(help)
                            .as(family)
                            .matches(".+\\. .*(sum over daemons|take the max|take the max over daemons)\\."));
        }
    }

    @Test
    void every_family_has_its_type() {
        try (Meters meters = MeterFixture.full()) {
            assertThat(new Scrape(meters.scrape()).types())
                    .allSatisfy((family, type) -> assertThat(type)
                            .as(family)
                            .isEqualTo(
                                    family.endsWith("_total")
                                            ? "counter"
                                            : family.equals("backfill_batch_seconds") ? "histogram" : "gauge"));
        }
    }
}
