package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a run would do, by words that are compared with the table. */
class DryRunTest {

    private static final String COUNT = "sql: UPDATE t SET n = n + 1 WHERE :range\nverify: { remaining: n = 0 }\n";

    @TempDir
    private Path directory;

    private TestDatabase database;

    @BeforeEach
    void create() throws SQLException {
        database = TestPostgres.newest().newDatabase();
        database.execute(
                "CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, pad text)",
                "INSERT INTO t SELECT g, 0, repeat('x', 100) FROM generate_series(1, 20000) g",
                "ANALYZE t");
    }

    @AfterEach
    void close() throws SQLException {
        database.close();
    }

    @Test
    void it_reads_only_and_says_how_a_batch_finds_its_rows() throws Exception {
        CommandResult result = dryRun("{ by: id }", COUNT);

        assertThat(result.exit()).as(result.text()).isZero();
        assertThat(result.text())
                .contains("range: 1 to 20000; about 20,000 rows in 4 slices, by \"id\"")
                .contains("a batch finds its rows by t_pkey:", "Index Cond: ((id > ")
                .contains("a guess from the size of the rows: one worker would need ", "of WAL would be written");
        assertThat(database.queryStrings("SELECT DISTINCT n::text FROM t")).containsExactly("0");
        assertThat(database.queryLong("SELECT count(*) FROM pg_namespace WHERE nspname = 'backfill'"))
                .isZero();
    }

    @Test
    void samples_are_measured_and_rolled_back() throws Exception {
        database.execute(
                "CREATE TABLE log (id int)",
                """
                CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
                'BEGIN INSERT INTO log VALUES (NEW.id); RETURN NULL; END'
                """,
                "CREATE TRIGGER note AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION note()");
        CommandResult result = dryRun("{ by: id }", COUNT, "--sample");

        assertThat(result.exit()).as(result.text()).isZero();
        assertThat(result.text())
                .contains("triggers that fire: note")
                .contains("at 0 of the range: 1,000 keys, 1,000 rows changed")
                .contains("at 1 of the range: 1,000 keys, 1,000 rows changed")
                .contains("at 3/4 of the range: 1,000 keys, 1,000 rows changed")
                .contains("RowExclusiveLock on t", "RowExclusiveLock on log")
                .contains("by what these batches took: one worker would need ")
                .doesNotContain("WARNING", "REFUSED");
        assertThat(database.queryStrings("SELECT DISTINCT n::text FROM t")).containsExactly("0");
        assertThat(database.queryLong("SELECT count(*) FROM log")).isZero();
    }

    @Test
    void the_last_sample_is_the_end_of_the_range_in_either_direction() throws Exception {
        database.execute("UPDATE t SET n = 5 WHERE id > 19000");
        String change = "update: { set: { n: 1 / (5 - n) }, where: n = 0 }\n";
        assertThat(dryRun("{ by: id }", change, "--sample").text())
                .contains("at 1 of the range: 1,000 keys, 0 rows changed", "at 0 of the range: 1,000 keys, 1,000");
        assertThat(dryRun("{ by: id, order: desc }", change, "--sample").text())
                .contains("at 0 of the range: 1,000 keys, 0 rows changed", "at 1 of the range: 1,000 keys, 1,000");
    }

    @Test
    void what_moves_the_key_is_refused() throws Exception {
        database.execute(
                "CREATE FUNCTION move() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN NEW.id := NEW.id + 100000; RETURN NEW; END'",
                "CREATE TRIGGER move BEFORE UPDATE ON t FOR EACH ROW WHEN (OLD.id = 7) EXECUTE FUNCTION move()");
        CommandResult result = dryRun("{ by: id }", COUNT, "--sample");

        assertThat(result.exit()).as(result.text()).isEqualTo(2);
        assertThat(result.text()).contains("REFUSED: the change moves rows along the key, 1 of these, such as 7");
    }

    @Test
    void rows_that_still_match_and_batches_that_read_the_whole_table_are_warned_of() throws Exception {
        String change = "update: { set: { n: n + 1 }, where: \"n >= 0 OR (SELECT true)\" }\n";
        assertThat(dryRun("{ by: id }", change, "--sample").text())
                .contains("WARNING: 5,000 of these rows still meet `remaining` after the change");

        String whole = "sql: UPDATE t SET n = n + 1 WHERE (:range) IS NOT FALSE\nverify: { remaining: n = 0 }\n";
        assertThat(dryRun("{ by: id }", whole).text()).contains("WARNING: each batch would read the whole table");
    }

    @Test
    void partitions_a_small_table_and_an_empty_one() throws Exception {
        database.execute(
                "DROP TABLE t",
                "CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL DEFAULT 0) PARTITION BY RANGE (id)",
                "CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10000)",
                "CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (10000) TO (100000)");
        assertThat(dryRun("{ by: id }", COUNT, "--sample").text()).contains("range: there is no row in it");

        database.execute("INSERT INTO t SELECT generate_series(1, 20000)", "ANALYZE t");
        assertThat(dryRun("{ by: id }", COUNT).text())
                .contains("tables below it that hold rows: 2")
                .containsPattern("a batch finds its rows by (t1_pkey|t1_pkey, t2_pkey|t2_pkey):");

        database.execute("DROP TABLE t", "CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)");
        database.execute("INSERT INTO t SELECT generate_series(1, 20)", "ANALYZE t");
        assertThat(dryRun("{ by: id }", COUNT).text())
                .contains("a batch reads the whole table, because it is small; with more rows it uses t_pkey:");
    }

    private CommandResult dryRun(String range, String work, String... options) throws IOException {
        Path job = Files.writeString(
                directory.resolve("job.yaml"), "version: 1\njob: count\ntable: t\nrange: " + range + "\n" + work);
        List<String> words = new ArrayList<>(List.of("dry-run", job.toString(), "--database", database.jdbcUrl()));
        words.addAll(List.of(options));
        return CommandResult.of(words.toArray(String[]::new));
    }
}
