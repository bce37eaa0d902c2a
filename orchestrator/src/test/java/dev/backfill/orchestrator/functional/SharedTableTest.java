package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Several jobs on one table: one at a time, unless the second says otherwise. */
class SharedTableTest {

    @TempDir
    private Path directory;

    private TestDatabase database;
    private Daemon daemon;

    @BeforeEach
    void start() throws Exception {
        database = TestPostgres.newest().newDatabase();
        database.execute(
                "CREATE TABLE c (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, m int NOT NULL DEFAULT 0)"
                        + " PARTITION BY RANGE (id)",
                "CREATE TABLE c1 PARTITION OF c FOR VALUES FROM (0) TO (1000)",
                "CREATE TABLE c2 PARTITION OF c FOR VALUES FROM (1000) TO (2000)",
                "INSERT INTO c SELECT g FROM generate_series(1, 1999) AS g");
        daemon = Daemon.start(directory, database);
        daemon.register("first", yaml("first", "c", "n = n + 1", "pg_sleep(0.2)", ""));
        daemon.awaitState("first", "RUNNING");
    }

    @AfterEach
    void close() throws Exception {
        daemon.close();
        database.close();
    }

    @Test
    void the_second_waits_for_the_first_also_while_that_is_paused_and_begins_once_it_has_ended() {
        daemon.register("second", yaml("second", "c", "m = m + 1", "1", ""));
        awaitBusy("second", "RUNNING");

        daemon.say("pause", "first");
        awaitBusy("second", "PAUSED");
        daemon.say("cancel", "first");

        daemon.awaitState("second", "SUCCEEDED");
        assertThat(daemon.run("second").path("hold").isNull()).isTrue();
    }

    @Test
    void a_partition_of_the_table_is_the_table_too() {
        daemon.register("second", yaml("second", "c2", "m = m + 1", "1", ""));

        awaitBusy("second", "RUNNING");
        daemon.say("cancel", "first");
        daemon.awaitState("second", "SUCCEEDED");
    }

    @Test
    void a_table_that_inherits_waits_for_the_one_above_and_its_sibling_does_not() throws Exception {
        database.execute(
                "CREATE TABLE above (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, m int NOT NULL DEFAULT 0)",
                "CREATE TABLE one (PRIMARY KEY (id)) INHERITS (above)",
                "CREATE TABLE two (PRIMARY KEY (id)) INHERITS (above)",
                "INSERT INTO one SELECT g FROM generate_series(1, 1000) AS g",
                "INSERT INTO two SELECT g FROM generate_series(1001, 2000) AS g");
        daemon.register("one", yaml("one", "one", "n = n + 1", "pg_sleep(0.3)", ""));
        daemon.awaitState("one", "RUNNING");

        daemon.register("two", yaml("two", "two", "n = n + 1", "1", ""));
        daemon.register("above", yaml("above", "above", "m = m + 1", "1", ""));

        awaitBusy("above", "one", "RUNNING");
        daemon.awaitState("two", "SUCCEEDED");
        daemon.awaitState("above", "SUCCEEDED");
        assertThat(daemon.state("one")).isEqualTo("SUCCEEDED");
        assertThat(database.queryLong("SELECT count(*) FROM above WHERE n = 1 AND m = 1"))
                .isEqualTo(2000);
    }

    @Test
    void who_says_so_works_beside_another() throws Exception {
        daemon.register("second", yaml("second", "c", "m = m + 1", "1", "share-table: true"));

        daemon.awaitState("second", "SUCCEEDED");
        assertThat(daemon.state("first")).isEqualTo("RUNNING");
        daemon.awaitState("first", "SUCCEEDED");
        assertThat(database.queryLong("SELECT count(*) FROM c WHERE n <> 1 OR m <> 1"))
                .isZero();
    }

    @Test
    void one_that_has_failed_does_not_come_back_while_another_has_its_table() throws Exception {
        daemon.say("cancel", "first");
        daemon.register(
                "left", yaml("left", "c", "m = m + 1", "1", "").replace("remaining: m = 0", "remaining: m > 0"));
        daemon.awaitState("left", "FAILED");
        daemon.say("start", "first");
        daemon.awaitState("first", "RUNNING");

        Daemon.Answer refused = daemon.post("/api/v1/jobs/left/retry");

        assertThat(refused.status()).isEqualTo(409);
        assertThat(refused.body().toString()).contains("another run has its table");
        assertThat(daemon.state("left")).isEqualTo("FAILED");
    }

    private void awaitBusy(String job, String of) {
        awaitBusy(job, "first", of);
    }

    private void awaitBusy(String job, String other, String of) {
        daemon.awaitRun(
                job,
                run -> run.path("state").asString("").equals("PENDING")
                        && run.path("hold").path("reason").asString("").equals("table-busy")
                        && run.path("hold")
                                .toString()
                                .contains("job " + other + ", which is " + of + ", has the table"));
    }

    private static String yaml(String job, String table, String set, String slowly, String more) {
        String column = set.substring(0, 1);
        return """
                version: 1
                job: %s
                table: %s
                range: { by: id }
                sql: "UPDATE %s SET %s WHERE :range AND (SELECT %s) IS NOT NULL"
                verify: { remaining: %s = 0 }
                batch: { size: 100, min: 100, max: 100 }
                %s
                """.formatted(job, table, table, set, slowly, column, more);
    }
}
