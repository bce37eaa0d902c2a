package dev.backfill.orchestrator.dryrun;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.batch.Change;
import dev.backfill.orchestrator.batch.SqlChange;
import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.registry.LiveCheck;
import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestJobs;
import dev.backfill.orchestrator.testing.TestPostgres;
import dev.backfill.orchestrator.timing.Timing;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CountDownLatch;
import java.util.function.Function;

/** A database with a table {@code t}, jobs on it, and a worker's session for what is tried. */
final class Workbench implements AutoCloseable {

    private static final Duration LONG = Duration.ofSeconds(1);

    private final TestDatabase database;
    private final Connection connection;

    /** With so many rows, from key 1 on. */
    Workbench(int rows) throws SQLException {
        database = TestPostgres.newest().newDatabase();
        database.execute(
                "CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, pad text)",
                "INSERT INTO t SELECT g, 0, repeat('x', 100) FROM generate_series(1, " + rows + ") g",
                "ANALYZE t");
        connection = database.connect();
        connection.setAutoCommit(false);
    }

    TestDatabase database() {
        return database;
    }

    Connection connection() {
        return connection;
    }

    /** A job whose batches have 500 keys; the work with all lines behind it. */
    JobStatement job(String range, String work) throws SQLException {
        String yaml = "version: 1\njob: tried\ntable: t\nrange: " + range + "\n" + work
                + "\nbatch: { size: 500, min: 100, max: 1000, target: 100ms }\n";
        var content = TestJobs.FILES.read("tried.yaml", yaml.getBytes(StandardCharsets.UTF_8));
        assertThat(content.problems()).isEmpty();
        LoadedJob job = content.jobs().get(0);
        try (Connection checking = database.connect()) {
            checking.setAutoCommit(false);
            LiveCheck.Result result = LiveCheck.check(job, checking);
            assertThat(result).isInstanceOf(LiveCheck.Accepted.class);
            return ((LiveCheck.Accepted) result).statement();
        }
    }

    /** What is seen of a job without a batch that is tried. */
    Forecast look(JobStatement job) throws SQLException {
        return new DryRun(connection, job, new Hasty()).look();
    }

    /** What is seen of a job by batches that are tried. */
    Forecast sample(JobStatement job) throws SQLException {
        return sample(job, SqlChange::new);
    }

    /** What is seen of a job by batches that are tried, each with this change. */
    Forecast sample(JobStatement job, Function<JobStatement, Change> change) throws SQLException {
        DryRun dryRun = new DryRun(connection, job, new Hasty());
        return dryRun.sample(dryRun.look(), change.apply(job));
    }

    /** What people read of it, in one text. */
    static String text(Forecast forecast) {
        return String.join("\n", ForecastText.of(forecast));
    }

    @Override
    public void close() throws SQLException {
        connection.close();
        database.close();
    }

    /** Waits for nothing that takes a second or longer. */
    private static final class Hasty implements Timing {

        private final Timing system = Timing.system();

        @Override
        public long nanos() {
            return system.nanos();
        }

        @Override
        public Instant now() {
            return system.now();
        }

        @Override
        public boolean await(CountDownLatch stop, Duration atMost) {
            return system.await(stop, atMost.compareTo(LONG) < 0 ? atMost : Duration.ZERO);
        }
    }
}
