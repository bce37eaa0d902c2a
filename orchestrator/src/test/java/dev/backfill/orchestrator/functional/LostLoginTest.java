package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import dev.backfill.orchestrator.testing.TestRole;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.core.ConditionTimeoutException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;

/**
 * A daemon on several databases that each stop letting it in, in mid-run, with all its sessions ended, or are gone from
 * their name: it waits, says what the server says, and goes on by itself once it is let in again.
 */
class LostLoginTest {

    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final int ROWS = 600;

    /**
     * How a database shuts somebody out, and lets them in again, a statement a line: the SQLSTATEs are 28000, 28P01, 55000,
     * 42501 and 3D000.
     */
    enum Lost {
        LOGIN("ALTER ROLE {role} NOLOGIN", "ALTER ROLE {role} LOGIN", "is not permitted to log in"),
        PASSWORD(
                "ALTER ROLE {role} PASSWORD 'another'",
                "ALTER ROLE {role} PASSWORD '{password}'",
                "password authentication failed"),
        CONNECTIONS(
                "ALTER DATABASE {database} ALLOW_CONNECTIONS false",
                "ALTER DATABASE {database} ALLOW_CONNECTIONS true",
                "is not currently accepting connections"),
        RIGHT(
                "REVOKE CONNECT ON DATABASE {database} FROM PUBLIC",
                "GRANT CONNECT ON DATABASE {database} TO PUBLIC",
                "permission denied for database"),
        NAME("""
                ALTER DATABASE {database} ALLOW_CONNECTIONS false
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'
                ALTER DATABASE {database} RENAME TO {database}_gone
                """, """
                DO $$ BEGIN IF EXISTS (SELECT FROM pg_database WHERE datname = '{database}_gone') THEN \
                ALTER DATABASE {database}_gone RENAME TO {database}; END IF; END $$
                ALTER DATABASE {database} ALLOW_CONNECTIONS true
                """, "does not exist");

        private final String shut;
        private final String open;
        private final String said;

        Lost(String shut, String open, String said) {
            this.shut = shut;
            this.open = open;
            this.said = said;
        }

        String job() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** A database, and who works it. */
    private record Place(TestDatabase database, TestRole role, PacedTable table) {

        static Place create(String job) throws Exception {
            TestDatabase database = TestPostgres.withPasswords().newDatabase();
            TestRole role = database.newMonitoringRole();
            PacedTable table = PacedTable.create(database, job, ROWS, Duration.ofMillis(500));
            database.execute(
                    "GRANT CREATE ON DATABASE %s TO %s".formatted(database.name(), role.name()),
                    "GRANT SELECT ON pace TO " + role.name(),
                    "GRANT SELECT, UPDATE ON \"%s\" TO %s".formatted(job, role.name()));
            return new Place(database, role, table);
        }

        String[] filled(String sql) {
            return sql.replace("{role}", role.name())
                    .replace("{password}", role.password())
                    .replace("{database}", database.name())
                    .split("\n");
        }

        void close() throws Exception {
            database.execute("DROP OWNED BY " + role.name());
            database.close();
        }
    }

    private static final Map<Lost, Place> PLACES = new EnumMap<>(Lost.class);
    private static TestDatabase elsewhere;
    private static Daemon daemon;
    private static JsonNode away;
    private static String metrics;

    @BeforeAll
    static void shutAllOutInMidRun(@TempDir Path directory) throws Exception {
        elsewhere = TestPostgres.withPasswords().newDatabase();
        Map<String, String> urls = new LinkedHashMap<>();
        List<String> lines = new ArrayList<>(List.of("lease = 5s"));
        for (Lost lost : Lost.values()) {
            Place place = Place.create(lost.job());
            PLACES.put(lost, place);
            urls.put(lost.job(), place.database().jdbcUrl(place.role().name()));
            lines.add("databases.%s.password = \"%s\""
                    .formatted(lost.job(), place.role().password()));
        }
        daemon = Daemon.start(directory, urls, lines.toArray(String[]::new));
        for (Lost lost : Lost.values()) {
            daemon.register(lost.job(), place(lost).table().job("database: " + lost.job(), "parallelism: 2"));
        }
        for (Lost lost : Lost.values()) {
            soon(() -> place(lost).table().batches() > 3);
            shut(lost);
        }
        for (Lost lost : Lost.values()) { // what is worth a word has lasted 10 s
            soon(() -> held(lost).find());
        }
        away = daemon.get("/api/v1/jobs").body().path("away");
        metrics = daemon.metrics();
        for (Lost lost : Lost.values()) {
            elsewhere.execute(place(lost).filled(lost.open));
            place(lost).table().batchesLast(Duration.ZERO); // they were slow, so that none was done too soon
        }
    }

    private static void shut(Lost lost) throws Exception {
        elsewhere.execute(place(lost).filled(lost.shut));
        elsewhere.execute(
                place(lost).filled("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'"));
    }

    @AfterAll
    static void close() throws Exception {
        daemon.close();
        for (Lost lost : PLACES.keySet()) {
            elsewhere.execute(place(lost).filled(lost.open));
            place(lost).close();
        }
        elsewhere.close();
    }

    @ParameterizedTest
    @EnumSource
    void the_run_holds_with_the_words_of_the_server_and_each_row_is_changed_once_in_the_end(Lost lost)
            throws Exception {
        assertThat(held(lost).find()).as("held by what the server said").isTrue();
        assertThat(daemon.process().errors())
                .containsPattern("WARN database is away.*tried again every second database=\"?" + lost.job() + "\"? .*"
                        + lost.said);
        assertThat(away.valueStream()
                        .filter(node -> node.path("database").asString().equals(lost.job())))
                .singleElement()
                .satisfies(node -> assertThat(node.path("detail").asString()).contains(lost.said));
        assertThat(metrics)
                .containsPattern("backfill_hold_seconds_total\\{backfill=\"" + lost.job()
                        + "\".*reason=\"database-down\"} ([5-9]|[1-9][0-9])");

        daemon.awaitState(lost.job(), "SUCCEEDED");

        place(lost).table().assertEachRowWasChangedOnce();
        TestDatabase database = place(lost).database();
        assertThat(database.queryStrings("SELECT \"to\" FROM backfill.event WHERE \"from\" IS NOT NULL ORDER BY id"))
                .containsExactly("RUNNING", "VERIFYING", "SUCCEEDED");
        assertThat(database.queryStrings("SELECT e::text FROM backfill.event AS e"))
                .as("events")
                .anySatisfy(event -> assertThat(event).contains("database-down: ", lost.said));
        assertThat(database.queryLong("SELECT count(*) FROM backfill.quarantine"))
                .isZero();
    }

    private static Matcher held(Lost lost) {
        return Pattern.compile("run is held database=\"?%1$s\"? job=\"?%1$s\"? .*database-down.*%2$s"
                        .formatted(lost.job(), lost.said))
                .matcher(daemon.process().errors());
    }

    private static Place place(Lost lost) {
        return Objects.requireNonNull(PLACES.get(lost));
    }

    private static void soon(Callable<Boolean> wanted) {
        try {
            await().dontCatchUncaughtExceptions()
                    .atMost(PATIENCE)
                    .pollInterval(Duration.ofMillis(50))
                    .until(wanted);
        } catch (ConditionTimeoutException e) {
            throw new AssertionError(daemon.process().toString(), e);
        }
    }
}
