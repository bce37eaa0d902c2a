package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestStandby;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/**
 * A standby is made a primary: beside the one that a run is on, to which all is lost that the run writes from then on; or
 * instead of it, and the run follows.
 */
class PromotedStandbyTest {

    private static final Duration PATIENCE = Duration.ofSeconds(40);
    private static final Duration BATCH = Duration.ofMillis(50);

    /** For longer than a standing counts, and than a standby that is seen again would take. */
    private static final Duration FOR_GOOD = Duration.ofSeconds(6);

    private static final String CHANGED = "SELECT count(*) FROM fill WHERE n = 1";

    @TempDir
    private Path directory;

    @Test
    void a_run_on_the_old_primary_holds_until_somebody_forgets_the_standby() throws Exception {
        try (TestStandby servers = TestStandby.start(directory.resolve("servers"));
                TestDatabase database = servers.primary().newDatabase()) {
            PacedTable table = PacedTable.create(database, "fill", 20_000, BATCH);
            try (Daemon daemon = Daemon.start(directory.resolve("daemon"), Map.of("main", database.jdbcUrl()))) {
                daemon.register("fill", table.job());
                awaitExpected(daemon);
                awaitMore(table, 20);
                assertThat(reason(daemon)).isEmpty();

                servers.promote();
                daemon.awaitRun("fill", run -> reason(daemon).equals("standby-missing"));
                assertThat(daemon.run("fill").path("hold").path("detail").asString())
                        .isEqualTo("expected standbys are not connected: standby1 at 127.0.0.1");
                assertHolds(daemon, table, FOR_GOOD);
                assertThat(database.on(servers.standby()).queryLong(CHANGED))
                        .as("rows that the new primary has as changed")
                        .isBetween(1L, 19_999L);

                forgetAndFinish(daemon, table);
            }
        }
    }

    /** With the signals as they are by default. There the standby that took over is expected still, and gone. */
    @Test
    void a_run_that_follows_to_the_new_primary_holds_until_somebody_forgets_the_standby() throws Exception {
        try (TestStandby servers = TestStandby.start(directory.resolve("servers"))) {
            TestDatabase database = servers.primary().newDatabase();
            TestDatabase promoted = database.on(servers.standby());
            PacedTable table = PacedTable.create(database, "fill", 6_000, BATCH.multipliedBy(2));
            PacedTable after = new PacedTable(promoted, "fill", 6_000);
            try (Daemon daemon = Daemon.start(
                    directory.resolve("daemon"), Map.of("main", servers.urlOfThePrimary(database.name())))) {
                daemon.register("fill", table.job());
                awaitExpected(daemon);
                awaitMore(after, 5); // what is expected came before, and so is known there
                servers.killPrimary();
                long known = promoted.queryLong(CHANGED);
                servers.promote();

                daemon.awaitRun("fill", run -> reason(daemon).equals("standby-missing"));
                assertThat(daemon.run("fill").path("hold").path("detail").asString())
                        .isEqualTo("expected standbys are not connected: standby1 at 127.0.0.1");
                promoted.execute("CREATE TABLE kept AS SELECT * FROM fill WHERE n = 1");
                assertThat(promoted.queryLong("SELECT count(*) FROM kept")).isBetween(known, 5_999L);
                assertHolds(daemon, after, Duration.ofSeconds(2));

                forgetAndFinish(daemon, after);
                assertThat(promoted.queryLong("SELECT count(*) FROM (TABLE kept EXCEPT TABLE fill) AS lost"))
                        .as("rows that the standby had as changed, and that were changed again")
                        .isZero();
            }
        }
    }

    private static void awaitExpected(Daemon daemon) {
        await().atMost(PATIENCE)
                .until(() -> standbys(daemon).path(0).path("name").asString("").equals(TestStandby.NAME));
    }

    private static void awaitMore(PacedTable table, int batches) throws Exception {
        long before = table.batches();
        await().atMost(PATIENCE).until(() -> table.batches() > before + batches);
    }

    private static void assertHolds(Daemon daemon, PacedTable table, Duration time) throws Exception {
        long held = table.batches();
        await().during(time)
                .atMost(PATIENCE)
                .until(() -> table.batches() == held && reason(daemon).equals("standby-missing"));
    }

    private static void forgetAndFinish(Daemon daemon, PacedTable table) throws Exception {
        assertThat(daemon.delete("/api/v1/databases/main/standbys/" + TestStandby.NAME)
                        .status())
                .isEqualTo(204);
        daemon.awaitRun("fill", run -> reason(daemon).isEmpty());
        table.batchesLast(Duration.ZERO);
        daemon.awaitState("fill", "SUCCEEDED");
        assertThat(standbys(daemon)).isEmpty();
        table.assertEachRowWasChangedOnce();
    }

    private static JsonNode standbys(Daemon daemon) {
        return daemon.get("/api/v1/databases").body().path("databases").path(0).path("standbys");
    }

    private static String reason(Daemon daemon) {
        return daemon.run("fill").path("hold").path("reason").asString("");
    }
}
