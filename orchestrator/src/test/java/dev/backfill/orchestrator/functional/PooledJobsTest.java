package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.backfill.orchestrator.testing.PgBouncer;
import dev.backfill.orchestrator.testing.PluginJar;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** Every kind of job behind PgBouncer in transaction mode, all in one daemon that shares few sessions. */
class PooledJobsTest {

    private static final int ROWS = 2_000;
    private static final int SESSIONS = 3;
    private static final String BY_ID = "{ by: id }";
    private static final String STATEMENT = "sql: UPDATE {} SET n = n + 1 WHERE :range";

    /** A job and its table. What is called after the job stands for braces. */
    enum Kind {
        /** Many times are the same, and some are none. */
        TIMED("{ by: time, column: at }", STATEMENT, "CREATE INDEX ON {} (at)"),
        COMPOSITE(BY_ID, STATEMENT, "ALTER TABLE {} DROP CONSTRAINT {}_pkey, ADD PRIMARY KEY (part, id)"),
        /** A hundred rows bring another each. */
        FOLLOWED("{ by: id, follow: true }", STATEMENT, """
                CREATE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql AS
                    'BEGIN INSERT INTO {} (part, id) VALUES (0, OLD.id + 10000); RETURN NULL; END';
                CREATE TRIGGER more AFTER UPDATE ON {} FOR EACH ROW WHEN (OLD.id <= 100) EXECUTE FUNCTION {}()
                """),
        /** Some rows let themselves be changed in the second pass alone. */
        UPDATED(BY_ID, "update: { set: { n: n + 1 }, where: n >= 0 }", """
                CREATE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                    IF (SELECT pass FROM backfill.run WHERE job = '{}') = 1 THEN RETURN NULL; END IF; RETURN NEW; END $$;
                CREATE TRIGGER not_yet BEFORE UPDATE ON {} FOR EACH ROW WHEN (OLD.id % 50 = 0) EXECUTE FUNCTION {}()
                """),
        PROCESSED(BY_ID, "processor: { type: %s, options: { counter: n } }".formatted(Moody.class.getName()), ""),
        RETRIED(BY_ID, STATEMENT + "\nerrors: { quarantine: 4 }", """
                CREATE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM 1 / 0; RETURN NEW; END';
                CREATE TRIGGER broken BEFORE UPDATE ON {} FOR EACH ROW WHEN (OLD.id % 500 = 0) EXECUTE FUNCTION {}()
                """),
        FOREGROUND(BY_ID, STATEMENT, "");

        private final String range;
        private final String work;
        private final String more;

        Kind(String range, String work, String more) {
            this.range = range;
            this.work = work;
            this.more = more;
        }

        String job() {
            return name().toLowerCase(Locale.ROOT);
        }

        String yaml() {
            return """
                    version: 1
                    job: {}
                    table: {}
                    range: %s
                    %s
                    verify: { remaining: n = 0 }
                    parallelism: 2
                    batch: { size: 100, min: 100, max: 100 }
                    """.formatted(range, work).replace("{}", job());
        }

        String table() {
            String create = """
                    CREATE TABLE {} (part int NOT NULL, id int PRIMARY KEY, at timestamptz, n int NOT NULL DEFAULT 0);
                    INSERT INTO {} SELECT g / 300, g, CASE WHEN g %% 10 > 0
                        THEN timestamptz '2026-01-01' + g / 50 * interval '1 hour' END FROM generate_series(1, %d) AS g;
                    ANALYZE {};
                    """.formatted(ROWS);
            return (create + more).replace("{}", job());
        }
    }

    private static TestDatabase database;
    private static PgBouncer bouncer;
    private static Daemon daemon;
    private static String[] settings;

    @TempDir
    private static Path directory;

    @BeforeAll
    static void begin() throws Exception {
        assumeTrue(PgBouncer.isInstalled(), "there is no PgBouncer: install Debian's package pgbouncer");
        database = TestPostgres.newest().newDatabase();
        Path plugins = Files.createDirectory(directory.resolve("plugins"));
        PluginJar.write(plugins.resolve("moody.jar"), Moody.class);
        bouncer = PgBouncer.start(Files.createDirectory(directory.resolve("bouncer")), database.server(), SESSIONS);
        settings = new String[] {
            "plugins = \"" + plugins + "\"",
            "databases.main { pooler = transaction, owner.url = \"%s\" }".formatted(database.jdbcUrl())
        };
        daemon = Daemon.start(directory, Map.of("main", bouncer.jdbcUrl(database)), settings);
        for (Kind kind : Kind.values()) {
            database.execute(kind.table());
            if (kind != Kind.FOREGROUND) {
                daemon.register(kind.job(), kind.yaml());
            }
        }
    }

    @AfterAll
    static void end() throws Exception {
        if (daemon != null) {
            daemon.close();
            bouncer.close();
            database.close();
        }
    }

    @ParameterizedTest
    @EnumSource(
            mode = Mode.EXCLUDE,
            names = {"RETRIED", "FOREGROUND"})
    void each_row_is_changed_once(Kind kind) throws Exception {
        daemon.awaitState(kind.job(), "SUCCEEDED");

        assertEachChangedOnce(kind, kind == Kind.FOLLOWED ? ROWS + 100 : ROWS);
        assertThat(database.queryLong("SELECT pass FROM backfill.run WHERE job = '" + kind.job() + "'"))
                .isEqualTo(kind == Kind.UPDATED ? 2 : 1);
    }

    @Test
    void keys_that_were_set_aside_are_tried_again() throws Exception {
        daemon.awaitState("retried", "FAILED");
        assertThat(database.queryStrings("SELECT id FROM retried WHERE n = 0 ORDER BY id"))
                .containsExactly("500", "1000", "1500", "2000");
        database.execute("DROP TRIGGER broken ON retried");

        daemon.say("retry", "retried");

        daemon.awaitState("retried", "SUCCEEDED");
        assertEachChangedOnce(Kind.RETRIED, ROWS);
    }

    @Test
    void a_run_in_the_foreground() throws Exception {
        Path job = Files.writeString(directory.resolve("foreground.yaml"), Kind.FOREGROUND.yaml());
        Path config = Files.writeString(
                directory.resolve("foreground.conf"),
                String.join("\n", settings) + "\ndatabases.main.url = \"" + bouncer.jdbcUrl(database) + "\"\n");

        CommandResult result =
                CommandResult.ofProcess(Duration.ofMinutes(1), "run", job.toString(), "--config", config.toString());

        assertThat(result.exit()).as(result.text()).isZero();
        assertEachChangedOnce(Kind.FOREGROUND, ROWS);
    }

    private static void assertEachChangedOnce(Kind kind, int rows) throws Exception {
        assertThat(database.queryStrings("SELECT n || ' x ' || count(*) FROM " + kind.job() + " GROUP BY n"))
                .containsExactly("1 x " + rows);
        assertThat(database.queryStrings("SELECT concat_ws(' ', sum(s.rows_changed), count(s.backend_pid))"
                        + " FROM backfill.slice s JOIN backfill.run r ON r.id = s.run WHERE r.job = '" + kind.job()
                        + "'"))
                .as("rows changed by the run's account, and slices bound to a session that is the pooler's")
                .containsExactly(rows + " 0");
    }
}
