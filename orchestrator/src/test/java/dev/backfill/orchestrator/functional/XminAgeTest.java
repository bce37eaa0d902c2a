package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.OwnServer;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestStandby;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** A run gives way to an old snapshot that vacuum has to respect, wherever it is held: each is named, and let go of. */
@Tag("storm")
class XminAgeTest {

    private static final String SIGNAL = "xmin-age";
    private static final int SLOW = 1_000;
    private static final int HOLD = 5_000;

    @TempDir
    private Path directory;

    private interface Step {
        void take() throws Exception;
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void that_of_a_prepared_transaction(int version) throws Exception {
        try (OwnServer server = OwnServer.startWithSmallWal(
                        version, directory.resolve("server"), "max_prepared_transactions=5", "autovacuum=off");
                TestDatabase database = server.postgres().newDatabase()) {
            database.execute("CREATE TABLE other (n int)");
            try (Connection session = database.connect();
                    Statement statement = session.createStatement()) {
                session.setAutoCommit(false);
                statement.execute("INSERT INTO other VALUES (1)");
                statement.execute("PREPARE TRANSACTION 'forgotten'");
            }
            givesWayTo(
                    database,
                    "prepared transaction forgotten",
                    "SELECT age(transaction) FROM pg_prepared_xacts",
                    () -> database.execute("ROLLBACK PREPARED 'forgotten'"));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void that_of_the_catalog_which_a_logical_slot_keeps(int version) throws Exception {
        try (OwnServer server = OwnServer.startWithSmallWal(
                        version, directory.resolve("server"), "wal_level=logical", "autovacuum=off");
                TestDatabase database = server.postgres().newDatabase()) {
            database.execute("SELECT pg_create_logical_replication_slot('capture', 'pgoutput')");
            givesWayTo(
                    database,
                    "slot capture",
                    "SELECT age(catalog_xmin) FROM pg_replication_slots",
                    () -> database.execute("SELECT pg_drop_replication_slot('capture')"));
        }
    }

    @Test
    void that_of_a_query_on_a_standby_with_feedback() throws Exception {
        try (TestStandby servers = TestStandby.start(directory, "hot_standby_feedback=on", "autovacuum=off");
                TestDatabase database = servers.primary().newDatabase()) {
            String age = "SELECT coalesce(max(age(backend_xmin)), -1) FROM pg_stat_replication";
            try (Connection reader = reader(servers, database)) {
                soon().until(() -> database.queryLong(age) >= 0);
                givesWayTo(database, "standby " + TestStandby.NAME, age, reader::rollback);
            }
        }
    }

    @Test
    void that_of_a_query_on_a_standby_with_feedback_by_its_slot() throws Exception {
        try (TestStandby servers = TestStandby.start(directory, "hot_standby_feedback=on", "autovacuum=off");
                TestDatabase database = servers.primary().newDatabase()) {
            database.execute("SELECT pg_create_physical_replication_slot('reports')");
            onStandby(servers, database)
                    .execute("ALTER SYSTEM SET primary_slot_name = 'reports'", "SELECT pg_reload_conf()");
            String age = "SELECT coalesce(max(age(xmin)), -1) FROM pg_replication_slots WHERE active";
            try (Connection reader = reader(servers, database)) {
                soon().until(() -> database.queryLong(age) >= 0);
                givesWayTo(database, "slot reports", age, reader::rollback);
            }
        }
    }

    /** The database there, once its creation has been replayed. */
    private static TestDatabase onStandby(TestStandby servers, TestDatabase database) {
        TestDatabase there = database.on(servers.standby());
        soon().ignoreExceptions().until(() -> there.queryLong("SELECT 1") == 1);
        return there;
    }

    /** A session of the standby with a snapshot. */
    private static Connection reader(TestStandby servers, TestDatabase database) throws Exception {
        Connection reader = onStandby(servers, database).connect();
        reader.setAutoCommit(false);
        reader.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
        reader.createStatement().execute("SELECT count(*) FROM pg_class");
        return reader;
    }

    /** Slower and slower, then not at all, and at full pace once it is let go of. */
    private void givesWayTo(TestDatabase database, String who, String age, Step release) throws Exception {
        PacedTable table = PacedTable.create(database, "fill", 6_000, Duration.ofMillis(100));
        pass(database, SLOW + 1_000);
        try (Daemon daemon = Daemon.start(
                directory.resolve("daemon"),
                Map.of("main", database.jdbcUrl()),
                "databases.main.throttle.xmin-age { slow = %d, hold = %d, resume = %d }".formatted(SLOW, HOLD, SLOW))) {
            daemon.register("fill", table.job());
            soon().until(() -> table.batches() > 2);
            JsonNode slow = daemon.signal(SIGNAL);
            assertThat(slow.path("verdict").asString()).isEqualTo("slow");
            assertThat(slow.path("value").asDouble()).isBetween(SLOW + 1_000.0, (double) database.queryLong(age));
            assertThat(daemon.heldBy("fill")).isEmpty();

            pass(database, HOLD - SLOW);
            daemon.awaitRun("fill", run -> daemon.heldBy("fill").equals(SIGNAL));
            JsonNode hold = daemon.run("fill").path("hold");
            assertThat(hold.path("value").asDouble()).isBetween((double) HOLD, (double) database.queryLong(age));
            assertThat(hold.path("limit").asDouble()).isEqualTo(HOLD);
            assertThat(hold.path("detail").asString())
                    .matches("the oldest snapshot is \\d+ transactions old; allowed are 5000 \\(" + who + "\\)");

            release.take();
            table.batchesLast(Duration.ZERO);
            daemon.awaitState("fill", "SUCCEEDED");
            assertThat(daemon.signal(SIGNAL).path("value").asDouble()).isLessThanOrEqualTo(SLOW);
        }
        table.assertEachRowWasChangedOnce();
    }

    /** Transactions of others, so many. */
    private static void pass(TestDatabase database, int transactions) throws Exception {
        database.execute("DO $$ BEGIN FOR i IN 1..%d LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$"
                .formatted(transactions));
    }

    private static ConditionFactory soon() {
        return await().atMost(Duration.ofSeconds(60)).pollInterval(Duration.ofMillis(100));
    }
}
