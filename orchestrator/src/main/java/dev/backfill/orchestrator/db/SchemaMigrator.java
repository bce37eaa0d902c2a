package dev.backfill.orchestrator.db;

import dev.backfill.orchestrator.sql.SqlName;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Objects;
import java.util.Optional;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;

/** Brings the own tables up to date. */
public final class SchemaMigrator {

    private static final String HISTORY = "schema_history";
    private static final String MIGRATIONS = "db/migration";

    private SchemaMigrator() {}

    /**
     * Creates the own schema where it is missing and applies the migrations that are not there yet. Several processes
     * that do so at once wait for each other.
     *
     * @param database where
     */
    public static void migrate(Database database) {
        try {
            Flyway.configure(SchemaMigrator.class.getClassLoader())
                    .dataSource(database.forMigration())
                    .schemas(database.tables().schema())
                    .createSchemas(true)
                    .table(HISTORY)
                    .locations("classpath:" + MIGRATIONS)
                    .baselineOnMigrate(true) // tables made by hand from the script
                    .baselineVersion("1")
                    .load()
                    .migrate();
        } catch (FlywayException e) {
            if (SqlStates.state(e).isPresent()) {
                throw e;
            }
            throw new IllegalStateException(
                    "the own tables in schema " + database.tables().schema()
                            + " are not as this version knows them; a newer version may have been here: "
                            + e.getMessage(),
                    e);
        }
    }

    /** What there is of the own tables. */
    public enum State {
        /** Made or brought up to date by a migration. */
        MIGRATED,
        /** Made by hand from the script, without a history. */
        BY_HAND,
        /** Nothing in the schema, or no schema. */
        ABSENT,
        /** A schema of that name that holds something else. */
        TAKEN
    }

    /**
     * What there is of the own tables.
     *
     * @param connection any session
     * @param schema the own schema
     * @return its state
     * @throws SQLException when the catalog cannot be read
     */
    public static State state(Connection connection, String schema) throws SQLException {
        String sql = """
                SELECT CASE WHEN bool_or(c.relname = ?) THEN 'MIGRATED'
                            WHEN count(*) FILTER (WHERE c.relname IN ('job', 'run', 'slice', 'proof', 'event')) = 5 THEN 'BY_HAND'
                            WHEN count(*) = 0 THEN 'ABSENT' ELSE 'TAKEN' END
                FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = ? AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
                """;
        try (PreparedStatement query = connection.prepareStatement(sql)) {
            query.setString(1, HISTORY);
            query.setString(2, schema);
            try (ResultSet row = query.executeQuery()) {
                row.next();
                return State.valueOf(row.getString(1));
            }
        }
    }

    /**
     * What stands in the way of creating the own tables where there are none.
     *
     * @param connection a session of the user that would create them
     * @param schema the own schema
     * @return what is wrong and what to do; empty when they can be created
     * @throws SQLException when the catalog cannot be read
     */
    public static Optional<String> obstacle(Connection connection, String schema) throws SQLException {
        String name = SqlName.quote(schema);
        if (state(connection, schema) == State.TAKEN) {
            return Optional.of(
                    "the schema " + name + " holds something else than the own tables; empty it, or name another"
                            + " schema in the configuration: database-defaults.schema");
        }
        String sql = """
                SELECT n.oid IS NOT NULL AS exists,
                       CASE WHEN n.oid IS NULL THEN has_database_privilege(current_database(), 'CREATE')
                            ELSE has_schema_privilege(n.oid, 'CREATE') END AS allowed,
                       current_user
                FROM (SELECT) AS one LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = ?
                """;
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

    /**
     * The SQL of the own tables, for who wants to create them by hand.
     *
     * @param schema the schema's name
     * @return a script
     */
    public static String script(String schema) {
        String resource = MIGRATIONS + "/V1__runs.sql";
        try (InputStream in = SchemaMigrator.class.getClassLoader().getResourceAsStream(resource)) {
            String tables = new String(Objects.requireNonNull(in, resource).readAllBytes(), StandardCharsets.UTF_8);
            String quoted = SqlName.quote(schema);
            return "CREATE SCHEMA IF NOT EXISTS %1$s;%nSET search_path = %1$s;%n%n%2$s".formatted(quoted, tables);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
