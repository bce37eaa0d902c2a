package dev.backfill.orchestrator.metrics;

import static dev.backfill.orchestrator.metrics.MeterFixture.DATABASE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.run.RunListener.Outcome;
import dev.backfill.orchestrator.throttle.Pace;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class MetersTest {

    private static final String ORDERS = "{backfill=\"orders\",database=\"main\"} ";

    private final Meters meters = new Meters("1.2.3");

    @AfterEach
    void close() {
        meters.close();
    }

    @Test
    void every_counter_of_a_job_begins_at_zero_with_its_first_listener() {
        meters.listener("orders", DATABASE);

        assertThat(lines("backfill_rows_scanned_total"))
                .containsExactly("backfill_rows_scanned_total" + ORDERS + "0.0");
        assertThat(lines("backfill_rows_changed_total"))
                .containsExactly("backfill_rows_changed_total" + ORDERS + "0.0");
        assertThat(lines("backfill_rows_quarantined_total"))
                .containsExactly("backfill_rows_quarantined_total" + ORDERS + "0.0");
        assertThat(lines("backfill_fenced_commits_total"))
                .containsExactly("backfill_fenced_commits_total" + ORDERS + "0.0");
        assertThat(lines("backfill_workers_active")).containsExactly("backfill_workers_active" + ORDERS + "0.0");
        assertThat(lines("backfill_batch_size")).containsExactly("backfill_batch_size" + ORDERS + "0.0");
        assertThat(lines("backfill_batch_seconds_count"))
                .containsExactly("backfill_batch_seconds_count" + ORDERS + "0");
        assertThat(lines("backfill_batches_total"))
                .containsExactly(
                        batches("committed", "0.0"),
                        batches("failed", "0.0"),
                        batches("retried", "0.0"),
                        batches("split", "0.0"));
    }

    @Test
    void a_committed_batch_counts_its_keys_its_rows_and_its_time() {
        RunListener listener = meters.listener("orders", DATABASE);

        MeterFixture.commit(listener, 1000, 900, Duration.ofMillis(5));
        MeterFixture.commit(listener, 500, 400, Duration.ofMillis(200));

        assertThat(lines("backfill_rows_scanned_total"))
                .containsExactly("backfill_rows_scanned_total" + ORDERS + "1500.0");
        assertThat(lines("backfill_rows_changed_total"))
                .containsExactly("backfill_rows_changed_total" + ORDERS + "1300.0");
        assertThat(lines("backfill_batches_total")).contains(batches("committed", "2.0"));
        assertThat(lines("backfill_batch_size")).containsExactly("backfill_batch_size" + ORDERS + "500.0");
        assertThat(lines("backfill_batch_seconds_sum"))
                .containsExactly("backfill_batch_seconds_sum" + ORDERS + "0.205");
        assertThat(lines("backfill_batch_seconds_bucket"))
                .containsExactly(
                        bucket("0.005", 1),
                        bucket("0.01", 1),
                        bucket("0.025", 1),
                        bucket("0.05", 1),
                        bucket("0.1", 1),
                        bucket("0.25", 2),
                        bucket("0.5", 2),
                        bucket("1.0", 2),
                        bucket("2.5", 2),
                        bucket("5.0", 2),
                        bucket("10.0", 2),
                        bucket("30.0", 2),
                        bucket("60.0", 2),
                        bucket("+Inf", 2));
    }

    @Test
    void a_batch_that_was_rolled_back_counts_by_its_outcome() {
        RunListener listener = meters.listener("orders", DATABASE);

        listener.batchRolledBack(MeterFixture.SLICE, Outcome.RETRIED, "deadlock");
        listener.batchRolledBack(MeterFixture.SLICE, Outcome.RETRIED, "deadlock");
        listener.batchRolledBack(MeterFixture.SLICE, Outcome.SPLIT, "time-out");
        listener.batchRolledBack(MeterFixture.SLICE, Outcome.FAILED, "no such column");
        listener.commitFenced(MeterFixture.SLICE);

        assertThat(lines("backfill_batches_total"))
                .containsExactly(
                        batches("committed", "0.0"),
                        batches("failed", "1.0"),
                        batches("retried", "2.0"),
                        batches("split", "1.0"));
        assertThat(lines("backfill_fenced_commits_total"))
                .containsExactly("backfill_fenced_commits_total" + ORDERS + "1.0");
    }

    @Test
    void listeners_of_the_same_job_count_together_and_databases_apart() {
        MeterFixture.commit(meters.listener("orders", DATABASE), 10, 10, Duration.ofMillis(1));
        MeterFixture.commit(meters.listener("orders", DATABASE), 10, 10, Duration.ofMillis(1));
        MeterFixture.commit(meters.listener("orders", "shard"), 1, 1, Duration.ofMillis(1));

        assertThat(lines("backfill_rows_scanned_total"))
                .containsExactly(
                        "backfill_rows_scanned_total" + ORDERS + "20.0",
                        "backfill_rows_scanned_total{backfill=\"orders\",database=\"shard\"} 1.0");
    }

    @Test
    void workers_are_those_who_came_less_those_who_left() {
        RunListener listener = meters.listener("orders", DATABASE);

        listener.worker(MeterFixture.SLICE, true);
        listener.worker(MeterFixture.SLICE, true);
        listener.worker(MeterFixture.SLICE, false);

        assertThat(lines("backfill_workers_active")).containsExactly("backfill_workers_active" + ORDERS + "1.0");
    }

    @Test
    void holds_add_up_by_reason() {
        meters.held("orders", DATABASE, "window", Duration.ofSeconds(1));
        meters.held("orders", DATABASE, "window", Duration.ofMillis(500));
        meters.held("orders", DATABASE, "locked-rows", Duration.ofSeconds(2));

        assertThat(lines("backfill_hold_seconds_total"))
                .containsExactly(
                        "backfill_hold_seconds_total{backfill=\"orders\",database=\"main\",reason=\"locked-rows\"} 2.0",
                        "backfill_hold_seconds_total{backfill=\"orders\",database=\"main\",reason=\"window\"} 1.5");
    }

    @Test
    void a_running_run_shows_how_far_it_is() {
        meters.observe(DATABASE, List.of(MeterFixture.held("orders", "window")));

        assertThat(lines("backfill_progress_ratio")).containsExactly("backfill_progress_ratio" + ORDERS + "0.5");
        assertThat(lines("backfill_eta_seconds")).containsExactly("backfill_eta_seconds" + ORDERS + "2.5");
        assertThat(lines("backfill_rows_remaining")).containsExactly("backfill_rows_remaining" + ORDERS + "500.0");
        assertThat(lines("backfill_quarantine_rows")).containsExactly("backfill_quarantine_rows" + ORDERS + "3.0");
        assertThat(lines("backfill_hold"))
                .containsExactly("backfill_hold{backfill=\"orders\",database=\"main\",reason=\"window\"} 1.0");
    }

    @Test
    void a_run_is_in_one_of_seven_states() {
        meters.observe(DATABASE, List.of(MeterFixture.running("orders")));

        assertThat(lines("backfill_run_state"))
                .containsExactly(
                        state("CANCELLED", 0),
                        state("FAILED", 0),
                        state("PAUSED", 0),
                        state("PENDING", 0),
                        state("RUNNING", 1),
                        state("SUCCEEDED", 0),
                        state("VERIFYING", 0));
    }

    @Test
    void what_is_not_known_is_absent() {
        meters.observe(DATABASE, List.of(MeterFixture.pending("orders"), MeterFixture.withoutRun("customers")));

        assertThat(scrape().families())
                .doesNotContain(
                        "backfill_eta_seconds",
                        "backfill_rows_remaining",
                        "backfill_hold",
                        "backfill_last_success_timestamp_seconds");
        assertThat(scrape().seriesWith("backfill=\"customers\""))
                .hasSize(7)
                .allSatisfy(line ->
                        assertThat(line).startsWith("backfill_run_state{").endsWith(" 0.0"));
        assertThat(scrape().seriesWith("backfill=\"orders\"")).hasSize(9);
        assertThat(scrape().seriesWith("backfill_")).noneMatch(line -> line.endsWith("NaN"));
    }

    @Test
    void the_last_success_stays_while_a_newer_run_is_under_way() {
        meters.observe(DATABASE, List.of(MeterFixture.succeeded("orders")));
        meters.observe(DATABASE, List.of(MeterFixture.running("orders")));
        meters.observe(DATABASE, List.of(MeterFixture.pending("orders")));

        assertThat(lines("backfill_last_success_timestamp_seconds"))
                .containsExactly("backfill_last_success_timestamp_seconds" + ORDERS + "1.7956080005E9");
    }

    @Test
    void a_hold_that_is_over_is_absent() {
        meters.observe(DATABASE, List.of(MeterFixture.held("orders", "window")));
        meters.observe(DATABASE, List.of(MeterFixture.running("orders")));

        assertThat(lines("backfill_hold")).isEmpty();
    }

    @Test
    void a_job_that_is_gone_takes_every_series_with_it() {
        meters.listener("orders", DATABASE);
        meters.listener("customers", DATABASE);
        meters.listener("orders", "shard");
        meters.held("orders", DATABASE, "window", Duration.ofSeconds(1));
        meters.observe(DATABASE, List.of(MeterFixture.succeeded("orders"), MeterFixture.running("customers")));

        meters.observe(DATABASE, List.of(MeterFixture.running("customers")));

        assertThat(scrape().seriesWith("backfill=\"orders\",database=\"main\"")).isEmpty();
        assertThat(scrape().seriesWith("backfill=\"orders\",database=\"shard\""))
                .isNotEmpty();
        assertThat(lines("backfill_progress_ratio")).hasSize(1);
        assertThat(lines("backfill_rows_scanned_total")).hasSize(2);
    }

    @Test
    void a_job_that_comes_back_begins_anew() {
        RunListener listener = meters.listener("orders", DATABASE);
        MeterFixture.commit(listener, 10, 10, Duration.ofMillis(1));
        meters.observe(DATABASE, List.of(MeterFixture.succeeded("orders")));
        meters.observe(DATABASE, List.of());
        meters.observe(DATABASE, List.of(MeterFixture.running("orders")));

        MeterFixture.commit(listener, 7, 7, Duration.ofMillis(1));

        assertThat(lines("backfill_rows_scanned_total"))
                .containsExactly("backfill_rows_scanned_total" + ORDERS + "7.0");
        assertThat(lines("backfill_last_success_timestamp_seconds")).isEmpty();
    }

    @Test
    void a_job_that_is_gone_is_counted_until_its_last_worker_has_left() {
        RunListener listener = meters.listener("orders", DATABASE);
        listener.worker(MeterFixture.SLICE, true);
        MeterFixture.commit(listener, 10, 10, Duration.ofMillis(1));

        meters.observe(DATABASE, List.of());
        assertThat(lines("backfill_rows_scanned_total"))
                .containsExactly("backfill_rows_scanned_total" + ORDERS + "10.0");

        listener.worker(MeterFixture.SLICE, false);
        meters.observe(DATABASE, List.of());
        assertThat(lines("backfill_rows_scanned_total")).isEmpty();
    }

    @Test
    void governors_of_a_database_are_replaced_together() {
        meters.observePaces(DATABASE, Map.of("stop", Pace.FULL, "lag", new Pace(0.25, Optional.empty())));
        meters.observePaces(DATABASE, Map.of("lag", new Pace(0.5, Optional.empty())));
        meters.observePaces("shard", Map.of("lag", Pace.FULL));

        assertThat(lines("backfill_pace_ratio"))
                .containsExactly(
                        "backfill_pace_ratio{database=\"main\",governor=\"lag\"} 0.5",
                        "backfill_pace_ratio{database=\"shard\",governor=\"lag\"} 1.0");
    }

    @Test
    void the_build_and_the_process_are_there_from_the_start() {
        assertThat(lines("backfill_build_info")).containsExactly("backfill_build_info{version=\"1.2.3\"} 1");
        assertThat(scrape().text())
                .contains("\njvm_memory_used_bytes{", "\njvm_threads_live_threads ", "\nprocess_cpu_seconds_total ")
                .doesNotContain("process_cpu_time_ns_total", "system_cpu_count");
    }

    private Scrape scrape() {
        return new Scrape(meters.scrape());
    }

    private List<String> lines(String name) {
        return scrape().lines(name);
    }

    private static String batches(String outcome, String value) {
        return "backfill_batches_total{backfill=\"orders\",database=\"main\",outcome=\"" + outcome + "\"} " + value;
    }

    private static String bucket(String bound, int count) {
        return "backfill_batch_seconds_bucket{backfill=\"orders\",database=\"main\",le=\"" + bound + "\"} " + count;
    }

    private static String state(String state, int value) {
        return "backfill_run_state{backfill=\"orders\",database=\"main\",state=\"" + state + "\"} " + value + ".0";
    }
}
