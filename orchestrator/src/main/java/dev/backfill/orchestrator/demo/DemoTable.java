package dev.backfill.orchestrator.demo;

import dev.backfill.orchestrator.timing.Stop;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/** The table of the demo's job, and that job. */
public final class DemoTable {

    /** How the file of the job is called, here and in {@code examples}. */
    public static final String JOB_FILE = "orders-total-cents.yaml";

    private static final long CHUNK = 100_000;
    private static final String TABLE = """
            CREATE TABLE orders (
                id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                total numeric(12, 2),
                total_cents bigint
            )
            """;
    private static final String ROWS = """
            INSERT INTO orders (total)
            SELECT CASE WHEN n % 50 <> 0 THEN (n % 997) + 0.25 END FROM generate_series(?, ?) AS n
            """;
    private static final String VACUUM = """
            VACUUM (ANALYZE) orders
            """;
    private static final String COUNT = """
            SELECT count(*), count(total_cents), count(*) FILTER (WHERE total_cents IS DISTINCT FROM (total * 100)::bigint)
            FROM orders
            """;

    private DemoTable() {}

    /**
     * What is in the table.
     *
     * @param rows all rows
     * @param filled rows whose new column has a value
     * @param wrong rows whose new column is not what it should be; those whose old column is NULL should have none
     */
    public record Count(long rows, long filled, long wrong) {}

    /**
     * The job.
     *
     * @return a job file
     * @throws IOException when it is not part of this build
     */
    public static byte[] job() throws IOException {
        try (InputStream in = DemoTable.class.getResourceAsStream(JOB_FILE)) {
            if (in == null) {
                throw new IOException(JOB_FILE + " is not part of this build");
            }
            return in.readAllBytes();
        }
    }

    /**
     * Creates the table.
     *
     * @param servers where
     * @param rows how many
     * @param stop ends this early
     * @throws InterruptedIOException when asked to stop
     * @throws SQLException when the server refuses
     */
    public static void create(DemoServers servers, long rows, Stop stop) throws InterruptedIOException, SQLException {
        try (Connection connection = servers.connect();
                Statement statement = connection.createStatement()) {
            statement.execute(TABLE);
            try (PreparedStatement insert = connection.prepareStatement(ROWS)) {
                for (long from = 1; from <= rows; from += CHUNK) {
                    Programs.goOnUnless(stop);
                    insert.setLong(1, from);
                    insert.setLong(2, Math.min(rows, from + CHUNK - 1));
                    insert.executeUpdate();
                }
            }
            Programs.goOnUnless(stop);
            statement.execute(VACUUM);
        }
    }

    /**
     * Looks at every row.
     *
     * @param servers where
     * @return what is there
     * @throws SQLException when the server refuses
     */
    public static Count count(DemoServers servers) throws SQLException {
        try (Connection connection = servers.connect();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(COUNT)) {
            row.next();
            return new Count(row.getLong(1), row.getLong(2), row.getLong(3));
        }
    }
}
