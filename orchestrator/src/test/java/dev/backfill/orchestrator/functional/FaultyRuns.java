package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import dev.backfill.orchestrator.testing.TestRole;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;
import org.awaitility.core.ConditionTimeoutException;
import tools.jackson.databind.JsonNode;

/**
 * Runs of one daemon, each over an {@link Oracle} of its own that meets a fault of its own in mid-run, all at once. The
 * daemon is an ordinary role with no more rights than it needs. Meanwhile it is watched how long others wait for a lock of
 * the daemon's.
 */
final class FaultyRuns implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Duration BATCH = Duration.ofMillis(80);
    /** Enough that a run is still under way when its fault comes late, on a slow machine. */
    private static final int ROWS = 6_000;

    private static final int KEYS = 50;

    /** Seconds for which the longest of those waits that waits for a session of a daemon's. */
    private static final String WAITING = """
            SELECT coalesce(extract(epoch FROM max(clock_timestamp() - l.waitstart)), 0)
            FROM pg_locks l JOIN pg_stat_activity w ON w.pid = l.pid
            WHERE NOT l.granted AND w.datname = current_database() AND w.application_name NOT LIKE 'backfill%'
              AND EXISTS (SELECT FROM unnest(pg_blocking_pids(l.pid)) AS b(pid) JOIN pg_stat_activity a ON a.pid = b.pid
                          WHERE a.application_name LIKE 'backfill%')
            """;

    /** What goes wrong in the middle of a run, and what is expected of it. */
    interface Fault {
        void meet(FaultyRun run) throws Exception;
    }

    private final TestDatabase database = TestPostgres.newest().newDatabase();
    private final TestRole role;
    private final Daemon daemon;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final Map<String, Future<?>> runs = new ConcurrentHashMap<>();
    private final Future<?> watch;
    private volatile boolean closed;
    private volatile double longestWait;

    private FaultyRuns(Path directory) throws Exception {
        role = database.newMonitoringRole();
        database.execute("GRANT CREATE ON DATABASE %s TO %s".formatted(database.name(), role.name()));
        daemon = Daemon.start(
                directory,
                Map.of("main", database.jdbcUrl(role.name())),
                "lease = 2s",
                "workers = 60",
                "databases.main.max-workers = 60");
        watch = threads.submit(this::watch);
    }

    static FaultyRuns start(Path directory) throws Exception {
        return new FaultyRuns(directory);
    }

    /** Begins a run. */
    void begin(String name, Fault fault) {
        begin(name, "", fault);
    }

    /** Begins a run whose job ends in these lines. */
    void begin(String name, String lines, Fault fault) {
        runs.put(name, threads.submit(() -> {
            try (Oracle oracle = Oracle.create(database, name, ROWS, Duration.ofMillis(50))) {
                FaultyRun run = new FaultyRun(this, name, oracle);
                run.execute("GRANT USAGE ON SCHEMA {} TO {role}", "GRANT SELECT, UPDATE ON {}.t TO {role}");
                run.execute("GRANT INSERT ON {}.audit TO {role}");
                String two = "SET counter = counter + 1, other = other";
                daemon.register(name, oracle.yaml(KEYS, BATCH).replace("SET counter = counter + 1", two) + lines);
                run.awaitBatches(3);
                fault.meet(run);
            }
            return null;
        }));
    }

    /** Waits until this run has met its fault, and all was as expected. */
    void await(String name) throws Exception {
        try {
            Objects.requireNonNull(runs.get(name)).get(PATIENCE.multipliedBy(2).toSeconds(), TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw new AssertionError("run " + name + " of " + runs.keySet(), e.getCause());
        }
    }

    TestDatabase database() {
        return database;
    }

    TestRole role() {
        return role;
    }

    Daemon daemon() {
        return daemon;
    }

    /** For how many seconds at the most somebody else has waited for a lock of the daemon's; zero when nobody did. */
    double longestWait() {
        assertThat(watch.isDone()).as("nobody watches").isFalse();
        return longestWait;
    }

    private Void watch() throws SQLException, InterruptedException {
        try (Connection connection = database.connect();
                var waiting = connection.prepareStatement(WAITING)) {
            while (!closed) {
                try (var row = waiting.executeQuery()) {
                    row.next();
                    longestWait = Math.max(longestWait, row.getDouble(1));
                }
                Thread.sleep(100);
            }
        }
        return null;
    }

    @Override
    public void close() throws SQLException {
        closed = true;
        daemon.close();
        threads.shutdownNow();
        database.execute("DROP OWNED BY " + role.name());
        database.close();
    }

    /** A run that meets a fault. In its statements {@code {}} is its schema, and {@code {role}} the daemon's role. */
    record FaultyRun(FaultyRuns runs, String name, Oracle oracle) {

        void execute(String... statements) throws SQLException {
            for (String sql : statements) {
                runs.database.execute(filled(sql));
            }
        }

        /** A transaction that has done this and is still open. */
        Connection open(String... statements) throws SQLException {
            Connection connection = runs.database.connect();
            connection.setAutoCommit(false);
            for (String sql : statements) {
                connection.createStatement().execute(filled(sql));
            }
            return connection;
        }

        String filled(String sql) {
            return sql.replace("{}", oracle.schema())
                    .replace("{role}", runs.role.name())
                    .replace("{last}", Integer.toString(oracle.last()));
        }

        long batches() throws SQLException {
            return oracle.batches();
        }

        void awaitBatches(long more) throws SQLException {
            long before = batches();
            soon().until(() -> batches() >= before + more);
        }

        /** Waits until it is PAUSED for a reason that contains these words, which the audit log has too. */
        void awaitPaused(String... words) throws SQLException {
            awaitRun(run -> run.path("state").asString("").equals("PAUSED"));
            for (String word : words) {
                assertThat(reason()).contains(filled(word));
            }
            String last = "SELECT e.detail->>'reason' FROM backfill.event e JOIN backfill.run r ON r.id = e.run"
                    + " WHERE r.job = '%s' AND e.\"to\" = 'PAUSED' ORDER BY e.id DESC LIMIT 1";
            assertThat(runs.database.queryStrings(last.formatted(name))).containsExactly(reason());
        }

        /** Waits until no thread of the daemon works it. */
        void awaitLeft() {
            soon().until(() ->
                    runs.daemon.threads().stream().noneMatch(thread -> thread.startsWith("backfill " + name)));
        }

        /** Resumes a paused run, in vain. */
        void resumeInVain(String... words) throws SQLException {
            String before = "SELECT count(*) FROM backfill.event e JOIN backfill.run r ON r.id = e.run"
                    + " WHERE r.job = '%s' AND e.\"to\" = 'PAUSED'";
            long pauses = runs.database.queryLong(before.formatted(name));
            runs.daemon.say("resume", name);
            soon().until(() -> runs.database.queryLong(before.formatted(name)) > pauses);
            awaitPaused(words);
        }

        void resume() {
            runs.daemon.say("resume", name);
        }

        String reason() {
            return runs.daemon.run(name).path("reason").asString("");
        }

        /** Waits for a hold whose detail contains these words. */
        void awaitHeld(String reason, String... words) {
            awaitRun(run -> run.path("hold").path("reason").asString("").equals(reason)
                    && Arrays.stream(words)
                            .allMatch(run.path("hold").path("detail").asString("")::contains));
        }

        /** It neither moves nor changes its state for so long. */
        void assertStandsFor(Duration time) {
            Awaitility.await()
                    .dontCatchUncaughtExceptions()
                    .during(time)
                    .atMost(time.plusSeconds(10))
                    .until(() -> runs.daemon.state(name).equals("RUNNING"));
        }

        /** It goes on by itself to its end, and has changed each row once. */
        void assertDone() throws Exception {
            oracle.faultIsOver();
            awaitSucceeded();
            oracle.assertExactlyOnce();
        }

        /** It goes on by itself to its end. */
        void awaitSucceeded() {
            awaitRun(run -> run.path("state").asString("").matches("SUCCEEDED|FAILED|PAUSED"));
            assertThat(runs.daemon.state(name)).as("%s", runs.daemon.run(name)).isEqualTo("SUCCEEDED");
        }

        private void awaitRun(Predicate<JsonNode> wanted) {
            AtomicReference<JsonNode> seen = new AtomicReference<>();
            try {
                soon().until(() -> {
                    seen.set(runs.daemon.run(name));
                    return wanted.test(seen.get());
                });
            } catch (ConditionTimeoutException e) {
                throw new AssertionError("run of job " + name + " is " + seen, e);
            }
        }

        long queryLong(String sql) throws SQLException {
            return runs.database.queryLong(filled(sql));
        }

        static ConditionFactory soon() {
            return Awaitility.await()
                    .dontCatchUncaughtExceptions()
                    .atMost(PATIENCE)
                    .pollInterval(Duration.ofMillis(250));
        }
    }
}
