package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.Seed;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Six kinds of bad data in rows at random places of a large table. {@code -Drows=} and {@code -Dbad=} set how many. */
@Tag("storm")
class BadRowsTest {

    private static final int ROWS = Integer.getInteger("rows", 200_000);
    private static final int BAD = Integer.getInteger("bad", 300);

    @TempDir
    private Path directory;

    @Test
    void exactly_those_are_set_aside_and_all_others_changed_once() throws Exception {
        try (TestDatabase database = TestPostgres.newest().newDatabase()) {
            create(database, Seed.random("bad rows"));
            Path job = CountedTable.write(directory, """
                    version: 1
                    job: convert
                    table: m
                    range: { by: id }
                    sql: |
                      UPDATE m SET n = n + 1, amount = raw::int * factor / factor, named = name, reference = known
                      WHERE :range
                    verify: { remaining: n = 0 }
                    parallelism: 2
                    errors: { quarantine: %d }
                    """.formatted(BAD));

            long begun = System.nanoTime();
            CommandResult result = CommandResult.of("run", job.toString(), "--database", database.jdbcUrl());

            System.out.printf("%d rows, %d of them bad: %s%n", ROWS, BAD, Duration.ofNanos(System.nanoTime() - begun));
            assertThat(result.exit()).as(result.text()).isEqualTo(BAD > 0 ? 1 : 0);
            assertThat(database.queryStrings("SELECT concat_ws(' ', m.n, bad.id IS NOT NULL, count(*)) FROM m"
                            + " LEFT JOIN bad ON bad.id = m.id GROUP BY m.n, bad.id IS NOT NULL ORDER BY m.n DESC"))
                    .startsWith("1 f " + (ROWS - BAD))
                    .hasSizeLessThanOrEqualTo(2);
            assertThat(database.queryStrings(
                            "SELECT concat_ws(' ', kind, sqlstate) FROM backfill.quarantine FULL JOIN bad"
                                    + " ON to_jsonb(ARRAY[bad.id::text]) = key GROUP BY kind, sqlstate ORDER BY kind"))
                    .isSubsetOf("0 22P02", "1 23514", "2 22003", "3 23502", "4 23503", "5 22012");
            assertThat(database.queryLong("SELECT count(*) FROM backfill.quarantine"))
                    .isEqualTo(BAD);
            assertThat(database.queryLong("SELECT sum(rows_changed) FROM backfill.slice"))
                    .isEqualTo(ROWS - BAD);
        }
    }

    /** A cast that fails, a check, an overflow, a NULL, a foreign key, a division by zero. */
    private static void create(TestDatabase database, Random random) throws Exception {
        database.execute(
                "CREATE TABLE known (id int PRIMARY KEY)",
                "INSERT INTO known VALUES (7)",
                "CREATE TABLE m (id int PRIMARY KEY, raw text, factor int, name text, known int, n int NOT NULL,"
                        + " amount int CHECK (amount >= 0), named text NOT NULL, reference int REFERENCES known)",
                "CREATE TABLE bad (id int PRIMARY KEY, kind int NOT NULL)");
        if (BAD > 0) {
            database.execute("INSERT INTO bad VALUES "
                    + random.ints(1, ROWS + 1)
                            .distinct()
                            .limit(BAD)
                            .mapToObj(id -> "(" + id + ", " + random.nextInt(6) + ")")
                            .collect(Collectors.joining(", ")));
        }
        database.execute("""
                INSERT INTO m SELECT i, CASE kind WHEN 0 THEN '12x' WHEN 1 THEN '-1' WHEN 2 THEN '2147483647' ELSE '4711' END,
                    CASE kind WHEN 2 THEN 2 WHEN 5 THEN 0 ELSE 1 END, CASE WHEN kind = 3 THEN NULL ELSE 'name' END,
                    CASE kind WHEN 4 THEN 8 ELSE 7 END, 0, NULL, '', NULL
                FROM generate_series(1, %d) AS i LEFT JOIN bad ON bad.id = i
                """.formatted(ROWS), "VACUUM ANALYZE m");
    }
}
