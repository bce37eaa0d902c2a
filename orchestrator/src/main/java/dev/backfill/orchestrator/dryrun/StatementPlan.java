package dev.backfill.orchestrator.dryrun;

import dev.backfill.orchestrator.batch.Statements;
import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.sql.SqlFragment;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * How the server would find the rows of a batch.
 *
 * @param lines the plan as {@code EXPLAIN} writes it
 * @param indexes the indexes on the range column by which rows of the table, and of what is below it, are found; quoted
 * @param whole which of these tables are read from end to end
 * @param indexesWhenLarge the indexes that would be used if reading a table whole were out of the question
 * @param deletes whether the statement may delete rows of these tables
 */
public record StatementPlan(
        List<String> lines, List<String> indexes, List<Whole> whole, List<String> indexesWhenLarge, boolean deletes) {

    /** How the rows of a batch are found. */
    public enum Way {
        /** By an index on the range. */
        INDEX,
        /** By reading a small table whole; by an index on the range, once it has grown. */
        SMALL,
        /** By reading a table whole that is not small. */
        WHOLE,
        /** Otherwise: by an index on something else, say, or by reading whole however large the table is. */
        OTHERWISE
    }

    /**
     * A table that is read whole.
     *
     * @param name its name, quoted where it has to be
     * @param bytes how large it is
     * @param small whether it has few pages
     */
    public record Whole(String name, long bytes, boolean small) {}

    /** The plan as JSON goes back to the server, which has a reader for it. */
    private static final String NODES = """
            WITH RECURSIVE tree(oid) AS (
                SELECT ?::oid UNION SELECT i.inhrelid FROM tree JOIN pg_catalog.pg_inherits i ON i.inhparent = tree.oid),
            node AS (
                SELECT n AS node FROM jsonb_path_query(?::jsonb, 'strict $.**') AS n
                WHERE jsonb_typeof(n) = 'object' AND n ?? 'Node Type'),
            relation AS (
                SELECT c.oid, c.relname, n.nspname
                FROM tree JOIN pg_catalog.pg_class c USING (oid) JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace)
            """;

    /** The index of a bitmap stands below the node that names its table. */
    private static final String INDEXES = NODES + """
            , scan AS (
                SELECT node, node AS holder FROM node
                UNION ALL
                SELECT below, node FROM node, jsonb_path_query(node -> 'Plans', 'strict $.**') AS below
                WHERE node ->> 'Node Type' = 'Bitmap Heap Scan' AND jsonb_typeof(below) = 'object')
            SELECT DISTINCT quote_ident(i.relname), quote_ident(a.attname), scan.node ->> 'Index Cond'
            FROM scan
            JOIN relation t ON t.nspname = scan.holder ->> 'Schema' AND t.relname = scan.holder ->> 'Relation Name'
            JOIN pg_catalog.pg_index x ON x.indrelid = t.oid
            JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid AND i.relname = scan.node ->> 'Index Name'
            JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = x.indkey[0]
            WHERE a.attname = ? AND scan.node ?? 'Index Cond'
            ORDER BY 1
            """;

    private static final String WHOLE = NODES + """
            SELECT DISTINCT quote_ident(t.relname), pg_catalog.pg_relation_size(t.oid),
                   pg_catalog.pg_relation_size(t.oid) <= 1000 * current_setting('block_size')::bigint
            FROM node JOIN relation t ON t.nspname = node ->> 'Schema' AND t.relname = node ->> 'Relation Name'
            WHERE node ->> 'Node Type' = 'Seq Scan'
            ORDER BY 1
            """;

    /** What MERGE does with a row is not in its plan. */
    private static final String DELETES = NODES + """
            SELECT EXISTS (
                SELECT FROM node
                CROSS JOIN LATERAL (
                    SELECT node UNION ALL SELECT jsonb_array_elements(node -> 'Target Tables')) AS target(target)
                JOIN relation t ON t.nspname = target ->> 'Schema' AND t.relname = target ->> 'Relation Name'
                WHERE node ->> 'Node Type' = 'ModifyTable' AND node ->> 'Operation' IN ('Delete', 'Merge'))
            """;

    private static final Pattern LITERAL = Pattern.compile("'(?:[^']|'')*'");

    /** Copies the lists. */
    public StatementPlan {
        lines = List.copyOf(lines);
        indexes = List.copyOf(indexes);
        whole = List.copyOf(whole);
        indexesWhenLarge = List.copyOf(indexesWhenLarge);
    }

    /**
     * How the rows of a batch are found.
     *
     * @return the worst of what is seen in the plan
     */
    public Way way() {
        if (whole.stream().anyMatch(table -> !table.small())) {
            return Way.WHOLE;
        } else if (!whole.isEmpty()) {
            return indexesWhenLarge.isEmpty() ? Way.OTHERWISE : Way.SMALL;
        }
        return indexes.isEmpty() ? Way.OTHERWISE : Way.INDEX;
    }

    /** Asks the server, inside of a transaction, which keeps a setting until its end. */
    static StatementPlan of(Connection connection, JobStatement job, SqlFragment batch) throws SQLException {
        Reader reader = new Reader(connection, job, batch);
        String json = reader.json();
        List<String> indexes = reader.indexes(json);
        List<Whole> whole = reader.whole(json);
        List<String> large = indexes;
        List<String> lines = reader.explain("");
        if (!whole.isEmpty()) {
            Statements.execute(connection, "SET LOCAL enable_seqscan = off");
            String forced = reader.json();
            large = reader.whole(forced).isEmpty() ? reader.indexes(forced) : List.of();
            Statements.execute(connection, "SET LOCAL enable_seqscan = on");
        }
        return new StatementPlan(lines, indexes, whole, large, reader.deletes(json));
    }

    /** Whether a condition, as the server writes it, speaks of a column. */
    static boolean names(String condition, String quotedColumn) {
        String word = "[\\p{L}\\p{N}_$\"]";
        return Pattern.compile("(?<!" + word + ")" + Pattern.quote(quotedColumn) + "(?!" + word + ")")
                .matcher(LITERAL.matcher(condition).replaceAll("''"))
                .find();
    }

    private record Reader(Connection connection, JobStatement job, SqlFragment batch) {

        private interface Rows<T> {
            T read(ResultSet row) throws SQLException;
        }

        /** With schemas, for tables of one name are in many of them. */
        String json() throws SQLException {
            return String.join("\n", explain("(VERBOSE, FORMAT JSON) "));
        }

        List<String> explain(String options) throws SQLException {
            SqlFragment sql =
                    SqlFragment.builder().code("EXPLAIN " + options).add(batch).build();
            try (PreparedStatement query = Statements.prepare(connection, sql)) {
                return all(query, row -> row.getString(1));
            }
        }

        List<String> indexes(String json) throws SQLException {
            List<String> indexes = new ArrayList<>();
            try (PreparedStatement query = prepared(INDEXES, json)) {
                query.setString(3, job.key().first().name());
                all(query, row -> names(row.getString(3), row.getString(2)) && indexes.add(row.getString(1)));
            }
            return indexes.stream().distinct().toList();
        }

        List<Whole> whole(String json) throws SQLException {
            try (PreparedStatement query = prepared(WHOLE, json)) {
                return all(query, row -> new Whole(row.getString(1), row.getLong(2), row.getBoolean(3)));
            }
        }

        boolean deletes(String json) throws SQLException {
            try (PreparedStatement query = prepared(DELETES, json)) {
                return all(query, row -> row.getBoolean(1)).contains(true);
            }
        }

        private PreparedStatement prepared(String sql, String json) throws SQLException {
            PreparedStatement query = connection.prepareStatement(sql);
            query.setLong(1, job.table().identity().oid());
            query.setString(2, json);
            return query;
        }

        private static <T> List<T> all(PreparedStatement query, Rows<T> rows) throws SQLException {
            List<T> all = new ArrayList<>();
            try (ResultSet row = query.executeQuery()) {
                while (row.next()) {
                    all.add(rows.read(row));
                }
            }
            return all;
        }
    }
}
