package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.TestDatabase;
import java.sql.SQLException;
import java.util.Random;
import java.util.stream.Collectors;

/**
 * A table {@code m} with six kinds of bad data in rows at random places, whose keys and kinds are in {@code bad}: a cast
 * that fails, a check, an overflow, a NULL, a foreign key, a division by zero.
 *
 * @param database where it is
 * @param rows how many rows it has
 * @param bad how many of them are bad
 */
record BadRows(TestDatabase database, int rows, int bad) {

    /** Adds one to {@code n} in each row of the batch, which fails for the bad ones. */
    static final String CHANGE = "UPDATE m SET n = n + 1, amount = raw::int * factor / factor, named = name,"
            + " reference = known WHERE :range";

    /** Creates the table, whose key has this type and is made of i. */
    static BadRows create(TestDatabase database, int rows, int bad, String type, String key, Random random)
            throws SQLException {
        database.execute(
                "CREATE TABLE known (id int PRIMARY KEY)",
                "INSERT INTO known VALUES (7)",
                "CREATE TABLE m (id " + type
                        + " PRIMARY KEY, raw text, factor int, name text, known int, n int NOT NULL,"
                        + " amount int CHECK (amount >= 0), named text NOT NULL, reference int REFERENCES known)",
                "CREATE TABLE bad (i int PRIMARY KEY, kind int NOT NULL, id " + type + ")");
        if (bad > 0) {
            database.execute("INSERT INTO bad VALUES "
                    + random.ints(1, rows + 1)
                            .distinct()
                            .limit(bad)
                            .mapToObj(i -> "(" + i + ", " + random.nextInt(6) + ")")
                            .collect(Collectors.joining(", ")));
        }
        database.execute("UPDATE bad SET id = " + key, """
                INSERT INTO m SELECT %s, CASE kind WHEN 0 THEN '12x' WHEN 1 THEN '-1' WHEN 2 THEN '2147483647' ELSE '4711' END,
                    CASE kind WHEN 2 THEN 2 WHEN 5 THEN 0 ELSE 1 END, CASE WHEN kind = 3 THEN NULL ELSE 'name' END,
                    CASE kind WHEN 4 THEN 8 ELSE 7 END, 0, NULL, '', NULL
                FROM (SELECT i, kind FROM generate_series(1, %d) AS i LEFT JOIN bad USING (i)) AS r
                """.formatted(key, rows), "VACUUM ANALYZE m");
        return new BadRows(database, rows, bad);
    }

    /** Mends what is wrong with them. */
    void mend() throws SQLException {
        database.execute("UPDATE m SET raw = '4711', factor = 1, name = 'name', known = 7 WHERE n = 0");
    }

    /** Exactly they are set aside, each with its error, and all others were changed once. */
    void assertSetAside() throws SQLException {
        assertThat(database.queryStrings("SELECT concat_ws(' ', m.n, bad.i IS NOT NULL, count(*)) FROM m"
                        + " LEFT JOIN bad ON bad.id = m.id GROUP BY m.n, bad.i IS NOT NULL ORDER BY m.n DESC"))
                .startsWith("1 f " + (rows - bad))
                .hasSizeLessThanOrEqualTo(2);
        assertThat(database.queryStrings("SELECT concat_ws(' ', kind, error_class, sqlstate) FROM backfill.quarantine"
                        + " FULL JOIN bad ON to_jsonb(ARRAY[bad.id::text]) = key GROUP BY kind, error_class, sqlstate"
                        + " ORDER BY kind"))
                .isSubsetOf(
                        "0 DATA 22P02", "1 DATA 23514", "2 DATA 22003", "3 DATA 23502", "4 DATA 23503", "5 DATA 22012");
        assertThat(database.queryLong("SELECT count(*) FROM backfill.quarantine"))
                .isEqualTo(bad);
        assertThat(database.queryLong("SELECT sum(rows_changed) FROM backfill.slice"))
                .isEqualTo(rows - bad);
    }
}
