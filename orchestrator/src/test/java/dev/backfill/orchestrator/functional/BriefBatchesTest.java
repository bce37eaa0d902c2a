package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Batches are as short as the transactions of an application while one is at work, and long when it is not. */
class BriefBatchesTest {

    private static final int ROWS = 900_000;
    private static final int LARGE = 5_000;
    private static final int SMALL = 1_000;
    private static final String JOB = """
            version: 1
            job: fill
            table: t
            range: { by: id }
            update:
              set: { n: n + 1 }
              where: "true"
            batch: { rows-per-second: 20000 }
            verify: none
            """;

    @TempDir
    private Path directory;

    @Test
    void batches_are_short_while_an_application_is_at_work() throws Exception {
        try (TestDatabase database = TestPostgres.newest().newDatabase()) {
            database.execute(
                    "CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL) WITH (autovacuum_enabled = off)",
                    "INSERT INTO t SELECT g, 0 FROM generate_series(1, " + ROWS + ") AS g",
                    "ANALYZE t");
            try (Daemon daemon = Daemon.start(directory, Map.of("main", database.jdbcUrl()))) {
                daemon.register("fill", JOB);
                soon().until(() -> size(daemon) > LARGE);

                try (QuickSessions application = new QuickSessions(database, 2)) {
                    Thread.sleep(2_500);
                    application.work();
                    assertThat(verdict(daemon)).as("two are no application").isEqualTo("go");
                }
                try (QuickSessions application = new QuickSessions(database, 6)) {
                    soon().until(() -> verdict(daemon).equals("slow"));
                    soon().until(() -> size(daemon) > 0 && size(daemon) < SMALL);
                    assertThat(daemon.run("fill").path("hold").isNull())
                            .as("nothing holds")
                            .isTrue();
                    application.work();
                }
                soon().until(() -> size(daemon) > LARGE);
                daemon.say("cancel", "fill");
            }
            assertThat(database.queryLong("SELECT max(n) FROM t")).isOne();
        }
    }

    private static ConditionFactory soon() {
        return await().pollInterval(Duration.ofMillis(50)).atMost(Duration.ofSeconds(30));
    }

    private static double size(Daemon daemon) throws Exception {
        return daemon.metrics()
                .lines()
                .filter(line -> line.startsWith("backfill_batch_size{"))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
                .findFirst()
                .orElse(0);
    }

    private static String verdict(Daemon daemon) {
        for (var signal :
                daemon.get("/api/v1/databases").body().path("databases").path(0).path("signals")) {
            if (signal.path("signal").asString().equals("foreground")) {
                return signal.path("verdict").asString();
            }
        }
        return "";
    }

    /** So many sessions, each with a short statement a few times a second. */
    private static final class QuickSessions implements AutoCloseable {

        private final List<Thread> threads = new ArrayList<>();
        private volatile boolean ended;
        private final AtomicInteger failed = new AtomicInteger();

        QuickSessions(TestDatabase database, int number) {
            for (int i = 0; i < number; i++) {
                Thread thread = new Thread(() -> session(database), "application " + i);
                threads.add(thread);
                thread.start();
            }
        }

        private void session(TestDatabase database) {
            try (Connection connection = database.connect();
                    Statement statement = connection.createStatement()) {
                while (!ended) {
                    statement.execute("SELECT 1");
                    Thread.sleep(100);
                }
            } catch (SQLException e) {
                failed.incrementAndGet();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        void work() {
            assertThat(failed).hasValue(0);
        }

        @Override
        public void close() {
            ended = true;
            threads.forEach(Thread::interrupt);
        }
    }
}
