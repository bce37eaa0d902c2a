package dev.backfill.orchestrator.signals;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.db.TableFacts;
import dev.backfill.orchestrator.gauges.Sample;
import dev.backfill.orchestrator.sql.SqlName;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import dev.backfill.orchestrator.testing.TestRole;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.PGConnection;

/** What a role that may only monitor reads of real servers, the oldest and the newest. */
class HealthProbeTest {

    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private @Nullable TestDatabase server;
    private @Nullable HealthProbe probe;
    private final WatchedTables tables = new WatchedTables();

    private interface Check {
        void run() throws Exception;
    }

    private void with(int major, Check check) throws Exception {
        try (TestDatabase own = TestPostgres.version(major).newDatabase()) {
            TestRole monitor = own.newMonitoringRole();
            own.execute(
                    "CREATE SCHEMA hidden",
                    "CREATE TABLE hidden.t (id int, n int) PARTITION BY RANGE (id)",
                    "CREATE TABLE hidden.t1 PARTITION OF hidden.t FOR VALUES FROM (0) TO (1000000)",
                    "CREATE TABLE other (id int)",
                    "INSERT INTO hidden.t SELECT g, 0 FROM generate_series(1, 1000) AS g");
            server = own;
            long oid = own.queryLong("SELECT 'hidden.t'::regclass::oid");
            tables.add(new TableFacts.Identity(
                    oid, oid, new SqlName(Optional.of("hidden"), "t"), TableFacts.Kind.PARTITIONED_TABLE));
            try (Connection open = own.connect(monitor)) {
                probe = new HealthProbe(open, new Trend(1));
                check.run();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void every_signal_can_be_read(int major) throws Exception {
        with(major, () -> {
            for (HealthSignal signal : HealthSignal.values()) {
                assertThat(ask(signal))
                        .as(signal.word())
                        .allSatisfy(sample -> assertThat(sample.alarm()).isEmpty());
            }
            assertThat(ask(HealthSignal.DEAD_TUPLES)).extracting(Sample::source).containsExactly("hidden.t");
        });
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void who_has_just_begun_or_ended_a_statement_is_at_work_and_who_has_been_at_one_for_long_is_not(int major)
            throws Exception {
        with(major, () -> {
            try (Connection patient = database().connect();
                    Connection quick = database().connect();
                    Connection ours = database().connect()) {
                run(ours, "SET application_name = 'backfill/main/x'").join();
                CompletableFuture<Void> slept = run(patient, "SELECT pg_sleep(6)");
                Thread.sleep(1_200);
                run(quick, "SELECT 1").join();
                run(ours, "SELECT 1").join();
                assertThat(ask(HealthSignal.FOREGROUND))
                        .extracting(Sample::value)
                        .containsExactly(1.0);
                await().atMost(Duration.ofSeconds(3))
                        .until(() -> ask(HealthSignal.FOREGROUND).get(0).value() == 0);
                slept.join();
            }
        });
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void ddl_that_waits_for_a_partition_is_an_alarm_and_an_insert_that_waits_is_none(int major) throws Exception {
        with(major, () -> {
            try (Connection writer = database().connect();
                    Statement writing = writer.createStatement();
                    Connection second = database().connect()) {
                writing.execute("SET application_name = 'writer'");
                run(second, "SET application_name = 'second'").join();
                writer.setAutoCommit(false);
                writing.execute("LOCK TABLE hidden.t1 IN SHARE MODE");
                int pid = second.unwrap(PGConnection.class).getBackendPID();
                CompletableFuture<Void> inserted = run(second, "INSERT INTO hidden.t1 VALUES (5, 5)");
                awaitWaiting(pid);
                assertThat(one(HealthSignal.LOCK_STORM, "").value()).isEqualTo(1);
                assertThat(one(HealthSignal.LOCK_STORM, "hidden.t").alarm()).isEmpty();
                writer.commit();
                inserted.join();

                writing.execute("INSERT INTO hidden.t VALUES (6, 6)");
                CompletableFuture<Void> altered = run(second, "ALTER TABLE hidden.t1 ALTER n SET DEFAULT 7");
                awaitWaiting(pid);
                Sample waiting = one(HealthSignal.LOCK_STORM, "hidden.t");
                assertThat(waiting.alarm()).contains("DDL waits for the table");
                assertThat(waiting.detail())
                        .isEqualTo("pid %d (second) wants AccessExclusiveLock and waits for pid %d (writer)"
                                .formatted(
                                        pid, writer.unwrap(PGConnection.class).getBackendPID()));
                writer.rollback();
                altered.join();
                assertThat(one(HealthSignal.LOCK_STORM, "hidden.t").alarm()).isEmpty();
            }
        });
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void the_oldest_transaction_and_the_oldest_snapshot_are_named_but_ours_are_none(int major) throws Exception {
        with(major, () -> {
            try (Connection other = database().connect();
                    Connection ours = database().connect();
                    Statement statement = other.createStatement();
                    Statement own = ours.createStatement()) {
                ours.setAutoCommit(false);
                own.execute("SET application_name = 'backfill/job'");
                own.execute("SELECT txid_current()");
                assertThat(one(HealthSignal.LONG_TRANSACTION, "").value()).isZero();

                other.setAutoCommit(false);
                statement.execute("SET application_name = 'report'");
                statement.execute("INSERT INTO other VALUES (1)");
                String who = "pid " + other.unwrap(PGConnection.class).getBackendPID() + " report";
                for (int i = 0; i < 3; i++) {
                    database().execute("INSERT INTO other VALUES (2)");
                }
                await().atMost(PATIENCE)
                        .until(() -> one(HealthSignal.LONG_TRANSACTION, "").value() > 0.1);
                assertThat(one(HealthSignal.LONG_TRANSACTION, "").detail()).isEqualTo(who);
                assertThat(one(HealthSignal.XMIN_AGE, "").value()).isGreaterThanOrEqualTo(3);

                String gid = database().name() + "-prepared";
                statement.execute("PREPARE TRANSACTION '" + gid + "'");
                other.setAutoCommit(true);
                assertThat(one(HealthSignal.LONG_TRANSACTION, "").detail()).isEqualTo("prepared transaction " + gid);
                statement.execute("COMMIT PREPARED '" + gid + "'");
            }
        });
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void whose_snapshot_is_as_old_as_another_s_transaction_is_not_named_for_it(int major) throws Exception {
        with(major, () -> {
            String gid = database().name() + "-prepared";
            try (Connection ours = database().connect();
                    Connection report = database().connect()) {
                run(ours, "SET application_name = 'backfill/job'").join();
                run(report, "SET application_name = 'report'").join();
                database().execute("BEGIN; INSERT INTO other VALUES (1); PREPARE TRANSACTION '" + gid + "'");
                for (Connection reading : List.of(ours, report)) {
                    run(reading, "BEGIN ISOLATION LEVEL REPEATABLE READ").join();
                    run(reading, "SELECT count(*) FROM other").join();
                }
                assertThat(one(HealthSignal.XMIN_AGE, "").detail()).isEqualTo("prepared transaction " + gid);

                database().execute("ROLLBACK PREPARED '" + gid + "'");
                int pid = report.unwrap(PGConnection.class).getBackendPID();
                assertThat(one(HealthSignal.XMIN_AGE, "").detail()).isEqualTo("pid " + pid + " report");
            }
        });
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void a_slot_is_known_by_what_it_keeps(int major) throws Exception {
        with(major, () -> {
            String slot = database().name().replaceAll("\\W", "_");
            database().execute("SELECT pg_create_physical_replication_slot('" + slot + "', true)");
            try {
                database().execute("SELECT pg_logical_emit_message(false, '', repeat('x', 100000))");
                await().atMost(PATIENCE)
                        .until(() -> one(HealthSignal.SLOT_RETENTION, slot).value() > 100_000);
            } finally {
                database().execute("SELECT pg_drop_replication_slot('" + slot + "')");
            }
        });
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void a_slot_that_is_nearly_lost_is_an_alarm_and_one_that_is_lost_is_none(int major) throws Exception {
        with(major, () -> {
            String slot = database().name().replaceAll("\\W", "_");
            database().execute("SELECT pg_create_physical_replication_slot('" + slot + "', true)");
            try {
                keepAtMost("'64MB'");
                assertThat(one(HealthSignal.SLOT_RETENTION, slot).alarm()).isEmpty();
                for (int segments = 0; segments < 4; segments++) {
                    nextSegment();
                }
                assertThat(one(HealthSignal.SLOT_RETENTION, slot).alarm().orElse(""))
                        .matches("the slot is lost after \\d+ bytes more");
                for (int segments = 0; segments < 6; segments++) {
                    nextSegment();
                }
                database().execute("CHECKPOINT");
                assertThat(database()
                                .queryStrings(
                                        "SELECT wal_status FROM pg_replication_slots WHERE slot_name = '" + slot + "'"))
                        .containsExactly("lost");
                assertThat(ask(HealthSignal.SLOT_RETENTION))
                        .extracting(Sample::source)
                        .as("nothing is left to save")
                        .doesNotContain(slot);
            } finally {
                keepAtMost("DEFAULT");
                database().execute("SELECT pg_drop_replication_slot('" + slot + "')");
            }
        });
    }

    private void keepAtMost(String size) throws SQLException {
        database().execute("ALTER SYSTEM SET max_slot_wal_keep_size = " + size, "SELECT pg_reload_conf()");
        await().atMost(PATIENCE)
                .until(() -> database()
                                .queryLong("SELECT count(*) FROM pg_settings WHERE name = 'max_slot_wal_keep_size'"
                                        + " AND setting = '" + (size.equals("DEFAULT") ? "-1" : "64") + "'")
                        == 1);
    }

    private void nextSegment() throws SQLException {
        database().execute("SELECT pg_logical_emit_message(false, '', 'x')", "SELECT pg_switch_wal()");
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void vacuum_of_a_partition_and_its_dead_rows_are_the_table_s(int major) throws Exception {
        with(major, () -> {
            database().execute("ALTER TABLE hidden.t1 SET (autovacuum_enabled = off)", "UPDATE hidden.t SET n = 1");
            await().atMost(PATIENCE)
                    .until(() -> one(HealthSignal.DEAD_TUPLES, "hidden.t").value() == 0.5);
            assertThat(one(HealthSignal.AUTOVACUUM, "hidden.t").value()).isZero();
            database().execute("INSERT INTO hidden.t SELECT g, 0 FROM generate_series(1001, 100000) AS g");
            try (Connection session = database().connect()) {
                run(session, "SET vacuum_cost_delay = '20ms'").join();
                run(session, "SET vacuum_cost_limit = 1").join();
                CompletableFuture<Void> vacuum = run(session, "VACUUM hidden.t1");
                await().atMost(PATIENCE)
                        .until(() -> one(HealthSignal.AUTOVACUUM, "hidden.t").value() == 1);
                session.unwrap(PGConnection.class).cancelQuery();
                vacuum.exceptionally(cancelled -> null).join();
            }
        });
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void checkpoints_that_are_asked_for_are_counted(int major) throws Exception {
        with(major, () -> {
            ask(HealthSignal.CHECKPOINT_PRESSURE);
            await().atMost(PATIENCE).until(() -> {
                database().execute("CHECKPOINT");
                return one(HealthSignal.CHECKPOINT_PRESSURE, "").value() > 0;
            });
        });
    }

    private List<Sample> ask(HealthSignal signal) throws SQLException {
        return requireNonNull(probe).ask(signal, tables, System.nanoTime());
    }

    private Sample one(HealthSignal signal, String source) throws SQLException {
        return ask(signal).stream()
                .filter(sample -> sample.source().equals(source))
                .findFirst()
                .orElseThrow();
    }

    private void awaitWaiting(int pid) {
        await().atMost(PATIENCE)
                .until(() ->
                        database().queryLong("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = " + pid) > 0);
    }

    private static CompletableFuture<Void> run(Connection session, String sql) {
        return CompletableFuture.runAsync(() -> {
            try (Statement statement = session.createStatement()) {
                statement.execute(sql);
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        });
    }

    private TestDatabase database() {
        return requireNonNull(server);
    }
}
