package dev.backfill.orchestrator.bench;

import dev.backfill.orchestrator.bench.Foreground.Script;
import dev.backfill.orchestrator.testing.TestDatabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * What {@code pgbench} would do, over JDBC.
 *
 * @param database where
 * @param script a transaction
 * @param clients how many sessions
 */
record JdbcForeground(TestDatabase database, Script script, int clients) {

    /** As {@link Foreground#run}. */
    List<Double> run(int seconds, double rate) throws SQLException, InterruptedException {
        List<Double> latencies = Collections.synchronizedList(new ArrayList<>());
        ExecutorService threads = Executors.newFixedThreadPool(clients);
        try {
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < clients; i++) {
                Random random = new Random(i);
                all.add(threads.submit(() -> {
                    client(random, System.nanoTime() + (long) (seconds * 1e9), rate / clients, latencies);
                    return 0;
                }));
            }
            for (Future<?> each : all) {
                each.get();
            }
            return latencies;
        } catch (ExecutionException e) {
            throw new SQLException(e);
        } finally {
            threads.shutdownNow();
        }
    }

    private void client(Random random, long end, double rate, List<Double> latencies)
            throws SQLException, InterruptedException {
        try (Connection connection = database.connect()) {
            List<PreparedStatement> statements = new ArrayList<>();
            for (String sql : script.statements()) {
                statements.add(connection.prepareStatement(sql.replace(":id", "CAST(? AS bigint)")));
            }
            long due = System.nanoTime();
            while (due < end) {
                long left = due - System.nanoTime();
                if (left > 0) {
                    Thread.sleep(left / 1_000_000, (int) (left % 1_000_000));
                }
                transaction(statements, 1 + (long) (random.nextDouble() * script.ids()));
                latencies.add((System.nanoTime() - due) / 1e6);
                due = rate > 0 ? due + (long) (-Math.log(1 - random.nextDouble()) / rate * 1e9) : System.nanoTime();
            }
        }
    }

    private static void transaction(List<PreparedStatement> statements, long id) throws SQLException {
        for (PreparedStatement statement : statements) {
            for (int i = 1; i <= statement.getParameterMetaData().getParameterCount(); i++) {
                statement.setLong(i, id);
            }
            statement.execute();
        }
    }
}
