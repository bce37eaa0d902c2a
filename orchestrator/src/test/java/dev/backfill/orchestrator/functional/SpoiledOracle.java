package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.Seed;
import dev.backfill.orchestrator.testing.TestDatabase;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;

/**
 * The table of an {@link Oracle} with six kinds of bad data in rows at random places, each kind as often; their keys and
 * kinds are in {@code bad}: a cast that fails, a check, an overflow, a NULL, a foreign key, a division by zero.
 *
 * @param oracle whose table it is
 * @param database where it is
 * @param rows how many of them are bad
 */
record SpoiledOracle(Oracle oracle, TestDatabase database, int rows) {

    /** How many kinds there are. */
    static final int KINDS = 6;

    private static final String SQL_STATE = "(ARRAY['22P02', '23514', '22003', '23502', '23503', '22012'])[kind + 1]";

    /** Spoils so many rows, which nobody deletes from then on. */
    static SpoiledOracle of(Oracle oracle, TestDatabase database, int rows) throws SQLException {
        spoil(database, oracle.last() / 2, rows);
        return new SpoiledOracle(oracle, database, rows);
    }

    /** The job, as {@link Oracle#yaml} writes it; it fails for the bad rows, and may set them aside. */
    String yaml(int keys, Duration batch) {
        String converting =
                "SET counter = counter + 1, amount = raw::int * factor / factor, named = name, reference = known";
        return oracle.yaml(keys, batch).replace("SET counter = counter + 1", converting) + "errors: { quarantine: "
                + rows + " }\n";
    }

    /** The run is over: exactly the bad rows are set aside, each with its error, and all others were changed once. */
    void assertSetAside() throws Exception {
        assertThat(
                        database.queryStrings(
                                "SELECT concat_ws(' ', key ->> 0, sqlstate) FROM backfill.quarantine ORDER BY (key ->> 0)::bigint"))
                .isEqualTo(database.queryStrings("SELECT concat_ws(' ', id, " + SQL_STATE + ") FROM bad ORDER BY id"));
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
