package dev.backfill.orchestrator.dryrun;

import dev.backfill.orchestrator.batch.Statements;
import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.sql.SqlFragment;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/**
 * How the server would find the rows of a batch.
 *
 * @param lines the plan as {@code EXPLAIN} writes it
 * @param indexes the indexes of the table, and of what is below it, by which the batch's rows are found; quoted
 * @param readsWhole whether the table, or one below it, is read whole
 * @param indexesWhenLarge the indexes that would be used if reading a table whole were out of the question
 */
public record StatementPlan(
        List<String> lines, List<String> indexes, boolean readsWhole, List<String> indexesWhenLarge) {

    /** The plan as JSON goes back to the server, which has a reader for it. */
    private static final String INDEXES = """
            SELECT DISTINCT quote_ident(node ->> 'Index Name')
            FROM jsonb_path_query(?::jsonb, 'strict $.**') AS node
            JOIN pg_catalog.pg_class c ON c.relname = node ->> 'Index Name'
            JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
            WHERE jsonb_typeof(node) = 'object' AND node ? 'Index Cond'
              AND i.indrelid IN (SELECT oid FROM tree)
            ORDER BY 1
            """;

    private static final String WHOLE = """
            SELECT DISTINCT quote_ident(node ->> 'Relation Name')
            FROM jsonb_path_query(?::jsonb, 'strict $.**') AS node
            JOIN pg_catalog.pg_class c ON c.relname = node ->> 'Relation Name'
            WHERE jsonb_typeof(node) = 'object' AND node ->> 'Node Type' = 'Seq Scan' AND c.oid IN (SELECT oid FROM tree)
            """;

    private static final String TREE = """
            WITH RECURSIVE tree(oid) AS (
                SELECT ?::oid UNION SELECT i.inhrelid FROM tree JOIN pg_catalog.pg_inherits i ON i.inhparent = tree.oid)
            """;

    /** Copies the lists. */
    public StatementPlan {
        lines = List.copyOf(lines);
        indexes = List.copyOf(indexes);
        indexesWhenLarge = List.copyOf(indexesWhenLarge);
    }

    /**
     * Whether the rows of a batch are found by an index, or would be if the table were not as small as it is.
     *
     * @return false when each batch would read the table from end to end
     */
    public boolean isByIndex() {
        return readsWhole ? !indexesWhenLarge.isEmpty() : !indexes.isEmpty();
    }

    /** Asks the server, inside of a transaction, which keeps a setting until its end. */
    static StatementPlan of(Connection connection, JobStatement job, SqlFragment batch) throws SQLException {
        long table = job.table().identity().oid();
        String json = String.join("\n", explain(connection, "(FORMAT JSON) ", batch));
        List<String> indexes = names(connection, TREE + INDEXES, table, json);
        boolean whole = !names(connection, TREE + WHOLE, table, json).isEmpty();
        List<String> lines = explain(connection, "", batch);
        List<String> large = indexes;
        if (whole) {
            try (Statement setting = connection.createStatement()) {
                setting.execute("SET LOCAL enable_seqscan = off");
                String forced = String.join("\n", explain(connection, "(FORMAT JSON) ", batch));
                large = names(connection, TREE + WHOLE, table, forced).isEmpty()
                        ? names(connection, TREE + INDEXES, table, forced)
                        : List.of();
                setting.execute("SET LOCAL enable_seqscan = on");
            }
        }
        return new StatementPlan(lines, indexes, whole, large);
    }

    private static List<String> explain(Connection connection, String options, SqlFragment batch) throws SQLException {
        SqlFragment sql =
                SqlFragment.builder().code("EXPLAIN " + options).add(batch).build();
        try (PreparedStatement query = Statements.prepare(connection, sql);
                ResultSet row = query.executeQuery()) {
            return texts(row);
        }
    }

    private static List<String> names(Connection connection, String sql, long table, String json) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement(sql.replace("node ? 'Index", "node ?? 'Index"))) {
            query.setLong(1, table);
            query.setString(2, json);
            try (ResultSet row = query.executeQuery()) {
                return texts(row);
            }
        }
    }

    private static List<String> texts(ResultSet row) throws SQLException {
        List<String> texts = new ArrayList<>();
        while (row.next()) {
            texts.add(row.getString(1));
        }
        return texts;
    }
}
