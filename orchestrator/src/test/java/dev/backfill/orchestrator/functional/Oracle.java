package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A table {@code t} whose change is made by nothing that would notice a second time, and an {@code audit} of each change:
 * what is lost or done twice shows. An application inserts, deletes and updates rows meanwhile.
 */
final class Oracle implements AutoCloseable {

    /** The job over it. */
    static final String JOB = "oracle";

    private volatile TestDatabase database;
    private final int rows;
    private final Thread application;
    private final AtomicLong writes = new AtomicLong();
    private final AtomicReference<Exception> failure = new AtomicReference<>();
    private volatile boolean closed;

    private Oracle(TestDatabase database, int rows) {
        this.database = database;
        this.rows = rows;
        this.application = new Thread(this::write, "application");
    }

    /** Creates the tables, with every other key of the range taken, and starts the application. */
    static Oracle create(TestDatabase database, int rows) throws SQLException {
        database.execute(
                "CREATE TABLE t (id bigint PRIMARY KEY, counter int NOT NULL DEFAULT 0,"
                        + " late boolean NOT NULL DEFAULT false, other int NOT NULL DEFAULT 0)",
                "INSERT INTO t SELECT g * 2 FROM generate_series(1, %d) AS g".formatted(rows),
                "CREATE TABLE audit (id bigint NOT NULL)",
                "CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN INSERT INTO audit VALUES (NEW.id); RETURN NULL; END'",
                "CREATE TRIGGER audit AFTER UPDATE ON t FOR EACH ROW"
                        + " WHEN (OLD.counter IS DISTINCT FROM NEW.counter) EXECUTE FUNCTION audit()");
        Oracle oracle = new Oracle(database, rows);
        oracle.application.start();
        return oracle;
    }

    /** The job, whose batches take at most so many keys and last at least so long. */
    String yaml(int keys, Duration batch) {
        return """
                version: 1
                job: %s
                table: t
                range: { by: id, to: %d }
                sql: UPDATE t SET counter = counter + 1 WHERE :range AND (SELECT pg_sleep(%s)) IS NOT NULL
                verify: { remaining: counter = 0 }
                parallelism: 2
                batch: { size: %d, min: %d, max: %d }
                """.formatted(JOB, last() + 1, batch.toMillis() / 1000.0, keys, keys, keys);
    }

    /** How many batches were committed. */
    long batches() throws SQLException {
        return database.queryLong("SELECT count(to_regclass('backfill.slice'))") == 0
                ? 0
                : database.queryLong("SELECT coalesce(sum(batches), 0) FROM backfill.slice");
    }

    /** From now on the database is there: the application goes along. */
    void movesTo(TestDatabase elsewhere) {
        database = elsewhere;
    }

    /** The run has ended, and each row that was there for all of it was changed once, as the run itself says. */
    void assertExactlyOnce() throws Exception {
        stopApplication();
        assertThat(database.queryLong(
                        "SELECT count(*) FROM t WHERE NOT late AND id <= %d AND counter = 0".formatted(last())))
                .as("rows lost")
                .isZero();
        assertThat(database.queryLong("SELECT count(*) FROM t WHERE NOT late AND counter > 1"))
                .as("rows changed twice")
                .isZero();
        assertThat(database.queryLong(
                        "SELECT count(*) FROM (SELECT FROM audit GROUP BY id HAVING count(*) > 1) AS twice"))
                .as("keys that the audit has twice")
                .isZero();
        assertThat(database.queryLong(("SELECT count(*) FROM t WHERE NOT late AND id <= %d"
                                + " AND NOT EXISTS (SELECT FROM audit a WHERE a.id = t.id)")
                        .formatted(last())))
                .as("keys that the audit lacks")
                .isZero();
        assertThat(database.queryLong("SELECT count(*) FROM audit WHERE id > " + last()))
                .as("changes beyond the range")
                .isZero();
        assertThat(database.queryStrings("SELECT sum(rows_changed) FROM backfill.slice"))
                .as("changes by the run's account, and by the audit's")
                .isEqualTo(database.queryStrings("SELECT count(*) FROM audit"));
        assertThat(database.queryStrings("SELECT concat_ws(' ', r.state, p.remaining) FROM backfill.run r"
                        + " LEFT JOIN backfill.proof p ON p.run = r.id"))
                .containsExactly("SUCCEEDED 0");
        assertThat(writes.get()).as("writes of the application").isPositive();
    }

    private int last() {
        return rows * 2;
    }

    private void stopApplication() throws Exception {
        closed = true;
        application.join();
        if (failure.get() != null) {
            throw new AssertionError("the application met an error", failure.get());
        }
    }

    private void write() {
        Random random = new Random(rows);
        while (!closed) {
            try (Connection connection = database.connect();
                    Statement statement = connection.createStatement()) {
                while (!closed) {
                    write(statement, random);
                    Thread.sleep(5);
                }
            } catch (SQLException e) {
                if (e.getSQLState() != null && e.getSQLState().startsWith("40")) {
                    failure.set(e); // chosen as a deadlock's victim: the run is to blame
                }
                pause(); // the server is away
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    private static void pause() {
        try {
            Thread.sleep(50);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Something that an application does: late rows carry the change already, and are left out of the count. */
    private void write(Statement statement, Random random) throws SQLException {
        int taken = 2 * (1 + random.nextInt(rows));
        statement.execute(
                switch (random.nextInt(10)) {
                    case 0 -> "DELETE FROM t WHERE id = " + taken;
                    case 1 -> "INSERT INTO t (id, other) VALUES (" + (last() + 1 + writes.get()) + ", 1)";
                    case 2, 3, 4 ->
                        "INSERT INTO t (id, counter, late) VALUES (" + (taken - 1)
                                + ", 1, true) ON CONFLICT DO NOTHING";
                    default -> "UPDATE t SET other = other + 1 WHERE id = " + taken;
                });
        writes.incrementAndGet();
    }

    @Override
    public void close() {
        closed = true;
        try {
            application.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
