package dev.backfill.orchestrator.run;

import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.db.ErrorClass;
import dev.backfill.orchestrator.db.OwnTables;
import dev.backfill.orchestrator.db.SqlStates;
import dev.backfill.orchestrator.db.Stored;
import dev.backfill.orchestrator.sql.Key;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/**
 * The keys that runs have passed over because their data cannot be processed, and the errors that runs have paused for.
 * Safe for use by several threads.
 */
public final class Quarantine {

    /**
     * Why a key cannot be processed.
     *
     * @param error the class of the error
     * @param sqlState the server's code, five characters
     * @param message the server's message
     * @param detail what the server said of the rows themselves: for people, never for a log
     * @param attempts how many batches with the key failed in a row
     */
    public record Failure(ErrorClass error, String sqlState, String message, Optional<String> detail, int attempts) {

        /**
         * What an error says.
         *
         * @param error what was thrown
         * @param next its class
         * @param attempts how many batches failed in a row
         * @return all of it
         */
        public static Failure of(Throwable error, ErrorClass next, int attempts) {
            return new Failure(
                    next,
                    SqlStates.state(error).orElse(""),
                    SqlStates.message(error),
                    SqlStates.detail(error),
                    attempts);
        }
    }

    /**
     * A key in quarantine.
     *
     * @param key the key
     * @param failure why
     * @param at since when
     */
    public record Entry(Key key, Failure failure, Instant at) {}

    /**
     * What a run has paused itself for.
     *
     * @param key the key that fails alone; empty when the error is of a whole batch, or of none
     * @param failure why
     * @param at since when
     */
    public record Obstacle(Optional<Key> key, Failure failure, Instant at) {}

    private static final String SPEND = """
            UPDATE backfill.run SET quarantine_spent = quarantine_spent + 1 WHERE id = ? AND quarantine_spent < ?
            """;

    private static final String ADD = """
            INSERT INTO backfill.quarantine (run, key, after, error_class, sqlstate, message, detail, attempts)
            VALUES (?, to_jsonb(CAST(? AS text[])), to_jsonb(CAST(? AS text[])), ?, ?, ?, ?, ?)
            """;

    private static final String MEET = """
            INSERT INTO backfill.failure (run, key, error_class, sqlstate, message, detail, attempts)
            VALUES (:run, to_jsonb(CAST(:key AS text[])), :class, :state, :message, :detail, :attempts)
            ON CONFLICT (run) DO UPDATE SET key = excluded.key, error_class = excluded.error_class,
                sqlstate = excluded.sqlstate, message = excluded.message, detail = excluded.detail,
                attempts = excluded.attempts, at = excluded.at
            """;

    private static final String AGAIN = """
            WITH released AS (DELETE FROM backfill.quarantine WHERE run = :run RETURNING key, after, at),
                 given AS (UPDATE backfill.run SET quarantine_spent = 0 WHERE id = :run RETURNING pass)
            INSERT INTO backfill.slice (run, number, pass, "from", "to")
            SELECT :run, (SELECT coalesce(max(number), 0) FROM backfill.slice WHERE run = :run)
                       + row_number() OVER (ORDER BY at, key), given.pass, after, key
            FROM released, given
            """;

    private final Database database;

    Quarantine(Database database) {
        this.database = database;
    }

    /**
     * Sets a key aside, inside the transaction that moves the checkpoint over it. To be called before that: the run's row
     * is locked before the slice's, as everywhere.
     *
     * @param tables where the own tables are
     * @param connection the transaction
     * @param slice the slice as it was before the key
     * @param key the key
     * @param failure why
     * @param budget how many keys the run may set aside until somebody resumes it
     * @return false when the budget is used up, and nothing was written
     * @throws SQLException when a statement fails
     */
    public static boolean add(
            OwnTables tables, Connection connection, Slice slice, Key key, Failure failure, int budget)
            throws SQLException {
        try (PreparedStatement spend = connection.prepareStatement(tables.sql(SPEND))) {
            spend.setString(1, slice.id().run());
            spend.setInt(2, budget);
            if (spend.executeUpdate() == 0) {
                return false;
            }
        }
        try (PreparedStatement add = connection.prepareStatement(tables.sql(ADD))) {
            add.setString(1, slice.id().run());
            add.setString(2, Stored.literal(key));
            add.setString(3, Stored.literal(slice.position().orElse(null)));
            add.setString(4, failure.error().name());
            add.setString(5, failure.sqlState());
            add.setString(6, failure.message());
            add.setString(7, failure.detail().orElse(null));
            add.setInt(8, failure.attempts());
            add.executeUpdate();
        }
        return true;
    }

    /**
     * How many keys of a run are in quarantine.
     *
     * @param run the run's id
     * @return keys
     */
    public long count(String run) {
        String sql = "SELECT count(*) FROM backfill.quarantine WHERE run = :run";
        return database.jdbi()
                .withHandle(handle -> handle.createQuery(database.tables().sql(sql))
                        .bind("run", run)
                        .mapTo(Long.class)
                        .one());
    }

    /**
     * The keys of a run in quarantine, those that were set aside first first.
     *
     * @param run the run's id
     * @param skipped how many are passed over
     * @param limit how many at most
     * @return keys with their errors
     */
    public List<Entry> list(String run, long skipped, int limit) {
        String sql = """
                SELECT %s AS key, error_class, sqlstate, message, detail, attempts, at
                FROM backfill.quarantine q WHERE run = :run ORDER BY at, q.key OFFSET :skipped LIMIT :limit
                """.formatted(Stored.select("key"));
        return database.jdbi()
                .withHandle(handle -> handle.createQuery(database.tables().sql(sql))
                        .bind("run", run)
                        .bind("skipped", skipped)
                        .bind("limit", limit)
                        .map((row, context) -> entry(row))
                        .list());
    }

    /**
     * What a run has paused itself for.
     *
     * @param run the run's id
     * @return all that is known of it; empty when it has not, or was resumed
     */
    public Optional<Obstacle> obstacle(String run) {
        String sql = "SELECT %s AS key, error_class, sqlstate, message, detail, attempts, at FROM backfill.failure f"
                + " WHERE run = :run";
        return database.jdbi()
                .withHandle(handle -> handle.createQuery(database.tables().sql(sql.formatted(Stored.select("f.key"))))
                        .bind("run", run)
                        .map((row, context) -> new Obstacle(
                                Stored.read(row, "key"),
                                failure(row),
                                row.getTimestamp("at").toInstant()))
                        .findOne());
    }

    /** Keeps what a run pauses itself for. */
    void meet(Handle handle, String run, Optional<Key> key, Failure failure) {
        handle.createUpdate(database.tables().sql(MEET))
                .bind("run", run)
                .bind("key", Stored.literal(key.orElse(null)))
                .bind("class", failure.error().name())
                .bind("state", failure.sqlState())
                .bind("message", failure.message())
                .bind("detail", failure.detail().orElse(null))
                .bind("attempts", failure.attempts())
                .execute();
    }

    /** Forgets what a run had paused itself for. */
    void pass(Handle handle, String run) {
        handle.createUpdate(database.tables().sql("DELETE FROM backfill.failure WHERE run = :run"))
                .bind("run", run)
                .execute();
    }

    /** Makes slices of the keys in quarantine, to be tried again with a fresh budget. */
    void tryAgain(Handle handle, String run) {
        handle.createUpdate(database.tables().sql(AGAIN)).bind("run", run).execute();
    }

    /** Forgets the keys of a run: a further pass goes over all of them. */
    void clear(Handle handle, String run) {
        handle.createUpdate(database.tables().sql("DELETE FROM backfill.quarantine WHERE run = :run"))
                .bind("run", run)
                .execute();
    }

    private static Entry entry(ResultSet row) throws SQLException {
        return new Entry(
                Stored.read(row, "key").orElseThrow(),
                failure(row),
                row.getTimestamp("at").toInstant());
    }

    private static Failure failure(ResultSet row) throws SQLException {
        return new Failure(
                ErrorClass.valueOf(row.getString("error_class")),
                row.getString("sqlstate"),
                row.getString("message"),
                Optional.ofNullable(row.getString("detail")),
                row.getInt("attempts"));
    }
}
