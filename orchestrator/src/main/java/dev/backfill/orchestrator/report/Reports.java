package dev.backfill.orchestrator.report;

import dev.backfill.orchestrator.control.RunView;
import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.report.Report.Batches;
import dev.backfill.orchestrator.report.Report.Tally;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jdbi.v3.core.statement.StatementContext;

/** Makes the reports of runs. Reads only. Safe for use by several threads. */
public final class Reports {

    private static final String RUN = """
            SELECT extract(epoch FROM coalesce(r.finished, clock_timestamp()) - r.started) AS lasted,
                   (SELECT coalesce(sum(batches), 0) FROM backfill.slice WHERE run = r.id) AS batches
            FROM backfill.run r WHERE r.id = :run
            """;

    /** The limits are those of the table, where it has its own. */
    private static final String TABLES = """
            WITH RECURSIVE tables (oid) AS (
                SELECT CAST(pg_catalog.to_regclass(:table) AS oid)
                UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN tables t ON i.inhparent = t.oid
            ), limits AS (
                SELECT c.oid, c.reltuples,
                       coalesce((SELECT option_value FROM pg_catalog.pg_options_to_table(c.reloptions)
                           WHERE option_name = 'autovacuum_enabled'), 'true')::boolean
                           AND pg_catalog.current_setting('autovacuum')::boolean AS enabled,
                       coalesce((SELECT option_value FROM pg_catalog.pg_options_to_table(c.reloptions)
                           WHERE option_name = 'autovacuum_vacuum_threshold'),
                           pg_catalog.current_setting('autovacuum_vacuum_threshold'))::float8 AS threshold,
                       coalesce((SELECT option_value FROM pg_catalog.pg_options_to_table(c.reloptions)
                           WHERE option_name = 'autovacuum_vacuum_scale_factor'),
                           pg_catalog.current_setting('autovacuum_vacuum_scale_factor'))::float8 AS factor,
                       nullif(coalesce((SELECT option_value FROM pg_catalog.pg_options_to_table(c.reloptions)
                           WHERE option_name = 'autovacuum_vacuum_max_threshold'),
                           pg_catalog.current_setting('autovacuum_vacuum_max_threshold', true))::float8, -1) AS most
                FROM tables t JOIN pg_catalog.pg_class c ON c.oid = t.oid WHERE c.relkind = 'r'
            )
            SELECT CAST(CAST(l.oid AS regclass) AS text) AS "table", s.n_dead_tup AS dead, s.n_live_tup AS live,
                   greatest(s.last_vacuum, s.last_autovacuum) AS vacuumed,
                   CASE WHEN l.enabled THEN CAST(least(l.threshold + l.factor * greatest(l.reltuples, 0), l.most) AS bigint)
                   END AS due
            FROM limits l JOIN pg_catalog.pg_stat_all_tables s ON s.relid = l.oid
            ORDER BY s.n_dead_tup DESC, 1 LIMIT :limit
            """;

    private static final int MOST_TABLES = 20;

    private final Database database;
    private final TallyStore tallies;

    /**
     * Over a database.
     *
     * @param database where the own tables are
     */
    public Reports(Database database) {
        this.database = database;
        this.tallies = new TallyStore(database);
    }

    /**
     * The report of a run.
     *
     * @param run as people see it
     * @param table the job's, quoted as in SQL
     * @return as it is now
     */
    public Report of(RunView run, String table) {
        Map<String, Double> counted = tallies.of(run.id().run());
        return database.jdbi()
                .withHandle(handle -> handle.createQuery(database.tables().sql(RUN))
                        .bind("run", run.id().run())
                        .map((row, context) -> {
                            double seconds = row.getDouble("lasted");
                            Optional<Duration> lasted =
                                    row.wasNull() ? Optional.empty() : Optional.of(duration(seconds));
                            Batches batches = new Batches(
                                    row.getLong("batches"),
                                    whole(counted, Tallies.RETRIED),
                                    whole(counted, Tallies.SPLIT),
                                    whole(counted, Tallies.FENCED));
                            return new Report(run, lasted, batches, tally(counted), tables(table));
                        })
                        .one());
    }

    private List<TableState> tables(String table) {
        return database.jdbi()
                .withHandle(handle -> handle.createQuery(TABLES)
                        .bind("table", table)
                        .bind("limit", MOST_TABLES)
                        .map(Reports::table)
                        .list());
    }

    private static TableState table(ResultSet row, StatementContext context) throws SQLException {
        return new TableState(
                row.getString("table"),
                row.getLong("dead"),
                row.getLong("live"),
                Optional.ofNullable(row.getTimestamp("vacuumed")).map(Timestamp::toInstant),
                Optional.ofNullable(row.getObject("due", Long.class)));
    }

    private static Tally tally(Map<String, Double> counted) {
        Map<String, Duration> held = new TreeMap<>();
        counted.forEach((measure, amount) -> {
            if (measure.startsWith(Tallies.HELD)) {
                held.put(measure.substring(Tallies.HELD.length()), duration(amount));
            }
        });
        return new Tally(
                held,
                Optional.ofNullable(counted.get(Tallies.WAL)).map(Double::longValue),
                Optional.ofNullable(counted.get(Tallies.LAG)).map(Reports::duration),
                whole(counted, Tallies.VICTIMS),
                Optional.ofNullable(counted.get(Tallies.FREED)).map(Reports::duration));
    }

    private static long whole(Map<String, Double> counted, String measure) {
        return Math.round(counted.getOrDefault(measure, 0.0));
    }

    private static Duration duration(double seconds) {
        return Duration.ofNanos(Math.round(seconds * 1e9));
    }
}
