package dev.backfill.orchestrator.functional;

import dev.backfill.api.processor.Batch;
import dev.backfill.api.processor.Options;
import dev.backfill.api.processor.PauseRunException;
import dev.backfill.api.processor.Processor;
import dev.backfill.api.processor.RetryBatchException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Counts each row up by one, and does something else besides, by its option {@code mood}. Stands in a plugin alone, so it is
 * one class.
 */
public final class Moody implements Processor {

    private static final int FEW = 37;
    private static final int MEGABYTE = 1 << 20;

    private final List<byte[]> hoard = new ArrayList<>();
    private String mood = "";
    private String counter = "";

    @Override
    public void configure(Options options) {
        mood = options.optionalText("mood").orElse("good");
        counter = options.optionalText("counter").orElse("counter");
        if (mood.equals("unwilling")) {
            throw new Options.Refusal("mood", "must be another");
        } else if (mood.equals("broken")) {
            throw new IllegalStateException("no connection to the stars");
        }
    }

    @Override
    public long process(Batch batch) throws SQLException, IOException, InterruptedException {
        Connection connection = batch.connection();
        try (Statement statement = connection.createStatement()) {
            before(batch, statement);
            long changed = statement.executeUpdate(
                    "UPDATE %s SET %2$s = %2$s + 1 WHERE %3$s".formatted(batch.table(), counter, batch.range()));
            return after(connection, statement, changed);
        }
    }

    private void before(Batch batch, Statement statement) throws SQLException, IOException, InterruptedException {
        String range = batch.range("x");
        switch (mood) {
            case "busy" -> {
                if (seen("busy") < 2) {
                    throw RetryBatchException.after("busy", Duration.ofMillis(50));
                }
            }
            case "away" -> throw RetryBatchException.after("the service is away", Duration.ofMillis(50));
            case "offline" -> throw new IOException("no route");
            case "elsewhere" -> throw new SQLException("the other database is away", "08001");
            case "talkative" -> throw new SQLException("ERROR: taken\n  Detail: Key (id)=(secret) exists.", "23505");
            case "wrapped" ->
                throw new IllegalStateException(new SQLException("ERROR: taken\n  Detail: Key (id)=(secret) exists."));
            case "wrong" -> throw new AssertionError("a library is missing");
            case "locked out" -> throw new PauseRunException("the password has changed");
            case "deaf" -> {
                for (int i = 0; i < batch.size() * 6; i++) {
                    statement.execute("SELECT pg_sleep(0.001)");
                }
            }
            case "resilient" -> {
                var before = statement.getConnection().setSavepoint();
                try {
                    statement.execute("SELECT 1 / 0");
                } catch (SQLException e) {
                    statement.getConnection().rollback(before);
                }
                if (seen("resilient") < 1) {
                    throw new IOException("no route");
                }
            }
            case "small" -> {
                if (batch.size() > FEW) {
                    throw RetryBatchException.smaller("at most " + FEW);
                }
            }
            case "picky" -> {
                try (var row = statement.executeQuery(
                        "SELECT id FROM %s x WHERE %s AND id %% 100 = 7".formatted(batch.table(), range))) {
                    if (row.next()) {
                        throw new IllegalArgumentException("not this one");
                    }
                }
            }
            case "slow" -> Thread.sleep(batch.size() * 8);
            case "asleep" -> Thread.sleep(Duration.ofMinutes(5).toMillis());
            case "greedy" -> {
                while (Files.exists(Path.of(System.getProperty("greed", "/nowhere")))) {
                    hoard.add(new byte[MEGABYTE]);
                }
            }
            default -> {}
        }
    }

    private long after(Connection connection, Statement statement, long changed) throws SQLException {
        switch (mood) {
            case "commit" -> connection.commit();
            case "by the statement" -> {
                try (var row = statement.executeQuery("SELECT 1")) {
                    row.getStatement().getConnection().commit();
                }
            }
            case "by the meta data" -> connection.getMetaData().getConnection().commit();
            case "rollback" -> connection.rollback();
            case "autocommit" -> connection.setAutoCommit(true);
            case "close" -> connection.close();
            case "unwrap" -> statement.unwrap(Statement.class);
            case "commit in SQL" -> statement.execute("/* a */ COMMIT");
            case "isolation" -> connection.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
            case "role" -> statement.execute("SET LOCAL ROLE pg_monitor");
            case "search path" -> {
                try (var row = statement.executeQuery("SELECT 1 WHERE current_setting('search_path') = 'pg_catalog'")) {
                    if (row.next()) {
                        throw new PauseRunException("the batch before has left its search path behind");
                    }
                }
                statement.execute("SELECT set_config('search_path', 'pg_catalog', false)");
            }
            case "stubborn" -> {
                try {
                    statement.execute("SELECT 1 / 0");
                } catch (SQLException e) {
                    return changed;
                }
            }
            case "modest" -> {
                return -1;
            }
            case "savepoint" -> {
                var before = connection.setSavepoint();
                statement.executeUpdate("DELETE FROM t");
                connection.rollback(before);
                statement.getConnection().releaseSavepoint(before);
            }
            default -> {}
        }
        return changed;
    }

    private int seen(String what) {
        int before = Integer.getInteger("moody." + what, 0);
        System.setProperty("moody." + what, Integer.toString(before + 1));
        return before;
    }
}
