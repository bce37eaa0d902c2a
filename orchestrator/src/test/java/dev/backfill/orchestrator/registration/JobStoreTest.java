package dev.backfill.orchestrator.registration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.backfill.orchestrator.registration.JobStore.Entry;
import dev.backfill.orchestrator.registration.JobStore.Registered;
import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.run.RunState;
import dev.backfill.orchestrator.testing.AtOnce;
import dev.backfill.orchestrator.testing.TestJobs;
import dev.backfill.orchestrator.testing.TestStores;
import java.sql.SQLException;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class JobStoreTest {

    private static final String JOB = "fill";
    private static final LoadedJob ONE = TestJobs.job(JOB);
    private static final LoadedJob TWO = TestJobs.job(JOB, "parallelism: 2");
    private static final LoadedJob NIGHTLY = TestJobs.job(JOB, "schedule: { start: { cron: '0 0 1 * * ?' } }");
    private static final LoadedJob NIGHTLY_TWO =
            TestJobs.job(JOB, "parallelism: 2", "schedule: { start: { cron: '0 0 1 * * ?' } }");
    private static final Instant PLANNED = Instant.parse("2026-11-01T22:00:00Z");

    private TestStores stores;
    private JobStore jobs;

    @BeforeAll
    void create() throws SQLException {
        stores = new TestStores();
    }

    @BeforeEach
    void clear() throws SQLException {
        stores.clear();
        jobs = stores.jobs();
    }

    @AfterAll
    void drop() throws SQLException {
        stores.close();
    }

    @Test
    void a_registered_job_is_read_as_it_was_written() {
        assertThat(jobs.register(NIGHTLY, "file", "ann")).isEqualTo(new Registered(1, true));

        RegisteredJob found = stores.jobs().find(JOB).orElseThrow();
        assertThat(found.job().definition()).isEqualTo(NIGHTLY.definition());
        assertThat(found.job().checksum()).isEqualTo(NIGHTLY.checksum());
        assertThat(found.revision()).isEqualTo(1);
        assertThat(found.origin()).isEqualTo("file");
        assertThat(found.plan().handled()).isEmpty();
        assertThat(jobs.entry(JOB)).contains(new Entry(1, NIGHTLY.checksum(), true, true));
    }

    @Test
    void the_same_content_again_changes_nothing() throws SQLException {
        jobs.register(ONE, "file", "ann");
        String before = row();

        assertThat(jobs.register(TestJobs.job(JOB, "# a comment"), "api", "bob"))
                .isEqualTo(new Registered(1, false));

        assertThat(row()).isEqualTo(before);
        assertThat(stores.log()).hasSize(1);
    }

    @Test
    void other_content_is_a_new_revision() {
        jobs.register(ONE, "file", "ann");

        assertThat(jobs.register(TWO, "api", "bob")).isEqualTo(new Registered(2, true));

        assertThat(jobs.find(JOB).orElseThrow().job().definition()).isEqualTo(TWO.definition());
        assertThat(jobs.find(JOB).orElseThrow().origin()).isEqualTo("api");
        assertThat(jobs.all()).hasSize(1);
    }

    @Test
    void old_content_is_a_new_revision_too() {
        jobs.register(ONE, "api", "ann");
        jobs.register(TWO, "api", "ann");

        assertThat(jobs.register(ONE, "api", "ann")).isEqualTo(new Registered(3, true));

        assertThat(jobs.find(JOB).orElseThrow().job().definition()).isEqualTo(ONE.definition());
    }

    @Test
    void an_unregistered_job_is_gone_but_not_forgotten() {
        jobs.register(ONE, "api", "ann");

        assertThat(jobs.unregister(JOB, "bob", "done")).isTrue();

        assertThat(jobs.all()).isEmpty();
        assertThat(jobs.find(JOB)).isEmpty();
        assertThat(jobs.withoutRun()).isEmpty();
        assertThat(jobs.entry(JOB)).contains(new Entry(1, ONE.checksum(), false, false));
        assertThat(jobs.unregister(JOB, "bob", "done")).as("again").isFalse();
        assertThat(jobs.unregister("unknown", "bob", "done")).isFalse();
    }

    @Test
    void an_unregistered_job_is_registered_again_with_the_same_revision() {
        jobs.register(ONE, "api", "ann");
        jobs.unregister(JOB, "ann", "");

        assertThat(jobs.register(ONE, "file", "ann")).isEqualTo(new Registered(1, true));

        assertThat(jobs.find(JOB)).isPresent();
    }

    @Test
    void who_registers_and_unregisters_and_why_is_written_down() throws SQLException {
        jobs.register(ONE, "file", "ann");
        jobs.register(TWO, "api", "bob");
        jobs.unregister(JOB, "cid", "done");
        jobs.register(TWO, "api", "bob");

        assertThat(stores.log())
                .containsExactly(
                        "ann | fill | - | revision 1 | registered by file",
                        "bob | fill | revision 1 | revision 2 | registered by api",
                        "cid | fill | revision 2 | unregistered | done",
                        "bob | fill | - | revision 2 | registered by api");
    }

    @Test
    void who_register_the_same_at_once_make_one_revision_and_one_change() throws Exception {
        try (TestStores other = stores.beside()) {
            List<JobStore> both = List.of(jobs, other.jobs());

            List<Registered> answers =
                    AtOnce.call(8, number -> both.get(number % 2).register(ONE, "file", "number " + number));

            assertThat(answers)
                    .containsOnlyOnce(new Registered(1, true))
                    .containsOnly(new Registered(1, true), new Registered(1, false));
            assertThat(stores.log()).hasSize(1);
        }
    }

    @Test
    void who_register_different_things_at_once_make_a_revision_each_and_the_last_counts() throws Exception {
        try (TestStores other = stores.beside()) {
            List<JobStore> both = List.of(jobs, other.jobs());

            List<Registered> answers = AtOnce.call(
                    8,
                    number -> both.get(number % 2)
                            .register(TestJobs.job(JOB, "parallelism: " + (number + 1)), "api", "number " + number));

            assertThat(new HashSet<>(answers)).hasSize(8).allMatch(Registered::changed);
            assertThat(jobs.find(JOB).orElseThrow().revision()).isEqualTo(8);
        }
    }

    @Test
    void of_those_who_register_at_once_over_what_they_have_seen_one_does() throws Exception {
        jobs.register(ONE, "api", "ann");
        try (TestStores other = stores.beside()) {
            List<JobStore> both = List.of(jobs, other.jobs());

            List<String> answers = AtOnce.call(8, number -> {
                LoadedJob content = TestJobs.job(JOB, "parallelism: " + (number + 2));
                try {
                    return "revision "
                            + both.get(number % 2)
                                    .register(content, "api", "number " + number, Optional.of(ONE.checksum()))
                                    .revision();
                } catch (OvertakenException e) {
                    return String.valueOf(e.getMessage());
                }
            });

            assertThat(answers)
                    .containsOnlyOnce("revision 2")
                    .containsOnly("revision 2", "revision 2 is registered by now");
        }
    }

    @Test
    void a_job_is_registered_anew_only_where_there_is_none() {
        assertThatThrownBy(() -> jobs.register(ONE, "api", "ann", Optional.of(ONE.checksum())))
                .isInstanceOf(OvertakenException.class)
                .hasMessage("it is not registered any more");
        assertThat(jobs.register(ONE, "api", "ann", Optional.of(""))).isEqualTo(new Registered(1, true));
        assertThatThrownBy(() -> jobs.register(TWO, "api", "ann", Optional.of("")))
                .isInstanceOf(OvertakenException.class);
        jobs.unregister(JOB, "ann", "");
        assertThat(jobs.register(TWO, "api", "ann", Optional.of("")).changed()).isTrue();
    }

    @Test
    void a_revision_that_is_run_in_the_foreground_is_not_registered() {
        stores.revisions().add(ONE, "ann");
        assertThat(jobs.all()).isEmpty();
        assertThat(jobs.entry(JOB)).isEmpty();
        jobs.register(ONE, "api", "ann");

        int revision = stores.revisions().add(TWO, "ann");

        assertThat(revision).isEqualTo(2);
        assertThat(jobs.find(JOB).orElseThrow().revision()).isEqualTo(1);
        assertThat(jobs.register(ONE, "file", "ann")).isEqualTo(new Registered(1, false));
        assertThat(jobs.register(TWO, "file", "ann")).isEqualTo(new Registered(2, true));
    }

    @Test
    void a_change_elsewhere_in_the_job_leaves_its_planned_starts() throws SQLException {
        jobs.register(NIGHTLY, "api", "ann");
        jobs.handled(jobs.find(JOB).orElseThrow(), PLANNED);
        String before = plannedSince();

        jobs.register(NIGHTLY_TWO, "api", "ann");

        assertThat(plannedSince()).isEqualTo(before);
        assertThat(jobs.find(JOB).orElseThrow().plan().handled()).contains(PLANNED);
        jobs.unregister(JOB, "ann", "");
        jobs.register(ONE, "api", "ann");
        String without = plannedSince();
        jobs.register(TWO, "api", "ann");
        assertThat(plannedSince()).as("a job without a schedule").isEqualTo(without);
    }

    @Test
    void with_another_schedule_planning_begins_anew() throws SQLException {
        jobs.register(NIGHTLY, "api", "ann");
        String before = plannedSince();

        jobs.register(TestJobs.job(JOB, "schedule: { start: { cron: '0 0 2 * * ?' } }"), "api", "ann");
        String changed = plannedSince();
        jobs.register(ONE, "api", "ann");

        assertThat(changed).isGreaterThan(before);
        assertThat(plannedSince()).as("without a schedule").isGreaterThan(changed);
    }

    @Test
    void a_job_that_was_unregistered_meanwhile_is_planned_anew() throws SQLException {
        jobs.register(NIGHTLY, "api", "ann");
        String before = plannedSince();
        jobs.unregister(JOB, "ann", "");

        jobs.register(NIGHTLY, "api", "ann");

        assertThat(plannedSince()).isGreaterThan(before);
    }

    @Test
    void a_job_that_this_version_cannot_read_is_passed_over() throws SQLException {
        jobs.register(ONE, "api", "ann");
        jobs.register(TestJobs.job("newer"), "api", "ann");
        stores.server()
                .execute("UPDATE backfill.job SET definition = definition || '{\"sing\": true}' WHERE name = 'newer'");
        JobStore ofAnotherVersion = stores.jobs();

        assertThat(ofAnotherVersion.all()).extracting(RegisteredJob::name).containsExactly(JOB);
        assertThat(ofAnotherVersion.withoutRun())
                .extracting(RegisteredJob::name)
                .containsExactly(JOB);
        assertThat(ofAnotherVersion.find("newer")).isEmpty();
        assertThat(ofAnotherVersion.entry("newer")).as("it is registered still").isPresent();
        assertThatThrownBy(() -> stores.revisions().find("newer", 1))
                .isInstanceOf(RevisionStore.UnreadableException.class)
                .hasMessageContaining("this version of the program cannot use newer revision 1");
    }

    @Test
    void a_revision_whose_number_is_given_out_anew_is_what_the_table_says() throws SQLException {
        jobs.register(ONE, "api", "ann");
        RevisionStore revisions = stores.revisions();
        assertThat(revisions.find(JOB, 1).checksum()).isEqualTo(ONE.checksum());

        // As after a failover to a standby that lagged, or a restore.
        stores.clear();
        stores.jobs().register(TWO, "api", "ann");

        assertThat(revisions.find(JOB, 1).checksum()).isEqualTo(TWO.checksum());
    }

    @Test
    void jobs_without_a_run_are_known() throws SQLException {
        jobs.register(TestJobs.job("b"), "api", "ann");
        jobs.register(TestJobs.job("a"), "api", "ann");
        stores.addRun("c", "1", RunState.CANCELLED);

        assertThat(jobs.withoutRun()).extracting(RegisteredJob::name).containsExactly("a", "b");
        assertThat(jobs.all()).extracting(RegisteredJob::name).containsExactly("a", "b", "c");
    }

    @Test
    void the_latest_planned_start_that_was_dealt_with_is_remembered_by_whoever_is_first() {
        jobs.register(NIGHTLY, "api", "ann");
        RegisteredJob seen = jobs.find(JOB).orElseThrow();

        assertThat(jobs.handled(seen, PLANNED)).isTrue();
        assertThat(jobs.handled(seen, PLANNED.minusSeconds(1))).isFalse();

        RegisteredJob now = jobs.find(JOB).orElseThrow();
        assertThat(now.plan().handled()).contains(PLANNED);
        assertThat(jobs.handled(now, PLANNED.plusSeconds(1))).isTrue();
    }

    private String plannedSince() throws SQLException {
        return stores.server()
                .queryStrings("SELECT to_char(planned_since, 'YYYY-MM-DD HH24:MI:SS.US') FROM backfill.registration")
                .get(0);
    }

    private String row() throws SQLException {
        return stores.server()
                .queryStrings("SELECT g::text FROM backfill.registration g")
                .get(0);
    }
}
