package dev.backfill.orchestrator.db;

import dev.backfill.orchestrator.db.TableFacts.Column;
import dev.backfill.orchestrator.db.TableFacts.Column.Generation;
import dev.backfill.orchestrator.db.TableFacts.Identity;
import dev.backfill.orchestrator.db.TableFacts.Index;
import dev.backfill.orchestrator.db.TableFacts.Kind;
import dev.backfill.orchestrator.db.TableFacts.Publication;
import dev.backfill.orchestrator.db.TableFacts.Size;
import dev.backfill.orchestrator.sql.SqlName;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Reads what the catalog says of a table. Needs no right on the table itself. */
public final class TableFactsReader {

    private static final String TABLE = """
            SELECT coalesce(pg_catalog.pg_partition_root(c.oid)::oid, c.oid) AS root, c.oid, n.nspname, c.relname, c.relkind, c.reltuples, c.relpages,
                   pg_catalog.pg_relation_size(c.oid) AS bytes,
                   NOT EXISTS (
                       SELECT FROM pg_catalog.pg_class l
                       WHERE (l.oid = c.oid AND c.relkind <> 'p'
                              OR l.oid IN (SELECT relid FROM pg_catalog.pg_partition_tree(c.oid) WHERE isleaf))
                         AND l.relreplident NOT IN ('f', 'i')
                         AND NOT (l.relreplident = 'd' AND EXISTS (
                             SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = l.oid AND i.indisprimary))) AS identified
            FROM pg_catalog.pg_class c
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relname = ? AND c.relkind NOT IN ('i', 'I', 't', 'c', 'S')
              AND CASE WHEN ?::text IS NULL THEN pg_catalog.pg_table_is_visible(c.oid) ELSE n.nspname = ?::text END
            """;

    /** The table, its partitions, and what inherits from it, down to the last; partitions are in pg_inherits too. */
    private static final String TREE = """
            WITH RECURSIVE tree(oid) AS (
                SELECT ?::oid
                UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN tree ON i.inhparent = tree.oid)
            """;

    /**
     * A row may hold a NULL where a table below says nothing of NULLs, and where NOT NULL was never checked for the rows
     * that were there before it; such constraints exist since PostgreSQL 18.
     */
    private static final String COLUMNS = TREE + """
            SELECT a.attname,
                   (WITH RECURSIVE type(oid, base) AS (
                        SELECT t.oid, t.typbasetype FROM pg_catalog.pg_type t WHERE t.oid = a.atttypid
                        UNION ALL
                        SELECT t.oid, t.typbasetype FROM type JOIN pg_catalog.pg_type t ON t.oid = type.base)
                    SELECT pg_catalog.format_type(type.oid, -1) FROM type WHERE type.base = 0),
                   coalesce(n.nullable, false),
                   CASE a.attgenerated WHEN '' THEN 'NONE' WHEN 'v' THEN 'VIRTUAL' ELSE 'STORED' END,
                   ARRAY(SELECT source.attname::text
                         FROM pg_catalog.pg_attrdef d
                         JOIN pg_catalog.pg_depend p ON p.classid = 'pg_catalog.pg_attrdef'::regclass AND p.objid = d.oid
                              AND p.refclassid = 'pg_catalog.pg_class'::regclass AND p.refobjid = a.attrelid
                         JOIN pg_catalog.pg_attribute source
                              ON source.attrelid = a.attrelid AND source.attnum = p.refobjsubid
                         WHERE a.attgenerated <> '' AND d.adrelid = a.attrelid AND d.adnum = a.attnum
                           AND source.attnum <> a.attnum)
            FROM pg_catalog.pg_attribute a
            LEFT JOIN (
                SELECT b.attname, true AS nullable
                FROM tree JOIN pg_catalog.pg_attribute b ON b.attrelid = tree.oid
                WHERE b.attnum > 0 AND (NOT b.attnotnull OR (b.attrelid, b.attnum) IN (
                    SELECT k.conrelid, k.conkey[1] FROM pg_catalog.pg_constraint k
                    WHERE k.contype = 'n' AND NOT k.convalidated))
                GROUP BY b.attname) AS n USING (attname)
            WHERE a.attrelid = ?::oid AND a.attnum > 0 AND NOT a.attisdropped
            ORDER BY a.attnum
            """;

    private static final String ELSEWHERE = TREE + """
            SELECT c.oid::regclass::text FROM tree JOIN pg_catalog.pg_class c USING (oid) WHERE c.relkind = 'f' ORDER BY 1
            """;

    private static final String INDEXES = """
            SELECT c.relname, m.amname, i.indisprimary,
                   i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred IS NULL
                     AND i.indexprs IS NULL AS is_unique,
                   i.indisvalid AND i.indisready AND i.indpred IS NULL AS complete,
                   k.columns, k.ordered
            FROM pg_catalog.pg_index i
            JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
            JOIN pg_catalog.pg_am m ON m.oid = c.relam
            CROSS JOIN LATERAL (
                SELECT array_agg(a.attname::text ORDER BY p.position) FILTER (WHERE p.position < coalesce((
                           SELECT min(e.position) FROM unnest(i.indkey) WITH ORDINALITY AS e(number, position)
                           WHERE e.number = 0), 1000)) AS columns,
                       bool_and(a.attnum IS NULL OR a.attcollation = coll.oid) AND bool_and(cls.opcdefault)
                         AND (bool_and(o.flags = 0) OR bool_and(o.flags = 3)) AS ordered
                FROM unnest(i.indkey) WITH ORDINALITY AS p(number, position)
                LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = p.number AND p.number > 0
                JOIN unnest(i.indcollation) WITH ORDINALITY AS coll(oid, position) USING (position)
                JOIN unnest(i.indclass) WITH ORDINALITY AS oc(oid, position) USING (position)
                JOIN pg_catalog.pg_opclass cls ON cls.oid = oc.oid
                JOIN unnest(i.indoption) WITH ORDINALITY AS o(flags, position) USING (position)
                WHERE p.position <= i.indnkeyatts
            ) AS k
            WHERE i.indrelid = ?::oid
            ORDER BY NOT i.indisprimary, c.relname
            """;

    private static final String PUBLICATIONS = """
            SELECT DISTINCT p.pubname
            FROM pg_catalog.pg_publication p
            JOIN pg_catalog.pg_publication_tables t ON t.pubname = p.pubname
            WHERE (p.pubupdate OR p.pubdelete) AND (t.schemaname, t.tablename) IN (
                SELECT n.nspname, c.relname FROM pg_catalog.pg_class c
                JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                WHERE c.oid = ?::oid OR c.oid IN (SELECT relid FROM pg_catalog.pg_partition_tree(?::oid)))
            ORDER BY p.pubname
            """;

    /**
     * Those of UPDATE and DELETE. What a partition has of a table above it is an internal one before PostgreSQL 15, as are
     * those that keep a constraint.
     */
    private static final String TRIGGERS = TREE + """
            SELECT DISTINCT t.tgname || ' (' || concat_ws(', ',
                       CASE WHEN t.tgtype & 4 > 0 THEN 'INSERT' END, CASE WHEN t.tgtype & 16 > 0 THEN 'UPDATE' END,
                       CASE WHEN t.tgtype & 8 > 0 THEN 'DELETE' END, CASE WHEN t.tgtype & 32 > 0 THEN 'TRUNCATE' END) || ')'
            FROM tree JOIN pg_catalog.pg_trigger t ON t.tgrelid = tree.oid
            LEFT JOIN pg_catalog.pg_constraint k ON k.oid = t.tgconstraint
            WHERE t.tgtype & 24 > 0 AND t.tgenabled IN ('O', 'A')
              AND (NOT t.tgisinternal OR t.tgparentid <> 0) AND coalesce(k.contype, 't') = 't'
            ORDER BY 1
            """;

    /** Not once more for each partition: each is shown where it stands highest in the tree. */
    private static final String FOREIGN_KEYS = TREE + """
            SELECT DISTINCT k.conname || ' of ' || k.conrelid::regclass || ': ' || pg_catalog.pg_get_constraintdef(k.oid)
            FROM pg_catalog.pg_constraint k
            LEFT JOIN pg_catalog.pg_constraint p ON p.oid = k.conparentid
            WHERE k.contype = 'f'
              AND (k.conrelid IN (SELECT oid FROM tree) OR k.confrelid IN (SELECT oid FROM tree))
              AND (p.conrelid IN (SELECT oid FROM tree) OR p.confrelid IN (SELECT oid FROM tree)) IS NOT TRUE
            ORDER BY 1
            """;

    private static final String STOCK = TREE + """
            SELECT count(*) FILTER (WHERE c.oid <> ?::oid), sum(c.reltuples)::bigint,
                   bool_and(c.reltuples > 0
                     OR c.reltuples = 0 AND (c.relpages > 0 OR pg_catalog.pg_relation_size(c.oid) = 0)),
                   sum(pg_catalog.pg_table_size(c.oid))::bigint,
                   sum(coalesce(s.n_tup_ins + s.n_tup_upd + s.n_tup_del, 0))::bigint
            FROM tree JOIN pg_catalog.pg_class c USING (oid)
            LEFT JOIN pg_catalog.pg_stat_user_tables s ON s.relid = c.oid
            WHERE c.relkind = 'r'
            """;

    private TableFactsReader() {}

    /**
     * Reads what else hangs on a table.
     *
     * @param connection any session on the database
     * @param oid the table
     * @return triggers, partitions, foreign keys, size and traffic
     * @throws SQLException when the catalog cannot be read
     */
    public static TableFacts.Surroundings surroundings(Connection connection, long oid) throws SQLException {
        List<String> triggers = names(connection, TRIGGERS, oid);
        List<String> foreignKeys = names(connection, FOREIGN_KEYS, oid);
        try (PreparedStatement query = connection.prepareStatement(STOCK)) {
            query.setLong(1, oid);
            query.setLong(2, oid);
            try (ResultSet row = query.executeQuery()) {
                row.next();
                Optional<Long> rows = row.getBoolean(3) ? Optional.of(row.getLong(2)) : Optional.empty();
                Size size = new Size(rows, row.getLong(4));
                return new TableFacts.Surroundings(triggers, row.getLong(1), foreignKeys, size, row.getLong(5));
            }
        }
    }

    /**
     * Reads a table's facts.
     *
     * @param connection any session on the database
     * @param name the table; without a schema the search path finds it
     * @return the facts; empty when there is no such relation
     * @throws SQLException when the catalog cannot be read
     */
    public static Optional<TableFacts> read(Connection connection, SqlName name) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement(TABLE)) {
            query.setString(1, name.name());
            query.setString(2, name.schema().orElse(null));
            query.setString(3, name.schema().orElse(null));
            try (ResultSet table = query.executeQuery()) {
                return table.next() ? Optional.of(facts(connection, table)) : Optional.empty();
            }
        }
    }

    /**
     * The tables whose rows are another server's, though they are seen as this table's.
     *
     * @param connection any session on the database
     * @param oid the table
     * @return the names of foreign tables among its partitions and among what inherits from it
     * @throws SQLException when the catalog cannot be read
     */
    public static List<String> elsewhere(Connection connection, long oid) throws SQLException {
        return names(connection, ELSEWHERE, oid);
    }

    private static TableFacts facts(Connection connection, ResultSet table) throws SQLException {
        long oid = table.getLong("oid");
        SqlName name = new SqlName(Optional.of(table.getString("nspname")), table.getString("relname"));
        double rows = table.getDouble("reltuples");
        boolean known = rows >= 0 && (rows > 0 || table.getLong("relpages") > 0 || table.getLong("bytes") == 0);
        return new TableFacts(
                new Identity(table.getLong("root"), oid, name, kind(table.getString("relkind"))),
                columns(connection, oid),
                indexes(connection, oid),
                new Publication(names(connection, PUBLICATIONS, oid, oid), table.getBoolean("identified")),
                new Size(known ? Optional.of((long) rows) : Optional.empty(), table.getLong("bytes")));
    }

    private static Kind kind(String relkind) {
        return switch (relkind) {
            case "r" -> Kind.TABLE;
            case "p" -> Kind.PARTITIONED_TABLE;
            case "v" -> Kind.VIEW;
            case "m" -> Kind.MATERIALIZED_VIEW;
            case "f" -> Kind.FOREIGN_TABLE;
            default -> Kind.OTHER;
        };
    }

    private static List<Column> columns(Connection connection, long oid) throws SQLException {
        List<Column> columns = new ArrayList<>();
        try (PreparedStatement query = connection.prepareStatement(COLUMNS)) {
            query.setLong(1, oid);
            query.setLong(2, oid);
            try (ResultSet row = query.executeQuery()) {
                while (row.next()) {
                    columns.add(new Column(
                            row.getString(1),
                            row.getString(2),
                            row.getBoolean(3),
                            Generation.valueOf(row.getString(4)),
                            List.of((String[]) row.getArray(5).getArray())));
                }
            }
        }
        return columns;
    }

    private static List<Index> indexes(Connection connection, long oid) throws SQLException {
        List<Index> indexes = new ArrayList<>();
        try (PreparedStatement query = connection.prepareStatement(INDEXES)) {
            query.setLong(1, oid);
            try (ResultSet row = query.executeQuery()) {
                while (row.next()) {
                    Array columns = row.getArray("columns");
                    Index.Traits traits = new Index.Traits(
                            row.getBoolean("indisprimary"),
                            row.getBoolean("is_unique"),
                            row.getBoolean("complete"),
                            row.getBoolean("ordered"));
                    List<String> names = columns == null ? List.of() : List.of((String[]) columns.getArray());
                    indexes.add(new Index(row.getString("relname"), row.getString("amname"), names, traits));
                }
            }
        }
        return indexes;
    }

    private static List<String> names(Connection connection, String sql, long... oids) throws SQLException {
        List<String> names = new ArrayList<>();
        try (PreparedStatement query = connection.prepareStatement(sql)) {
            for (int i = 0; i < oids.length; i++) {
                query.setLong(i + 1, oids[i]);
            }
            try (ResultSet row = query.executeQuery()) {
                while (row.next()) {
                    names.add(row.getString(1));
                }
            }
        }
        return names;
    }
}
