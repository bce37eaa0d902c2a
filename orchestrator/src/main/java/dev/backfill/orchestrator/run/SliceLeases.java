package dev.backfill.orchestrator.run;

import dev.backfill.orchestrator.db.OwnTables;
import dev.backfill.orchestrator.db.Stored;
import dev.backfill.orchestrator.run.Slice.Bounds;
import dev.backfill.orchestrator.run.Slice.Lease;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Optional;

/**
 * Who may work a slice: claiming, claiming anew, giving back. Each method is one transaction on a worker's own
 * connection, which is in autocommit mode before and after.
 *
 * @param tables where the own tables are
 * @param owner this process
 * @param lease for how long a slice is kept without a sign of life
 */
public record SliceLeases(OwnTables tables, String owner, Duration lease) {

    private static final String LIVE = Stored.live("lease_until", "backend_pid", "s.backend_start");

    /** Who has a slice, and how often it was taken, must survive a crash of the server, or the crash is met for ever. */
    private static final String FLUSHED = """
            SELECT set_config('synchronous_commit', 'local', true) WHERE current_setting('synchronous_commit') = 'off'
            """;

    private static final String FREE = """
            SELECT EXISTS (SELECT FROM backfill.slice s
            WHERE run = ? AND state <> 'DONE' AND (%s) IS NOT TRUE)
            """.formatted(LIVE);

    private static final String LOCK_RUN = """
            SELECT FROM backfill.run WHERE id = ? AND state = 'RUNNING' FOR NO KEY UPDATE
            """;

    private static final String COLUMNS = """
            number, fence, attempts, pass, %s AS "from", %s AS "to", %s AS checkpoint
            """.formatted(
                    Stored.select("slice.\"from\""), Stored.select("slice.\"to\""), Stored.select("slice.checkpoint"));

    private static final String CLAIM = """
            UPDATE backfill.slice SET
                state = 'RUNNING', owner = ?, fence = fence + 1,
                attempts = attempts + CASE state WHEN 'RUNNING' THEN 1 ELSE 0 END,
                lease_until = clock_timestamp() + CAST(? AS interval),
                backend_pid = CASE WHEN ? THEN pg_backend_pid() END,
                backend_start = (SELECT a.backend_start FROM pg_catalog.pg_stat_activity a
                                 WHERE a.pid = pg_backend_pid())
            WHERE run = ? AND number = (
                SELECT number FROM backfill.slice s
                WHERE run = ? AND state <> 'DONE' AND (%1$s) IS NOT TRUE
                ORDER BY number LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED)
              AND ? > (SELECT count(*) FROM backfill.slice s WHERE run = ? AND state = 'RUNNING' AND %1$s)
            """.formatted(LIVE) + "RETURNING " + COLUMNS;

    private static final String CLAIM_ANEW = """
            UPDATE backfill.slice SET
                fence = fence + 1,
                attempts = attempts + ?,
                lease_until = clock_timestamp() + CAST(? AS interval),
                backend_pid = CASE WHEN ? THEN pg_backend_pid() END,
                backend_start = (SELECT a.backend_start FROM pg_catalog.pg_stat_activity a
                                 WHERE a.pid = pg_backend_pid())
            WHERE run = ? AND number = ? AND owner = ? AND fence = ? AND state = 'RUNNING'
            """ + "RETURNING " + COLUMNS;

    private static final String READ_AGAIN = "SELECT " + COLUMNS
            + "FROM backfill.slice WHERE run = ? AND number = ? AND owner = ? AND fence = ? AND state = 'RUNNING'";

    private static final String GIVE_BACK = """
            UPDATE backfill.slice SET state = 'READY', owner = NULL, backend_pid = NULL, backend_start = NULL,
                lease_until = clock_timestamp() + CAST(? AS interval)
            WHERE run = ? AND number = ? AND owner = ? AND fence = ? AND state = 'RUNNING'
            """;

    /**
     * Takes a slice that nobody works, if the run's parallelism allows one more worker.
     *
     * @param connection a worker's
     * @param run the run's id
     * @param parallelism workers on the run over all processes
     * @return the slice; empty when there is none to take now
     * @throws SQLException when a statement fails
     */
    public Optional<Slice> claim(Connection connection, String run, int parallelism) throws SQLException {
        if (!anyFree(connection, run)) {
            return Optional.empty();
        }
        connection.setAutoCommit(false);
        try {
            try (Statement settings = connection.createStatement()) {
                settings.execute(FLUSHED);
            }
            Optional<Slice> slice = lockRun(connection, run) ? take(connection, run, parallelism) : Optional.empty();
            connection.commit();
            return slice;
        } catch (SQLException e) {
            rollback(connection, e);
            throw e;
        } finally {
            restore(connection);
        }
    }

    /**
     * Claims a slice anew over a new connection, after the old one was lost. Waits until the old transaction, which may
     * still be under way, has ended; only then is the checkpoint that this returns the true one.
     *
     * @param connection a worker's new connection
     * @param slice as it was known
     * @param isDeath whether its batch may have taken the old session with it
     * @return the slice with a new fence and the checkpoint as it stands; empty when another process has it
     * @throws SQLException when a statement fails
     */
    public Optional<Slice> claimAnew(Connection connection, Slice slice, boolean isDeath) throws SQLException {
        connection.setAutoCommit(false);
        try {
            try (Statement settings = connection.createStatement()) {
                settings.execute("SET LOCAL lock_timeout = 0");
                settings.execute("SET LOCAL statement_timeout = 0");
                settings.execute(FLUSHED);
            }
            Optional<Slice> mine = anew(connection, slice, isDeath);
            connection.commit();
            return mine;
        } catch (SQLException e) {
            rollback(connection, e);
            throw e;
        } finally {
            restore(connection);
        }
    }

    /**
     * Reads a slice again that is still this worker's.
     *
     * @param connection a worker's
     * @param slice as it was known
     * @return the slice as it stands under the same fence; empty when it has gone to another worker
     * @throws SQLException when the query fails
     */
    public Optional<Slice> readAgain(Connection connection, Slice slice) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement(tables.sql(READ_AGAIN))) {
            query.setString(1, slice.id().run());
            query.setInt(2, slice.id().number());
            query.setString(3, slice.lease().owner());
            query.setLong(4, slice.lease().fence());
            return read(query, slice.id().run());
        }
    }

    /**
     * Gives a slice back, so that any worker may take it after a while.
     *
     * @param connection a worker's
     * @param slice the slice
     * @param rest for how long nobody should take it; zero for at once
     * @throws SQLException when the statement fails
     */
    public void giveBack(Connection connection, Slice slice, Duration rest) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(tables.sql(GIVE_BACK))) {
            update.setString(1, Stored.interval(rest));
            update.setString(2, slice.id().run());
            update.setInt(3, slice.id().number());
            update.setString(4, slice.lease().owner());
            update.setLong(5, slice.lease().fence());
            update.executeUpdate();
        }
    }

    private boolean anyFree(Connection connection, String run) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement(tables.sql(FREE))) {
            query.setString(1, run);
            try (ResultSet row = query.executeQuery()) {
                return row.next() && row.getBoolean(1);
            }
        }
    }

    private boolean lockRun(Connection connection, String run) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement(tables.sql(LOCK_RUN))) {
            query.setString(1, run);
            try (ResultSet row = query.executeQuery()) {
                return row.next();
            }
        }
    }

    private Optional<Slice> take(Connection connection, String run, int parallelism) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(tables.sql(CLAIM))) {
            update.setString(1, owner);
            update.setString(2, Stored.interval(lease));
            update.setBoolean(3, !tables.pooled());
            update.setString(4, run);
            update.setString(5, run);
            update.setInt(6, parallelism);
            update.setString(7, run);
            return read(update, run);
        }
    }

    private Optional<Slice> anew(Connection connection, Slice slice, boolean isDeath) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(tables.sql(CLAIM_ANEW))) {
            update.setInt(1, isDeath ? 1 : 0);
            update.setString(2, Stored.interval(lease));
            update.setBoolean(3, !tables.pooled());
            update.setString(4, slice.id().run());
            update.setInt(5, slice.id().number());
            update.setString(6, slice.lease().owner());
            update.setLong(7, slice.lease().fence());
            return read(update, slice.id().run());
        }
    }

    private Optional<Slice> read(PreparedStatement statement, String run) throws SQLException {
        try (ResultSet row = statement.executeQuery()) {
            if (!row.next()) {
                return Optional.empty();
            }
            return Optional.of(new Slice(
                    new Slice.Id(run, row.getInt("number")),
                    new Lease(owner, row.getLong("fence"), row.getInt("attempts")),
                    new Bounds(Stored.read(row, "from"), Stored.read(row, "to").orElseThrow()),
                    Stored.read(row, "checkpoint"),
                    row.getInt("pass")));
        }
    }

    private static void rollback(Connection connection, SQLException cause) {
        try {
            connection.rollback();
        } catch (SQLException e) {
            cause.addSuppressed(e);
        }
    }

    private static void restore(Connection connection) throws SQLException {
        if (!connection.isClosed()) {
            connection.setAutoCommit(true);
        }
    }
}
