package dev.backfill.orchestrator.bench;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/** What others write by hand, as they would. */
final class Competitors {

    private static final String UPDATE = "UPDATE orders SET " + BenchTable.SET + " WHERE ";

    private Competitors() {}

    /** One UPDATE of the whole table. */
    static void singleUpdate(BenchTable table) throws SQLException {
        try (Connection connection = table.connect();
                Statement statement = connection.createStatement()) {
            statement.execute(UPDATE + BenchTable.TODO);
        }
    }

    /** A loop in PL/pgSQL that commits every 10,000 rows. */
    static void plpgsqlLoop(BenchTable table) throws SQLException {
        try (Connection connection = table.connect();
                Statement statement = connection.createStatement()) {
            statement.execute("""
                    DO $$
                    DECLARE
                        last bigint := 0;
                        next bigint;
                    BEGIN
                        LOOP
                            SELECT max(id) INTO next
                            FROM (SELECT id FROM orders WHERE id > last ORDER BY id LIMIT 10000) AS batch;
                            EXIT WHEN next IS NULL;
                            UPDATE orders SET %s WHERE id > last AND id <= next AND %s;
                            COMMIT;
                            last := next;
                        END LOOP;
                    END $$
                    """.formatted(BenchTable.SET, BenchTable.TODO));
        }
    }

    /** A loop over JDBC: batches of 1,000 rows, prepared, a transaction each, no pause; the range split among connections. */
    static void jdbcLoop(BenchTable table, int connections) throws SQLException {
        List<@Nullable String> ends = ends(table, connections);
        ExecutorService threads = Executors.newFixedThreadPool(connections);
        try {
            List<Future<?>> parts = new ArrayList<>();
            for (int i = 0; i < connections; i++) {
                String from = ends.get(i);
                String to = ends.get(i + 1);
                parts.add(threads.submit(() -> {
                    jdbcLoop(table, from, to);
                    return 0;
                }));
            }
            for (Future<?> part : parts) {
                part.get();
            }
        } catch (InterruptedException | ExecutionException e) {
            throw new SQLException(e);
        } finally {
            threads.shutdownNow();
        }
    }

    /** Before the first key, then the last key of each part. */
    private static List<@Nullable String> ends(BenchTable table, int parts) throws SQLException {
        List<@Nullable String> ends = new ArrayList<>();
        ends.add(table.key() == BenchTable.Key.BIGINT ? "0" : "00000000-0000-0000-0000-000000000000");
        for (int i = 1; i <= parts; i++) {
            ends.add(table.database()
                    .queryStrings("SELECT id::text FROM orders ORDER BY orders.id OFFSET "
                            + (table.rows() * i / parts - 1) + " LIMIT 1")
                    .get(0));
        }
        return ends;
    }

    private static void jdbcLoop(BenchTable table, @Nullable String from, @Nullable String to) throws SQLException {
        String type = table.key().type();
        String find =
                "SELECT id::text FROM orders WHERE id > ?::%1$s AND id <= ?::%1$s ORDER BY orders.id".formatted(type)
                        + " OFFSET 999 LIMIT 1";
        String update = UPDATE + "id > ?::%1$s AND id <= ?::%1$s AND ".formatted(type) + BenchTable.TODO;
        try (Connection connection = table.connect();
                PreparedStatement next = connection.prepareStatement(find);
                PreparedStatement change = connection.prepareStatement(update)) {
            String last = from;
            while (last != null && !last.equals(to)) {
                next.setString(1, last);
                next.setString(2, to);
                String end = to;
                try (ResultSet row = next.executeQuery()) {
                    if (row.next()) {
                        end = row.getString(1);
                    }
                }
                change.setString(1, last);
                change.setString(2, end);
                change.executeUpdate();
                last = end;
            }
        }
    }

    /** In the manner of pgroll: a mark column, a trigger that does the change, and batches that lock what is marked. */
    static void prepareMarked(BenchTable table) throws SQLException {
        try (Connection connection = table.connect();
                Statement statement = connection.createStatement()) {
            statement.execute("ALTER TABLE orders ADD COLUMN needs_backfill boolean DEFAULT true");
            statement.execute("""
                    CREATE OR REPLACE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$
                    BEGIN
                        NEW.total_cents := (NEW.total * 100)::bigint;
                        NEW.needs_backfill := false;
                        RETURN NEW;
                    END $$
                    """);
            statement.execute("CREATE TRIGGER fill BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION fill()");
        }
    }

    /** The batches of {@link #prepareMarked}, of 1,000 rows each. */
    static void marked(BenchTable table) throws SQLException {
        String sql = """
                WITH batch AS (
                    SELECT id FROM orders WHERE needs_backfill AND id > ?
                    ORDER BY id LIMIT 1000 FOR NO KEY UPDATE
                ), changed AS (
                    UPDATE orders SET id = orders.id FROM batch WHERE orders.id = batch.id RETURNING orders.id
                )
                SELECT max(id) FROM changed
                """;
        try (Connection connection = table.connect();
                PreparedStatement batch = connection.prepareStatement(sql)) {
            long last = 0;
            while (true) {
                batch.setLong(1, last);
                try (ResultSet row = batch.executeQuery()) {
                    row.next();
                    last = row.getLong(1);
                    if (row.wasNull()) {
                        return;
                    }
                }
            }
        }
    }
}
