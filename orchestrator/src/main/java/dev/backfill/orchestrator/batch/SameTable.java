package dev.backfill.orchestrator.batch;

import dev.backfill.orchestrator.db.OwnTables;
import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.sql.KeyColumn;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Whether a run has the table before it that it began with, in the same order. Its statements name the table, and a name
 * can be given to another: then what is done and what is left are in two tables, and no checkpoint says anything of the
 * second. Nor does one say anything in the order of other columns.
 *
 * @param tables where the own tables are
 * @param statement the job on the table as it was found when the run was taken up
 */
public record SameTable(OwnTables tables, JobStatement statement) {

    private static final String BY_NAME = "SELECT coalesce(pg_catalog.to_regclass(?)::oid::bigint, 0)";

    private static final String OF_RUN = """
            SELECT coalesce(CAST(r."range"->>'table' AS bigint), 0),
                   ARRAY(SELECT jsonb_array_elements_text(r."range"->'key'))
            FROM backfill.run r WHERE r.id = ?
            """;

    private static final String COLLATIONS = """
            SELECT coalesce(' COLLATE ' || c.oid::regcollation, '')
            FROM unnest(?) WITH ORDINALITY AS k(name, place)
            LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = ?::oid AND a.attname = k.name AND NOT a.attisdropped
            LEFT JOIN pg_catalog.pg_collation c ON c.oid = a.attcollation AND c.collname <> 'default'
            ORDER BY k.place
            """;

    private static final String OBJECT_NOT_IN_PREREQUISITE_STATE = "55000";

    /**
     * Requires that the name means the table that the statements were written for.
     *
     * @param connection any session; when it has just changed rows of the table, the answer holds until its transaction ends
     * @param run the run's id
     * @throws SQLException when it means another, or none, which waiting does not mend; or when the query fails
     */
    public void requireByName(Connection connection, String run) throws SQLException {
        long now = named(connection);
        if (now != statement.table().identity().oid()) {
            throw another(run, statement.table().identity().oid(), now);
        }
    }

    private long named(Connection connection) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement(BY_NAME)) {
            query.setString(1, statement.table().identity().name().quoted());
            try (ResultSet row = query.executeQuery()) {
                row.next();
                return row.getLong(1);
            }
        }
    }

    /**
     * Requires that the run began with this table and this key, and that the name still means the table.
     *
     * @param connection any session
     * @param run the run's id
     * @throws SQLException as {@link #requireByName} does
     */
    public void require(Connection connection, String run) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement(tables.sql(OF_RUN))) {
            query.setString(1, run);
            try (ResultSet row = query.executeQuery()) {
                if (row.next()) {
                    requireBegun(run, row.getLong(1), connection, List.of((String[])
                            row.getArray(2).getArray()));
                }
            }
        }
        requireByName(connection, run);
    }

    /**
     * Requires that the name still means the table that it meant when the statements were written, for a run that has not
     * begun.
     *
     * @param connection any session
     * @throws SQLException when it means another, or none; or when the query fails
     */
    public void requireUnchanged(Connection connection) throws SQLException {
        if (named(connection) != statement.table().identity().oid()) {
            throw unfit(
                    statement.tableName() + " is not the table any more that it was when this run was taken up: that"
                            + " was dropped or renamed. Resume, and the run begins with the table that has the name then");
        }
    }

    /**
     * The columns of the key, in words that differ when the order does.
     *
     * @param connection any session
     * @return for each its quoted name, its type and its collation, unless that is the database's
     * @throws SQLException when the query fails
     */
    public List<String> key(Connection connection) throws SQLException {
        List<KeyColumn> columns = statement.key().columns();
        List<String> key = new ArrayList<>();
        try (PreparedStatement query = connection.prepareStatement(COLLATIONS)) {
            query.setArray(
                    1,
                    connection.createArrayOf(
                            "text", columns.stream().map(KeyColumn::name).toArray()));
            query.setLong(2, statement.table().identity().oid());
            try (ResultSet row = query.executeQuery()) {
                for (KeyColumn column : columns) {
                    row.next();
                    key.add(column.quoted() + " " + column.type() + row.getString(1));
                }
            }
        }
        return key;
    }

    /** Runs from before this was written down say nothing. */
    private void requireBegun(String run, long first, Connection connection, List<String> begun) throws SQLException {
        if (first != 0 && first != statement.table().identity().oid()) {
            throw another(run, first, statement.table().identity().oid());
        }
        List<String> now = key(connection);
        if (!begun.isEmpty() && !isSameOrder(begun, now)) {
            String message =
                    "the run began by the key (%s) of %s, which now is (%s): its checkpoints say nothing in that"
                            + " order. Change that back and resume, or cancel the run and start a new one";
            throw unfit(message.formatted(String.join(", ", begun), statement.tableName(), String.join(", ", now)));
        }
    }

    /** Types to which a column can be changed while its values keep their text and their order. */
    private static boolean isSameOrder(List<String> begun, List<String> now) {
        return begun.size() == now.size()
                && IntStream.range(0, begun.size())
                        .allMatch(i -> ordered(begun.get(i)).equals(ordered(now.get(i)))
                                || ordered(begun.get(i))
                                        .replaceFirst(" integer$", " numeric")
                                        .equals(now.get(i)));
    }

    private static String ordered(String column) {
        return column.replaceFirst(" (smallint|bigint)$", " integer")
                .replaceFirst(" character varying( COLLATE .*)?$", " text$1");
    }

    private SQLException another(String run, long first, long now) {
        String name = statement.tableName().replace("'", "''");
        String same = tables.sql(
                        "UPDATE backfill.run SET table_oid = coalesce(pg_partition_root('%1$s'), '%1$s'::regclass),"
                                + " \"range\" = \"range\" || jsonb_build_object('table', '%1$s'::regclass::oid::bigint)"
                                + " WHERE id = '%2$s'")
                .formatted(name, run);
        String message =
                "%s is %s the run began with, which has the oid %d and what is done. Give that one its name back"
                        + " and resume, or cancel the run and start a new one. Are the rows the same, as after a restore from a"
                        + " dump? Then say so, and resume: %s";
        String which = now == 0 ? "no longer the table that" : "another table, of the oid " + now + ", than";
        return unfit(message.formatted(statement.tableName(), which, first, same));
    }

    private static SQLException unfit(String message) {
        return new SQLException(message, OBJECT_NOT_IN_PREREQUISITE_STATE);
    }
}
