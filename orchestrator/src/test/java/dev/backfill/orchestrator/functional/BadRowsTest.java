package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.Faults;
import dev.backfill.orchestrator.testing.Seed;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Six kinds of bad data in rows at random places of a table, each kind as often, while others write. */
@Tag("fault")
class BadRowsTest {

    private static final int KINDS = 6;

    /** A cast that fails, a check, an overflow, a NULL, a foreign key, a division by zero. */
    private static final String SQL_STATE = "(ARRAY['22P02', '23514', '22003', '23502', '23503', '22012'])[kind + 1]";

    @TempDir
    private Path directory;

    @Test
    void exactly_those_are_set_aside_and_all_others_changed_once() throws Exception {
        convert(30_000, 60);
    }

    /** {@code -Drows=} and {@code -Dbad=} set how many. */
    @Tag("storm")
    @Test
    void exactly_those_are_set_aside_of_a_million() throws Exception {
        convert(Integer.getInteger("rows", 1_000_000), Integer.getInteger("bad", 300));
    }

    private void convert(int rows, int bad) throws Exception {
        try (TestDatabase database = TestPostgres.newest().newDatabase();
                Oracle oracle = Oracle.create(database, rows)) {
            spoil(database, rows, bad);
            String converting =
                    "SET counter = counter + 1, amount = raw::int * factor / factor, named = name, reference = known";
            Path job = CountedTable.write(
                    directory,
                    oracle.yaml(1_000, Duration.ZERO)
                            .replace("SET counter = counter + 1", converting)
                            .replaceFirst("(?m)^batch: .*$", "errors: { quarantine: " + bad + " }"));

            long begun = System.nanoTime();
            CommandResult result = CommandResult.of("run", job.toString(), "--database", database.jdbcUrl());

            System.out.printf("%d rows, %d of them bad: %s%n", rows, bad, Duration.ofNanos(System.nanoTime() - begun));
            assertThat(result.exit()).as(result.text()).isEqualTo(1);
            assertThat(database.queryStrings("SELECT concat_ws(' ', key ->> 0, sqlstate) FROM backfill.quarantine"
                            + " ORDER BY (key ->> 0)::bigint"))
                    .isEqualTo(
                            database.queryStrings("SELECT concat_ws(' ', id, " + SQL_STATE + ") FROM bad ORDER BY id"));
            assertAllOthersChangedOnce(database, oracle);
            for (int kind = 0; kind < KINDS; kind++) {
                Faults.made(Faults.Kind.BAD_DATA);
            }
        }
    }

    private static void assertAllOthersChangedOnce(TestDatabase database, Oracle oracle) throws Exception {
        oracle.assertNoneTwice();
        List<String> bad = database.queryStrings("SELECT id FROM bad ORDER BY id");
        String of = "SELECT id FROM t WHERE NOT late AND id <= " + oracle.last() + " AND %s ORDER BY id";
        assertThat(database.queryStrings(of.formatted("counter = 0")))
                .as("rows that are not changed")
                .isEqualTo(bad);
        assertThat(database.queryStrings(of.formatted("NOT EXISTS (SELECT FROM audit a WHERE a.id = t.id)")))
                .as("keys that the audit lacks")
                .isEqualTo(bad);
    }

    private static void spoil(TestDatabase database, int rows, int bad) throws SQLException {
        Random random = Seed.random("bad rows");
        int[] kind = {0};
        String spoiled = random.ints(1, rows + 1)
                .distinct()
                .limit(bad)
                .mapToObj(row -> "(%d, %d)".formatted(row * 2, kind[0]++ % KINDS))
                .collect(Collectors.joining(", "));
        database.execute(
                "CREATE TABLE known (id int PRIMARY KEY)",
                "INSERT INTO known VALUES (7)",
                "ALTER TABLE t ADD COLUMN raw text DEFAULT '4711', ADD COLUMN factor int DEFAULT 1,"
                        + " ADD COLUMN name text DEFAULT 'name', ADD COLUMN known int DEFAULT 7,"
                        + " ADD COLUMN amount int CHECK (amount >= 0), ADD COLUMN named text NOT NULL DEFAULT '',"
                        + " ADD COLUMN reference int REFERENCES known",
                "CREATE TABLE bad (id bigint PRIMARY KEY, kind int NOT NULL)",
                "INSERT INTO bad VALUES " + spoiled,
                "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
                "ALTER TABLE t ADD COLUMN kind int",
                "CREATE TRIGGER keep BEFORE DELETE ON t FOR EACH ROW WHEN (OLD.kind IS NOT NULL) EXECUTE FUNCTION keep()",
                """
                UPDATE t SET kind = bad.kind, raw = (ARRAY['12x', '-1', '2147483647'])[bad.kind + 1],
                    factor = CASE bad.kind WHEN 2 THEN 2 WHEN 5 THEN 0 ELSE 1 END,
                    name = CASE WHEN bad.kind = 3 THEN NULL ELSE 'name' END, known = CASE bad.kind WHEN 4 THEN 8 ELSE 7 END
                FROM bad WHERE bad.id = t.id
                """,
                "UPDATE t SET raw = '4711' WHERE raw IS NULL",
                "DELETE FROM bad WHERE NOT EXISTS (SELECT FROM t WHERE t.id = bad.id)",
                "VACUUM ANALYZE t");
        assertThat(database.queryStrings(
                        "SELECT kind FROM bad GROUP BY kind HAVING count(*) >= %d".formatted(bad / 10)))
                .as("kinds of bad rows, each often")
                .hasSize(KINDS);
    }
}
