package dev.backfill.orchestrator.bench;

import dev.backfill.orchestrator.testing.TestDatabase;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * A table of orders whose {@code total_cents} is to be filled from {@code total}; made anew before each measurement.
 *
 * @param database where it is
 * @param key what its primary key is
 * @param rows how many rows it has
 * @param todo one row in so many is to be done
 */
record BenchTable(TestDatabase database, Key key, long rows, int todo) {

    /** What a primary key is. */
    enum Key {
        /** 1, 2, 3, and so on; the rows lie in its order. */
        BIGINT("bigint", "g"),
        /** At random; the rows lie in the order of their coming. */
        UUID("uuid", "gen_random_uuid()");

        private final String type;
        private final String value;

        Key(String type, String value) {
            this.type = type;
            this.value = value;
        }

        String type() {
            return type;
        }
    }

    /** What is done to each row that is to be done. */
    static final String SET = "total_cents = (total * 100)::bigint";

    /** Which rows are to be done. */
    static final String TODO = "total_cents IS NULL";

    /** Makes it anew from rows that are kept; nothing of the last measurement is left, neither dead rows nor dirty pages. */
    void renew() throws SQLException {
        try (Connection connection = connect();
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE TABLE IF NOT EXISTS " + kept() + " AS SELECT " + key.value + " AS id,"
                    + " (g % 5000)::int AS customer_id, (g % 100000) / 100.0 AS total, CASE WHEN g % " + todo
                    + " = 0 THEN NULL ELSE 0 END::bigint AS total_cents, 'open'::text AS status,"
                    + " repeat('x', 40) AS note FROM generate_series(1, " + rows + ") AS g");
            statement.execute("DROP TABLE IF EXISTS orders");
            statement.execute("CREATE TABLE orders (LIKE " + kept() + ") WITH (autovacuum_enabled = off)");
            statement.execute("INSERT INTO orders SELECT * FROM " + kept());
            statement.execute("ALTER TABLE orders ADD PRIMARY KEY (id)");
            statement.execute("VACUUM (FREEZE, ANALYZE) orders");
            statement.execute("CHECKPOINT");
        }
    }

    /** Requires that every row that was to be done is done. */
    void requireDone() throws SQLException {
        long left = database.queryLong("SELECT count(*) FROM orders WHERE " + TODO);
        long wrong = database.queryLong(
                "SELECT count(*) FROM orders WHERE total_cents <> 0 AND total_cents <> (total * 100)::bigint");
        if (left > 0 || wrong > 0) {
            throw new AssertionError(left + " rows are left and " + wrong + " are wrong");
        }
    }

    /** How many pages of the table and its index sessions have asked for since it was made. */
    long buffers() throws SQLException {
        return database.queryLong("SELECT heap_blks_read + heap_blks_hit + idx_blks_read + idx_blks_hit"
                + " FROM pg_statio_user_tables WHERE relname = 'orders'");
    }

    /** A session as an application opens it. */
    Connection connect() throws SQLException {
        return DriverManager.getConnection(database.jdbcUrl());
    }

    private String kept() {
        return "kept_" + key.type + "_" + rows + "_" + todo;
    }
}
