package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.BackfillProcess;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Workers that have nothing to do yet. */
class IdleWorkersTest {

    private static final Duration PATIENCE = Duration.ofSeconds(40);
    private static final String SESSIONS =
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'backfill/count'";

    @TempDir
    private Path directory;

    private TestDatabase database;
    private CountedTable table;

    @BeforeEach
    void start() throws Exception {
        database = TestPostgres.newest().newDatabase();
        table = CountedTable.create(database, 300);
        database.execute("""
                CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN PERFORM pg_sleep(0.005); RETURN NULL; END $$
                """, "CREATE TRIGGER slow AFTER UPDATE ON c FOR EACH ROW EXECUTE FUNCTION slow()");
    }

    @AfterEach
    void stop() throws Exception {
        database.close();
    }

    @Test
    void a_worker_that_lost_its_session_while_it_waited_takes_what_becomes_free() throws Exception {
        Path job = CountedTable.job(
                directory, CountedTable.BY_KEY, "parallelism: 2", "batch: { size: 100, min: 100, max: 100 }");
        try (BackfillProcess working = BackfillProcess.start("run", job.toString(), "--database", database.jdbcUrl())) {
            await().atMost(PATIENCE).ignoreExceptions().until(() -> batches() > 0);
            working.sigstop();
            List<String> theirs = database.queryStrings(SESSIONS);
            try (BackfillProcess waiting =
                    BackfillProcess.start("run", job.toString(), "--database", database.jdbcUrl())) {
                await().atMost(PATIENCE).until(() -> waiting.errors().contains("waiting for"));
                for (String session : database.queryStrings(SESSIONS)) {
                    if (!theirs.contains(session)) {
                        database.queryStrings("SELECT pg_terminate_backend(" + session + ")");
                    }
                }
                working.kill9();

                assertThat(waiting.waitFor(PATIENCE)).as("%s", waiting).isZero();
            }
        }
        table.assertEachRowWasChangedOnce();
    }

    private long batches() throws Exception {
        return database.queryLong("SELECT sum(batches) FROM backfill.slice");
    }
}
