package dev.backfill.orchestrator.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.control.RunQueue.NewRun;
import dev.backfill.orchestrator.registration.RegisteredJob;
import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.testing.AtOnce;
import dev.backfill.orchestrator.testing.TestJobs;
import dev.backfill.orchestrator.testing.TestStores;
import dev.backfill.orchestrator.timing.Timing;
import java.sql.SQLException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class StartsTest {

    private static final String JOB = "fill";
    private static final LoadedJob ON_APPLY = TestJobs.job(JOB);
    private static final LoadedJob HOURLY = cron("0 0 * * * ?");

    private TestStores stores;
    private Starts starts;

    @BeforeAll
    void create() throws SQLException {
        stores = new TestStores();
    }

    @BeforeEach
    void clear() throws SQLException {
        stores.clear();
        starts = starts(stores);
    }

    @AfterAll
    void drop() throws SQLException {
        stores.close();
    }

    @Test
    void registering_a_job_starts_it_once() throws SQLException {
        register(ON_APPLY);

        assertThat(look()).isTrue();
        assertThat(look()).isFalse();
        end();
        assertThat(look()).as("after the run ended").isFalse();
        register(TestJobs.job(JOB, "parallelism: 2"));
        assertThat(look()).as("a later revision").isFalse();

        assertThat(runs()).containsExactly("1 -infinity");
    }

    @Test
    void a_job_that_was_unregistered_and_registered_again_is_not_started_again() throws SQLException {
        register(ON_APPLY);
        look();
        end();
        stores.jobs().unregister(JOB, TestStores.WHO, "");

        register(ON_APPLY);

        assertThat(look()).isFalse();
    }

    @Test
    void a_job_that_ran_in_the_foreground_is_not_started_by_its_registration() throws SQLException {
        stores.revisions().add(ON_APPLY, "ann");
        stores.queue().insert(NewRun.foreground("1", JOB, 1));
        end();

        register(ON_APPLY);

        assertThat(look()).isFalse();
    }

    @Test
    void a_job_that_a_person_starts_is_not_started() {
        register(TestJobs.job(JOB, "schedule: { start: manual }"));

        assertThat(look()).isFalse();
    }

    @Test
    void many_who_look_at_once_start_a_job_once() throws Exception {
        register(ON_APPLY);
        try (TestStores other = stores.beside()) {
            assertThat(lookAtOnce(other)).containsOnlyOnce(true);
        }
        assertThat(runs()).containsExactly("1 -infinity");
    }

    @Test
    void many_who_look_at_once_make_one_run_of_a_planned_start() throws Exception {
        register(HOURLY);
        plannedSince("3 hours");
        try (TestStores other = stores.beside()) {
            assertThat(lookAtOnce(other)).containsOnlyOnce(true);
        }
        assertThat(runs()).hasSize(1);
        assertThat(skipped()).isEmpty();
    }

    @Test
    void starts_that_were_missed_become_one_run_for_the_latest() throws SQLException {
        register(HOURLY);
        plannedSince("30 days");
        Instant before = hour();

        assertThat(look()).isTrue();
        end();
        assertThat(look()).isFalse();

        assertThat(runs()).singleElement().isIn("1 " + before, "1 " + hour());
    }

    @Test
    void a_start_at_an_instant_that_is_over_is_made_up_for_once() throws SQLException {
        register(TestJobs.job(JOB, "schedule: { start: { at: '2020-01-01T00:00:00Z' } }"));

        assertThat(look()).isTrue();
        end();
        assertThat(look()).isFalse();

        assertThat(runs()).containsExactly("1 2020-01-01T00:00:00Z");
    }

    @Test
    void a_start_that_finds_an_unfinished_run_is_skipped_for_good() throws SQLException {
        register(HOURLY);
        stores.queue().insert(NewRun.byHand("1", JOB, 1));
        plannedSince("3 hours");

        assertThat(look()).isFalse();
        assertThat(look()).isFalse();
        end();
        assertThat(look()).as("after the run ended").isFalse();

        assertThat(runs()).hasSize(1);
        assertThat(skipped()).singleElement().asString().endsWith("found an unfinished run");
    }

    @Test
    void many_who_skip_a_start_at_once_write_one_event() throws Exception {
        try (TestStores other = stores.beside()) {
            for (int round = 0; round < 5; round++) {
                clear();
                register(HOURLY);
                stores.queue().insert(NewRun.byHand("1", JOB, 1));
                plannedSince("3 hours");

                assertThat(lookAtOnce(other)).containsOnly(false);

                assertThat(skipped()).hasSize(1);
            }
        }
    }

    @Test
    void who_looked_before_and_acts_late_does_not_bring_back_a_start_that_was_skipped() throws SQLException {
        register(HOURLY);
        stores.queue().insert(NewRun.byHand("1", JOB, 1));
        plannedSince("3 hours");
        List<RegisteredJob> seenBefore = stores.jobs().all();
        Instant before = hour().minus(1, ChronoUnit.HOURS);
        look();
        end();

        stores.jobs().handled(seenBefore.get(0), before);

        assertThat(look()).isFalse();
        assertThat(runs()).hasSize(1);
    }

    @Test
    void a_run_whose_maker_died_before_it_wrote_down_its_start_is_no_skipped_start() throws SQLException {
        register(HOURLY);
        plannedSince("3 hours");
        Instant hour = hour();
        stores.queue().insert(NewRun.planned("1", JOB, 1, hour));

        assertThat(look()).isFalse();

        assertThat(skipped()).isEmpty();
        assertThat(stores.jobs().find(JOB).orElseThrow().plan().handled()).contains(hour);
    }

    @Test
    void an_alarm_starts_what_is_due() throws SQLException {
        register(HOURLY);
        plannedSince("3 hours");

        assertThat(starts.rung(JOB)).isTrue();
        end();
        assertThat(starts.rung(JOB)).as("rung again").isFalse();

        assertThat(runs()).hasSize(1);
        assertThat(skipped()).isEmpty();
    }

    @Test
    void an_alarm_of_a_clock_ahead_starts_nothing_before_its_time() throws SQLException {
        register(HOURLY);

        assertThat(starts.rung(JOB)).isFalse();

        assertThat(runs()).isEmpty();
        assertThat(skipped()).isEmpty();
    }

    @Test
    void many_alarms_for_one_time_make_one_run() throws Exception {
        register(HOURLY);
        plannedSince("3 hours");
        try (TestStores other = stores.beside()) {
            List<Starts> both = List.of(starts, starts(other));

            List<Boolean> added = AtOnce.call(8, number -> both.get(number % 2).rung(JOB));

            assertThat(added).containsOnlyOnce(true);
        }
        assertThat(runs()).hasSize(1);
        assertThat(skipped()).isEmpty();
    }

    @Test
    void an_alarm_of_a_job_that_is_not_registered_starts_nothing() throws SQLException {
        register(HOURLY);
        stores.jobs().unregister(JOB, TestStores.WHO, "");
        plannedSince("3 hours");

        assertThat(starts.rung(JOB)).isFalse();
        assertThat(starts.rung("unknown")).isFalse();
        assertThat(runs()).isEmpty();
    }

    private static LoadedJob cron(String expression) {
        return TestJobs.job(JOB, "schedule: { start: { cron: '" + expression + "' } }");
    }

    private static Starts starts(TestStores stores) {
        return new Starts("main", stores.jobs(), stores.queue(), stores.events(), Timing.system());
    }

    private void register(LoadedJob job) {
        stores.jobs().register(job, "api", TestStores.WHO);
    }

    private void plannedSince(String ago) throws SQLException {
        stores.server().execute("UPDATE backfill.registration SET planned_since = now() - interval '" + ago + "'");
    }

    private Instant hour() {
        return stores.queue().now().truncatedTo(ChronoUnit.HOURS);
    }

    private boolean look() {
        return starts.startWhatIsDue(stores.jobs().all());
    }

    /** Many threads of two processes, all of which read the registrations before anyone acts. */
    private List<Boolean> lookAtOnce(TestStores other) throws Exception {
        List<Starts> both = List.of(starts, starts(other));
        List<RegisteredJob> registered = stores.jobs().all();
        return AtOnce.call(8, number -> both.get(number % 2).startWhatIsDue(registered));
    }

    private List<String> runs() throws SQLException {
        return stores.server().queryStrings("""
                SELECT concat_ws(' ', revision, CASE WHEN isfinite(scheduled_for)
                    THEN to_char(scheduled_for AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
                    ELSE scheduled_for::text END)
                FROM backfill.run ORDER BY created
                """);
    }

    private List<String> skipped() throws SQLException {
        return stores.log().stream()
                .filter(line -> line.contains("start-skipped"))
                .toList();
    }

    private void end() throws SQLException {
        stores.server().execute("UPDATE backfill.run SET state = 'SUCCEEDED'");
    }
}
