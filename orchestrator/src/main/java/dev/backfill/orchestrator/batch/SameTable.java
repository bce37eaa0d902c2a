package dev.backfill.orchestrator.batch;

import dev.backfill.orchestrator.db.OwnTables;
import dev.backfill.orchestrator.db.TableFacts.Identity;
import dev.backfill.orchestrator.registry.JobStatement;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;

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
            SELECT coalesce(r.table_oid::bigint, 0),
                   ARRAY(SELECT jsonb_array_elements_text(r."range"->'key'))
            FROM backfill.run r WHERE r.id = ?
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
        Identity table = statement.table().identity();
        try (PreparedStatement query = connection.prepareStatement(BY_NAME)) {
            query.setString(1, table.name().quoted());
            try (ResultSet row = query.executeQuery()) {
                row.next();
                if (row.getLong(1) != table.oid()) {
                    throw another(run, table.oid(), row.getLong(1));
                }
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
                    requireBegun(run, row.getLong(1), row.getArray(2));
                }
            }
        }
        requireByName(connection, run);
    }

    /** A partition that was attached meanwhile has another root, and is the same table. */
    private void requireBegun(String run, long first, Array key) throws SQLException {
        Identity table = statement.table().identity();
        if (first != 0 && first != table.oid() && first != table.root()) {
            throw another(run, first, table.oid());
        }
        List<String> begun = List.of((String[]) key.getArray());
        if (!begun.isEmpty() && !statement.key().reads(begun)) {
            String message =
                    "the run began by the key (%s) of %s, which now is (%s): its checkpoints say nothing in that"
                            + " order. Change that back and resume, or cancel the run and start a new one";
            String now = String.join(", ", statement.key().described());
            throw unfit(message.formatted(String.join(", ", begun), statement.tableName(), now));
        }
    }

    private SQLException another(String run, long first, long now) {
        String same = tables.sql("UPDATE backfill.run SET table_oid = '%s'::regclass WHERE id = '%s'")
                .formatted(statement.tableName().replace("'", "''"), run);
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
