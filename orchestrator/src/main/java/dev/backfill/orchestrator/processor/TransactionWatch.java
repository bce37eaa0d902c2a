package dev.backfill.orchestrator.processor;

import dev.backfill.orchestrator.db.ErrorClass;
import dev.backfill.orchestrator.db.SqlStates.ProcessorException;
import dev.backfill.orchestrator.sql.Key;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Objects;

/**
 * Sees whether a batch is still in the transaction that it began in, and lets the transaction wait between two statements for
 * as long as a processor may compute.
 */
final class TransactionWatch {

    private static final String BEFORE = """
            SELECT pg_catalog.current_setting('idle_in_transaction_session_timeout'),
                   pg_catalog.set_config('idle_in_transaction_session_timeout', ?, true),
                   pg_catalog.pg_current_xact_id()::text, current_user::text, ?::timestamptz
            """;
    private static final String AFTER = """
            SELECT pg_catalog.pg_current_xact_id()::text, current_user::text,
                   pg_catalog.set_config('idle_in_transaction_session_timeout', ?, true)
            """;

    private TransactionWatch() {}

    /**
     * What a batch began with.
     *
     * @param started when the run started
     */
    record Begun(String transaction, String user, String patience, Instant started) {}

    /** Looks before a batch, inside of its transaction. */
    static Begun begin(Connection connection, Duration longest, String started) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(BEFORE)) {
            statement.setString(1, longest.toMillis() + "ms");
            statement.setString(2, started);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                Instant instant = row.getObject(5, OffsetDateTime.class).toInstant();
                return new Begun(row.getString(3), row.getString(4), row.getString(1), instant);
            }
        }
    }

    /** Looks after a batch. */
    static void end(Connection connection, Begun begun, Key last) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(AFTER)) {
            statement.setString(1, begun.patience());
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                if (!Objects.equals(row.getString(1), begun.transaction())) {
                    throw new ProcessorException(
                            ErrorClass.PAUSE,
                            "the processor has ended the transaction of the batch that ends at key " + last
                                    + ": what it had changed there is committed without the checkpoint, and will be"
                                    + " changed again when the run goes on; look at these rows first");
                }
                if (!Objects.equals(row.getString(2), begun.user())) {
                    throw new ProcessorException(
                            ErrorClass.PAUSE, "the processor has left the transaction to the role " + row.getString(2));
                }
            }
        }
    }
}
