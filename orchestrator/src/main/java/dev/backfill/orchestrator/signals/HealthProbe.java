package dev.backfill.orchestrator.signals;

import dev.backfill.orchestrator.db.SqlStates;
import dev.backfill.orchestrator.gauges.Sample;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Asks a server for its health, on one connection. One thread. */
final class HealthProbe {

    private final Connection connection;
    private final Trend trend;

    /** Over a connection in autocommit mode. */
    HealthProbe(Connection connection, Trend trend) {
        this.connection = connection;
        this.trend = trend;
    }

    /** Reads a signal; that of a standby is an error, for it is not where the work is. */
    List<Sample> ask(HealthSignal signal, WatchedTables tables, long now) throws SQLException {
        requirePrimary();
        List<Sample> samples = new ArrayList<>();
        Optional<String> query =
                HealthQueries.ofDatabase(signal, connection.getMetaData().getDatabaseMajorVersion());
        if (query.isPresent()) {
            try (PreparedStatement statement = connection.prepareStatement(query.get())) {
                read(statement, Map.of(), samples);
            }
        }
        Map<Long, String> names = tables.all();
        if (!names.isEmpty()) {
            for (String ofTables : HealthQueries.ofTables(signal)) {
                Array oids = connection.createArrayOf("oid", names.keySet().toArray());
                try (PreparedStatement statement = connection.prepareStatement(ofTables)) {
                    statement.setArray(1, oids);
                    read(statement, names, samples);
                } finally {
                    oids.free();
                }
            }
        }
        return trend.of(signal, samples, now);
    }

    private static void read(PreparedStatement statement, Map<Long, String> names, List<Sample> samples)
            throws SQLException {
        try (ResultSet row = statement.executeQuery()) {
            while (row.next()) {
                String source = row.getString(1);
                samples.add(new Sample(
                        names.isEmpty() ? source : names.getOrDefault(Long.parseLong(source), source),
                        row.getDouble(2),
                        String.valueOf(row.getString(3)),
                        Optional.ofNullable(row.getString(4)),
                        !names.isEmpty()));
            }
        }
    }

    /**
     * What the role that looks may not read.
     *
     * @param signal of which one
     * @return what the server says; empty when it may, whatever else is wrong
     */
    Optional<String> denied(HealthSignal signal) {
        try {
            ask(signal, new WatchedTables(), 0);
        } catch (SQLException e) {
            return SqlStates.isDenied(e) ? Optional.of(SqlStates.message(e)) : Optional.empty();
        }
        return Optional.empty();
    }

    private void requirePrimary() throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("SELECT pg_catalog.pg_is_in_recovery()");
                ResultSet row = statement.executeQuery()) {
            if (row.next() && row.getBoolean(1)) {
                throw new SQLException("the server is in recovery: it is a standby now", "25006");
            }
        }
    }
}
