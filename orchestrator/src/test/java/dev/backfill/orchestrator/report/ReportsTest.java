package dev.backfill.orchestrator.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;
import static org.assertj.core.api.Assertions.within;

import dev.backfill.orchestrator.control.RunBoard;
import dev.backfill.orchestrator.control.RunView;
import dev.backfill.orchestrator.run.RunListener.Hold;
import dev.backfill.orchestrator.run.RunState;
import dev.backfill.orchestrator.testing.SettableTiming;
import dev.backfill.orchestrator.testing.TestStores;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ReportsTest {

    private static final String RUN = "00000000-0000-7000-8000-000000000001";
    private static final Hold STOPPED = new Hold("stopped", "");

    private final SettableTiming timing = new SettableTiming();
    private TestStores stores;

    @BeforeEach
    void create() throws Exception {
        stores = new TestStores();
        stores.addRun("fill", RUN, RunState.RUNNING);
        stores.server().execute("UPDATE backfill.run SET started = clock_timestamp() - interval '10 s'");
    }

    @AfterEach
    void drop() throws Exception {
        stores.close();
    }

    @Test
    void time_that_several_processes_are_held_at_once_counts_once() throws Exception {
        Tallies one = new Tallies(timing);
        Tallies other = new Tallies(timing);
        one.held(RUN, STOPPED, "");
        other.held(RUN, STOPPED, "");
        timing.pass(Duration.ofSeconds(5));
        store().write(one);
        store().write(other); // hardly any time has passed on the server since
        assertThat(held()).isCloseTo(Duration.ofSeconds(5), Duration.ofMillis(500));

        stores.server().execute("UPDATE backfill.tally SET at = at - interval '3 s'");
        timing.pass(Duration.ofSeconds(3));
        store().write(one);
        stores.server().execute("UPDATE backfill.tally SET at = at - interval '20 s'");
        timing.pass(Duration.ofSeconds(2));
        one.left(RUN);
        store().write(one);

        assertThat(held()).isCloseTo(Duration.ofSeconds(10), Duration.ofSeconds(1));
    }

    @Test
    void what_is_written_late_does_not_count_as_later() throws Exception {
        Tallies one = new Tallies(timing);
        Tallies other = new Tallies(timing);
        one.held(RUN, STOPPED, "");
        other.held(RUN, STOPPED, "");
        timing.pass(Duration.ofSeconds(5));
        one.released(RUN, STOPPED);
        other.released(RUN, STOPPED);
        store().write(one);
        stores.server().execute("UPDATE backfill.tally SET at = at - interval '3 s'");
        timing.pass(Duration.ofSeconds(3));

        store().write(other);

        assertThat(held()).isCloseTo(Duration.ofSeconds(5), Duration.ofMillis(500));
    }

    @Test
    void of_what_counts_by_its_largest_the_largest_of_all_processes_is_told() {
        for (double lag : new double[] {1.5, 4.5, 2.5}) {
            Tallies process = new Tallies(timing);
            process.worker(TalliesTest.sliceOf(RUN), true);
            process.lag(lag);
            store().write(process);
        }
        assertThat(report("orders").tally().worstLag()).contains(Duration.ofMillis(4_500));
    }

    @Test
    void what_was_never_counted_is_not_known_or_none() {
        Report report = report("nowhere");

        assertThat(report.tally().held()).isEmpty();
        assertThat(report.tally().wal()).isEmpty();
        assertThat(report.tally().worstLag()).isEmpty();
        assertThat(report.tally().victims()).isZero();
        assertThat(report.tables()).isEmpty();
        assertThat(report.lasted().orElseThrow()).isCloseTo(Duration.ofSeconds(10), Duration.ofSeconds(5));
        assertThat(report.rate().orElseThrow()).isCloseTo(0, within(0.001));
    }

    @Test
    void counts_of_a_run_that_is_gone_are_let_go() {
        Tallies tallies = new Tallies(timing);
        tallies.held("00000000-0000-7000-8000-00000000ffff", STOPPED, "");
        timing.pass(Duration.ofSeconds(1));

        store().write(tallies);

        assertThat(tallies.take().keySet()).doesNotContain(RUN);
        assertThat(report("orders").tally().held()).isEmpty();
    }

    @Test
    void dead_rows_are_told_with_what_to_do() throws Exception {
        stores.server()
                .execute(
                        "CREATE TABLE whole (id int, n int) PARTITION BY RANGE (id)",
                        "CREATE TABLE part PARTITION OF whole FOR VALUES FROM (0) TO (10000)"
                                + " WITH (autovacuum_enabled = off)",
                        "CREATE TABLE other PARTITION OF whole FOR VALUES FROM (10000) TO (20000)"
                                + " WITH (autovacuum_vacuum_threshold = 100000, autovacuum_vacuum_scale_factor = 0)",
                        "INSERT INTO whole SELECT i FROM generate_series(0, 10999) AS i",
                        "UPDATE whole SET n = 1");
        stores.server().execute("SELECT pg_stat_force_next_flush()", "ANALYZE whole");

        Report report = report("whole");

        assertThat(report.tables())
                .extracting(TableState::table, TableState::dead, TableState::advice)
                .containsExactly(
                        tuple("part", 10_000L, "autovacuum is off here: run VACUUM (ANALYZE) part"),
                        tuple(
                                "other",
                                1_000L,
                                "autovacuum comes at 100000 dead rows; to have their room used again before, run"
                                        + " VACUUM (ANALYZE) other at a quiet hour"));
        assertThat(report.tables().get(1).due()).contains(100_000L);
        assertThat(report.tables().get(1).live()).isEqualTo(1_000);
        assertThat(new TableState("t", 11, 0, Optional.empty(), Optional.of(10L)).advice())
                .startsWith("autovacuum is due");
        assertThat(new TableState("t", 0, 0, Optional.empty(), Optional.of(10L)).advice())
                .isEqualTo("nothing is left to vacuum");
    }

    private TallyStore store() {
        return new TallyStore(stores.database());
    }

    private Duration held() {
        return report("orders").tally().held().getOrDefault("stopped", Duration.ZERO);
    }

    private Report report(String table) {
        RunBoard board = new RunBoard(stores.database(), stores.jobs(), run -> Optional.empty(), timing);
        RunView run = board.run(RUN).orElseThrow();
        return new Reports(stores.database()).of(run, table);
    }
}
