package dev.backfill.orchestrator.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.testing.TestJobs;
import dev.backfill.orchestrator.testing.TestStores;
import dev.backfill.orchestrator.timing.Timing;
import java.sql.SQLException;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.quartz.impl.SchedulerRepository;

class PlannerTest {

    private static final String JOB = "fill";
    private static final Duration PATIENCE = Duration.ofSeconds(25);
    private static final String NEVER = "0 0 0 1 1 ? 2099";

    private final List<Planner> opened = new ArrayList<>();
    private final List<String> told = new CopyOnWriteArrayList<>();
    private TestStores stores;

    @BeforeEach
    void create() throws SQLException {
        stores = new TestStores();
    }

    @AfterEach
    void drop() throws SQLException {
        closePlanners();
        stores.close();
    }

    @Test
    void a_job_that_is_registered_starts_at_once() throws SQLException {
        Planner planner = start(stores);

        stores.jobs().register(TestJobs.job(JOB), "api", TestStores.WHO);
        planner.wake();

        await().atMost(PATIENCE).untilAsserted(() -> assertThat(told).containsExactly("main"));
        assertThat(runs()).isEqualTo(1);
    }

    @Test
    void alarms_make_runs_begin_in_time() {
        register("0/2 * * * * ?");
        start(stores);

        await().atMost(PATIENCE).untilAsserted(() -> {
            end();
            assertThat(runs()).isGreaterThanOrEqualTo(4);
        });
        assertThat(told).hasSizeGreaterThanOrEqualTo(4).containsOnly("main");
    }

    @Test
    void two_daemons_make_each_planned_run_once_and_skip_none_of_them() throws SQLException {
        register("0/2 * * * * ?");
        try (TestStores other = stores.beside()) {
            start(stores);
            await().atMost(PATIENCE).untilAsserted(() -> assertThat(daemons()).isEqualTo(1));
            start(other);
            await().atMost(PATIENCE).untilAsserted(() -> assertThat(daemons()).isEqualTo(2));

            await().atMost(PATIENCE).pollInterval(Duration.ofMillis(50)).untilAsserted(() -> {
                end();
                assertThat(runs()).isGreaterThanOrEqualTo(5);
            });
            closePlanners();
        }
        assertThat(stores.server().queryStrings("""
                        SELECT missing::text FROM generate_series(
                            (SELECT min(scheduled_for) FROM backfill.run),
                            (SELECT max(scheduled_for) FROM backfill.run), interval '2 seconds') AS missing
                        WHERE missing NOT IN (SELECT scheduled_for FROM backfill.run)
                        """)).isEmpty();
        assertThat(stores.log()).noneMatch(line -> line.contains("start-skipped"));
    }

    @Test
    void an_alarm_follows_the_schedule_of_its_job() {
        register(NEVER);
        Planner planner = start(stores);
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(alarms()).containsExactly("main fill " + NEVER));

        register("0/2 * * * * ?");
        planner.wake();

        await().atMost(PATIENCE).untilAsserted(() -> assertThat(alarms()).containsExactly("main fill 0/2 * * * * ?"));
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(runs()).isPositive());
    }

    @Test
    void a_planned_instant_has_an_alarm() throws SQLException {
        stores.jobs()
                .register(
                        TestJobs.job(JOB, "schedule: { start: { at: '2099-01-01T00:00:00Z' } }"),
                        "api",
                        TestStores.WHO);
        start(stores);

        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(
                                stores.server().queryStrings("SELECT next_fire_time FROM backfill.qrtz_triggers"))
                        .containsExactly("4070908800000"));
        assertThat(runs()).isZero();
    }

    @Test
    void a_job_whose_times_are_over_keeps_no_other_from_its_alarm() {
        ZonedDateTime soon = ZonedDateTime.now(ZoneOffset.UTC).plusSeconds(2);
        String once = soon.format(DateTimeFormatter.ofPattern("s m H d M '?' yyyy"));
        stores.jobs().register(cron("a-first", once), "api", TestStores.WHO);
        register(NEVER);
        await().pollDelay(Duration.ofSeconds(3)).until(() -> true);

        start(stores);

        await().atMost(PATIENCE).untilAsserted(() -> assertThat(alarms()).containsExactly("main fill " + NEVER));
    }

    @Test
    void the_alarm_of_a_job_that_is_unregistered_or_has_no_times_any_more_is_removed() {
        register(NEVER);
        stores.jobs().register(cron("other", NEVER), "api", TestStores.WHO);
        stores.jobs().register(cron("third", NEVER), "api", TestStores.WHO);
        Planner planner = start(stores);
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(alarms()).hasSize(3));

        stores.jobs().unregister(JOB, TestStores.WHO, "");
        stores.jobs().register(TestJobs.job("other"), "api", TestStores.WHO);
        planner.wake();

        await().atMost(PATIENCE).untilAsserted(() -> assertThat(alarms()).containsExactly("main third " + NEVER));
    }

    @Test
    void without_the_database_of_the_alarms_starts_are_looked_for_all_the_same() throws SQLException {
        Planner planner = start(stores, () -> null);
        stores.jobs().register(TestJobs.job(JOB), "api", TestStores.WHO);
        stores.jobs()
                .register(
                        TestJobs.job("past", "schedule: { start: { at: '2020-01-01T00:00:00Z' } }"),
                        "api",
                        TestStores.WHO);
        planner.wake();

        await().atMost(PATIENCE).untilAsserted(() -> assertThat(runs()).isEqualTo(2));
        assertThat(alarms()).isEmpty();
    }

    @Test
    void alarms_are_set_once_their_database_is_back() {
        List<DataSource> back = new CopyOnWriteArrayList<>();
        register(NEVER);
        Planner planner = start(stores, () -> back.isEmpty() ? null : back.get(0));

        back.add(stores.database().openScheduler());
        planner.wake();

        await().atMost(PATIENCE).untilAsserted(() -> assertThat(alarms()).hasSize(1));
    }

    /** Each file of a directory that has just been filled rings: that is no reason to look at all jobs for each of them. */
    @Test
    void who_rings_without_end_keeps_it_no_busier_than_a_fifth() throws InterruptedException {
        Duration look = Duration.ofMillis(100);
        List<Long> looks = new CopyOnWriteArrayList<>();
        Planner planner = new Planner(
                new Planner.Surroundings(
                        () -> {
                            looks.add(System.nanoTime());
                            Timing.system().sleep(look);
                            return List.of();
                        },
                        () -> null,
                        "daemon",
                        told::add),
                Timing.system());
        opened.add(planner);

        planner.start();
        for (int i = 0; i < 200; i++) {
            planner.wake();
            Thread.sleep(10);
        }

        assertThat(looks).hasSizeBetween(2, 5);
    }

    private Planner start(TestStores at) {
        DataSource sessions = at.database().openScheduler();
        return start(at, () -> sessions);
    }

    /** A daemon's planner. It has Quartz to itself, as in a process of its own. */
    private Planner start(TestStores at, Supplier<@Nullable DataSource> alarms) {
        SchedulerRepository.getInstance().remove("backfill");
        Starts starts = new Starts("main", at.jobs(), at.queue(), at.events(), Timing.system());
        Planner planner = new Planner(
                new Planner.Surroundings(
                        () -> List.of(starts),
                        alarms,
                        "daemon " + opened.size() + at.server().name(),
                        told::add),
                Timing.system());
        opened.add(planner);
        planner.start();
        return planner;
    }

    private void closePlanners() {
        opened.forEach(Planner::close);
        opened.clear();
    }

    private static LoadedJob cron(String name, String expression) {
        return TestJobs.job(name, "schedule: { start: { cron: '" + expression + "' } }");
    }

    private void register(String expression) {
        stores.jobs().register(cron(JOB, expression), "api", TestStores.WHO);
    }

    private long runs() throws SQLException {
        return stores.server().queryLong("SELECT count(*) FROM backfill.run");
    }

    private long daemons() throws SQLException {
        return stores.server().queryLong("SELECT count(*) FROM backfill.qrtz_scheduler_state");
    }

    private List<String> alarms() throws SQLException {
        return stores.server()
                .queryStrings("SELECT concat_ws(' ', trigger_group, trigger_name, cron_expression)"
                        + " FROM backfill.qrtz_cron_triggers ORDER BY trigger_name");
    }

    private void end() throws SQLException {
        stores.server().execute("UPDATE backfill.run SET state = 'SUCCEEDED' WHERE state = 'PENDING'");
    }
}
