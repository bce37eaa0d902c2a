package dev.backfill.orchestrator.db;

import dev.backfill.orchestrator.sql.SqlName;

/**
 * Where the own tables are. Statements are written for the schema {@code backfill}, so that they can be read and tried
 * as they stand; this puts the configured schema in.
 *
 * @param schema the schema's name, without quotes
 * @param pooled whether they are reached through a pooler, so that the life of a session says nothing of who used it
 */
public record OwnTables(String schema, boolean pooled) {

    private static final String WRITTEN = "backfill.";

    /**
     * Puts the configured schema into a statement.
     *
     * @param statement SQL with {@code backfill.} before each own table
     * @return SQL for this database
     */
    public String sql(String statement) {
        return schema.equals("backfill") ? statement : statement.replace(WRITTEN, SqlName.quote(schema) + ".");
    }
}
