package dev.backfill.orchestrator.db;

import dev.backfill.orchestrator.sql.SqlFragment;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A session that is asked questions inside of a transaction.
 *
 * @param connection a connection with autocommit off
 */
public record Probe(Connection connection) {

    private static final String NAME = "backfill_check";

    /** Something that may fail on the server. */
    public interface Attempt {
        /**
         * Does it.
         *
         * @throws SQLException when it fails
         */
        void run() throws SQLException;
    }

    /**
     * The first column of a query.
     *
     * @param sql the query
     * @param parameters its parameters, texts
     * @return a text for each row
     * @throws SQLException when the query fails
     */
    public List<String> strings(String sql, @Nullable String... parameters) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement(sql)) {
            for (int i = 0; i < parameters.length; i++) {
                query.setString(i + 1, parameters[i]);
            }
            List<String> rows = new ArrayList<>();
            try (ResultSet row = query.executeQuery()) {
                while (row.next()) {
                    rows.add(String.valueOf(row.getString(1)));
                }
            }
            return rows;
        }
    }

    /**
     * The first column of the first row of a query.
     *
     * @param sql the query
     * @param parameters its parameters, texts
     * @return a text
     * @throws SQLException when the query fails
     */
    public String string(String sql, @Nullable String... parameters) throws SQLException {
        return strings(sql, parameters).get(0);
    }

    /**
     * Whether a query says so.
     *
     * @param sql the query, of one boolean
     * @param parameters its parameters, texts
     * @return what it says
     * @throws SQLException when the query fails
     */
    public boolean isTrue(String sql, @Nullable String... parameters) throws SQLException {
        return string(sql, parameters).equals("t");
    }

    /**
     * Tries something and takes it back.
     *
     * @param attempt what is tried
     * @return what the server has against it
     * @throws SQLException for an error that says nothing of what was tried: a lock, a lost connection
     */
    public Optional<SQLException> failure(Attempt attempt) throws SQLException {
        Savepoint before = connection.setSavepoint();
        try {
            attempt.run();
            connection.rollback(before);
            return Optional.empty();
        } catch (SQLException e) {
            return switch (SqlStates.classify(e)) {
                case DATA, AGAIN, TOO_LARGE, PAUSE -> {
                    connection.rollback(before);
                    yield Optional.of(e);
                }
                case LOCK, TIMEOUT, SESSION_LOST, DATABASE_DOWN, DENIED, RESOURCES, DISK_FULL -> {
                    afterwards(e, () -> connection.rollback(before));
                    throw e;
                }
            };
        }
    }

    /**
     * Does something after an error, which stays the one that is told.
     *
     * @param error what has failed
     * @param attempt what is done; when it fails too, that is added to the error
     */
    public static void afterwards(SQLException error, Attempt attempt) {
        try {
            attempt.run();
        } catch (SQLException e) {
            error.addSuppressed(e);
        }
    }

    /**
     * What the server has against a statement: its kind and types, and with a plan also the rights.
     *
     * @param sql the statement
     * @param plan whether it is planned too
     * @return the server's error
     * @throws SQLException for an error that says nothing of the statement
     */
    public Optional<SQLException> refusal(SqlFragment sql, boolean plan) throws SQLException {
        List<String> prepared = new ArrayList<>();
        try {
            Optional<SQLException> failure = failure(() -> {
                execute("PREPARE " + NAME + " AS " + sql.numbered());
                prepared.add(NAME);
                if (plan) {
                    execute("SET LOCAL plan_cache_mode = force_generic_plan");
                    execute("EXPLAIN EXECUTE " + NAME + nulls(sql.binds().size()));
                }
            });
            forget(prepared);
            return failure;
        } catch (SQLException e) {
            afterwards(e, () -> forget(prepared)); // the session may be a pooler's, and others' after this transaction
            throw e;
        }
    }

    private void forget(List<String> prepared) throws SQLException {
        for (String name : prepared) {
            execute("DEALLOCATE " + name);
        }
    }

    private static String nulls(int count) {
        return count == 0 ? "" : "(" + String.join(", ", Collections.nCopies(count, "NULL")) + ")";
    }

    private void execute(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.setEscapeProcessing(false);
            statement.execute(sql);
        }
    }
}
