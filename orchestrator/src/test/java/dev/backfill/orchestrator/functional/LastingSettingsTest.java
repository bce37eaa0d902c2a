package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a trigger sets for its session for good, and the batches that come after it. */
class LastingSettingsTest {

    private static final String SETTINGS =
            "concat_ws(' | ', current_setting('TimeZone'), current_setting('search_path'), current_setting('DateStyle'),"
                    + " current_setting('lock_timeout'), current_setting('row_security'),"
                    + " current_setting('synchronous_commit'), current_setting('role'))";

    @TempDir
    private Path directory;

    @Test
    void no_batch_has_the_settings_of_another() throws Exception {
        try (TestDatabase database = TestPostgres.newest().newDatabase()) {
            database.execute(
                    "CREATE TABLE t (id int PRIMARY KEY, counter int NOT NULL DEFAULT 0)",
                    "INSERT INTO t SELECT generate_series(1, 1000)",
                    "CREATE TABLE seen (settings text)",
                    "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.seen VALUES ("
                            + SETTINGS.replace("'", "''") + "); RETURN NULL; END'",
                    "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                            + " PERFORM set_config('TimeZone', 'Asia/Tokyo', false),"
                            + " set_config('search_path', 'pg_catalog', false), set_config('DateStyle', 'ISO, DMY', false),"
                            + " set_config('lock_timeout', '0', false), set_config('row_security', 'on', false),"
                            + " set_config('synchronous_commit', 'local', false); RETURN NULL; END $$",
                    "CREATE TRIGGER note BEFORE UPDATE ON t FOR EACH STATEMENT EXECUTE FUNCTION note()",
                    "CREATE TRIGGER spoil AFTER UPDATE ON t FOR EACH STATEMENT EXECUTE FUNCTION spoil()");
            Path job = Files.writeString(directory.resolve("count.yaml"), """
                    version: 1
                    job: count
                    table: t
                    range: { by: id }
                    sql: UPDATE t SET counter = counter + 1 WHERE :range
                    verify: { remaining: counter = 0 }
                    batch: { size: 100, min: 100, max: 100 }
                    """);

            CommandResult result = CommandResult.ofProcess(
                    Duration.ofMinutes(1), "run", job.toString(), "--database", database.jdbcUrl());

            assertThat(result.exit()).as(result.text()).isZero();
            assertThat(database.queryStrings("SELECT count(*) >= 10 FROM seen")).containsExactly("t");
            assertThat(database.queryStrings("SELECT DISTINCT settings FROM seen"))
                    .containsExactly("UTC | \"$user\", public | ISO, MDY | 500ms | off | off | none");
        }
    }
}
