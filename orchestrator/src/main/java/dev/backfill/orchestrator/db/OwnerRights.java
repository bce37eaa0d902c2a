package dev.backfill.orchestrator.db;

import dev.backfill.orchestrator.sql.SqlName;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Optional;

/** What stands in the way of the owner of the own tables, and what it lets the user do with them. */
public final class OwnerRights {

    private OwnerRights() {}

    /** What the session's user lacks to create tables in the own schema, and how to give it. */
    static Optional<String> missing(Connection connection, String schema) throws SQLException {
        String sql = """
                SELECT n.oid IS NOT NULL AS exists,
                       CASE WHEN n.oid IS NULL THEN has_database_privilege(current_database(), 'CREATE')
                            ELSE has_schema_privilege(n.oid, 'CREATE') END AS allowed,
                       current_user
                FROM (SELECT) AS one LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = ?
                """;
        String name = SqlName.quote(schema);
        try (PreparedStatement query = connection.prepareStatement(sql)) {
            query.setString(1, schema);
            try (ResultSet row = query.executeQuery()) {
                row.next();
                if (row.getBoolean("allowed")) {
                    return Optional.empty();
                }
                String user = SqlName.quote(row.getString("current_user"));
                String grant = row.getBoolean("exists")
                        ? "GRANT USAGE, CREATE ON SCHEMA %s TO %s".formatted(name, user)
                        : "CREATE SCHEMA %s AUTHORIZATION %s".formatted(name, user);
                return Optional.of("%s may not create the own tables in schema %s; let an administrator run: %s"
                        .formatted(user, name, grant));
            }
        }
    }

    /**
     * Looks for a publication of all tables, before own tables are created: a subscriber that lacks a table stops
     * applying when the first change of it arrives, and everything else with it.
     *
     * @param connection any session on the database; it is not ended
     * @return what is wrong and what to do, in one text; empty when own tables may be created
     * @throws SQLException when the catalog cannot be read
     */
    public static Optional<String> allTablesPublication(Connection connection) throws SQLException {
        String sql = "SELECT string_agg(quote_ident(pubname), ', ' ORDER BY pubname) FROM pg_catalog.pg_publication"
                + " WHERE puballtables";
        try (PreparedStatement query = connection.prepareStatement(sql);
                ResultSet row = query.executeQuery()) {
            row.next();
            return Optional.ofNullable(row.getString(1))
                    .map(names -> "publication " + names + " publishes all tables: new tables would stop its"
                            + " subscribers until they have them. Run `backfill ddl`, create the tables on each subscriber,"
                            + " then set all-tables-publication = allow");
        }
    }

    /** Lets the user use the own tables, unless it has created them itself. */
    static void share(Connection owner, Database database) throws SQLException {
        String user;
        try (Connection connection = database.connect()) {
            user = currentUser(connection);
        }
        if (user.equals(currentUser(owner))) {
            return;
        }
        String schema = SqlName.quote(database.tables().schema());
        String name = SqlName.quote(user);
        try (Statement grant = owner.createStatement()) {
            grant.execute("GRANT USAGE ON SCHEMA %s TO %s".formatted(schema, name));
            grant.execute(
                    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %s TO %s".formatted(schema, name));
        }
    }

    private static String currentUser(Connection connection) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement("SELECT current_user");
                ResultSet row = query.executeQuery()) {
            row.next();
            return row.getString(1);
        }
    }
}
