package dev.backfill.orchestrator.db;

import dev.backfill.orchestrator.config.DatabaseSettings.OwnSchema;
import dev.backfill.orchestrator.sql.SqlName;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;

/** Brings the own tables up to date. */
public final class SchemaMigrator {

    private static final String HISTORY = "schema_history";
    private static final String MIGRATIONS = "db/migration";
    private static final List<String> SCRIPTS = List.of(
            "V1__runs.sql",
            "V2__daemon.sql",
            "V3__every_table_every_error.sql",
            "V4__long_keys.sql",
            "V5__failures.sql",
            "V6__tuning.sql",
            "V7__tally.sql");
    /** A table or an index that came with each: how far tables go that were made by hand. */
    private static final List<String> MARKS =
            List.of("run", "registration", "quarantine", "quarantine_key", "failure", "tuning", "tally");

    /** The own tables are not as this version of the program needs them; the message says what to do. */
    public static final class UnfitException extends RuntimeException {

        private static final long serialVersionUID = 1L;

        /**
         * What is wrong.
         *
         * @param message what, and what to do
         */
        public UnfitException(String message) {
            super(message);
        }
    }

    private SchemaMigrator() {}

    /**
     * Creates the own schema where it is missing and applies the migrations that are not there yet. Several processes
     * that do so at once wait for each other. What is up to date already is only looked at.
     *
     * @param database where
     * @throws SQLException when the database cannot be reached
     * @throws UnfitException when something stands in the way, or a pooler is there that is not configured
     */
    public static void migrate(Database database) throws SQLException {
        OwnSchema own = database.settings().own();
        refuse(database.unknownPooler());
        Seen seen = seen(database);
        if (seen.version() == SCRIPTS.size() || (seen.complete() && !own.upgrade())) {
            return;
        }
        try (Connection connection = database.connectOwner()) {
            if (seen.complete() && mayMakeNothing(connection, own)) {
                return; // there is nothing to do but a history to write, which may wait
            }
            refuse(obstacle(connection, own));
        }
        if (!own.upgrade()) {
            throw new UnfitException("the own tables in schema %s are of version %d, and this program needs %d;"
                            .formatted(SqlName.quote(own.schema()), seen.version(), SCRIPTS.size())
                    + " upgrade = check leaves them alone: run `backfill database upgrade`");
        }
        upgrade(database);
    }

    /**
     * Looks whether the own tables are there and up to date.
     *
     * @param database where
     * @throws SQLException when the database cannot be reached
     * @throws UnfitException when they are not
     */
    public static void require(Database database) throws SQLException {
        String schema = database.settings().own().schema();
        refuse(database.unknownPooler());
        try (Connection connection = database.connect()) {
            if (version(connection, schema) != SCRIPTS.size() && !isCompleteByHand(connection, schema)) {
                throw new UnfitException("the own tables in schema " + SqlName.quote(schema)
                        + " are gone, or were changed, while they were in use; bring them back, or restart the daemon to"
                        + " have them made anew, without any job or run");
            }
        }
    }

    /**
     * Creates or upgrades the own tables, whatever the configuration says of upgrades, and lets the user use what the
     * owner has created.
     *
     * @param database where
     * @throws UnfitException when they are of a newer version or of somebody else, or there is only a pooler
     */
    public static void upgrade(Database database) {
        String schema = database.settings().own().schema();
        DataSource source = database.forMigration()
                .orElseThrow(() -> new UnfitException("the own tables in schema " + SqlName.quote(schema)
                        + " are not up to date, and nothing leads past the pooler to create or upgrade them: name the"
                        + " server's own url in the configuration, owner.url"));
        try (Connection connection = database.connectOwner()) {
            int byHand = byHand(connection, schema);
            Flyway.configure(SchemaMigrator.class.getClassLoader())
                    .dataSource(source)
                    .schemas(schema)
                    .createSchemas(true)
                    .table(HISTORY)
                    .locations("classpath:" + MIGRATIONS)
                    .baselineOnMigrate(true) // tables made by hand from the script, or only a function of somebody's
                    .baselineVersion(Integer.toString(byHand))
                    .load()
                    .migrate();
            OwnerRights.share(connection, database);
        } catch (SQLException e) {
            throw new FlywayException("the own tables could not be looked at", e);
        } catch (FlywayException e) {
            if (SqlStates.state(e).isPresent()) {
                throw e;
            }
            throw new UnfitException("the own tables in schema " + schema
                    + " are not as this version knows them; a newer version may have been here: " + e.getMessage());
        }
    }

    /** What the user sees of the own tables: their version by their history, and whether they were made by hand. */
    private record Seen(int version, boolean complete) {}

    /** Where the owner has not let the user use the own tables yet, it sees none. */
    private static Seen seen(Database database) throws SQLException {
        OwnSchema own = database.settings().own();
        try (Connection connection = database.connect()) {
            int version = version(connection, own.schema());
            return new Seen(version, version != SCRIPTS.size() && isCompleteByHand(connection, own.schema()));
        } catch (SQLException e) {
            if (own.owner().isPresent() && SqlStates.isDenied(e)) {
                return new Seen(0, false);
            }
            throw e;
        }
    }

    private static void refuse(Optional<String> obstacle) {
        obstacle.ifPresent(what -> {
            throw new UnfitException(what);
        });
    }

    /** Which version of the tables was made by hand; 0 when none was. */
    private static int byHand(Connection connection, String schema) throws SQLException {
        if (state(connection, schema) != State.BY_HAND) {
            return 0;
        }
        String sql = "SELECT count(to_regclass(quote_ident(?) || '.' || quote_ident(mark))) FROM unnest(?) AS mark";
        try (PreparedStatement query = connection.prepareStatement(sql)) {
            query.setString(1, schema);
            query.setArray(2, connection.createArrayOf("text", MARKS.toArray()));
            try (ResultSet row = query.executeQuery()) {
                row.next();
                return row.getInt(1);
            }
        }
    }

    /** Whether all tables of this version were made by hand, and have no history. */
    private static boolean isCompleteByHand(Connection connection, String schema) throws SQLException {
        return byHand(connection, schema) == SCRIPTS.size();
    }

    private static boolean mayMakeNothing(Connection connection, OwnSchema own) throws SQLException {
        return OwnerRights.missing(connection, own.schema()).isPresent()
                || (!own.allTablesPublication()
                        && OwnerRights.allTablesPublication(connection).isPresent());
    }

    /** The version of the own tables by their history; 0 when there is none. */
    private static int version(Connection connection, String schema) throws SQLException {
        if (state(connection, schema) != State.MIGRATED) {
            return 0;
        }
        String sql =
                "SELECT coalesce(max(CAST(version AS integer)), 0) FROM %s.%s WHERE success AND version ~ '^[0-9]+$'"
                        .formatted(SqlName.quote(schema), HISTORY);
        try (PreparedStatement query = connection.prepareStatement(sql);
                ResultSet row = query.executeQuery()) {
            row.next();
            return row.getInt(1);
        }
    }

    /** What there is of the own tables. */
    private enum State {
        /** Made or brought up to date by a migration. */
        MIGRATED,
        /** Made by hand from the script, without a history. */
        BY_HAND,
        /** Nothing in the schema, or no schema. */
        ABSENT,
        /** A schema of that name that holds something else. */
        TAKEN
    }

    private static State state(Connection connection, String schema) throws SQLException {
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
     * What stands in the way of creating the own tables, or of bringing them up to date.
     *
     * @param database where
     * @return what is wrong and what to do; empty when they are up to date or can be
     * @throws SQLException when the database cannot be reached, or its catalog cannot be read
     */
    public static Optional<String> obstacle(Database database) throws SQLException {
        OwnSchema own = database.settings().own();
        Optional<String> pooler = database.unknownPooler();
        if (pooler.isPresent()) {
            return pooler;
        }
        Seen seen = seen(database);
        if (seen.version() == SCRIPTS.size() || seen.complete()) {
            return Optional.empty();
        }
        try (Connection connection = database.connectOwner()) {
            return obstacle(connection, own);
        }
    }

    /** The same, for the session of who would create them. */
    private static Optional<String> obstacle(Connection connection, OwnSchema own) throws SQLException {
        State state = state(connection, own.schema());
        String name = SqlName.quote(own.schema());
        if (state == State.TAKEN) {
            return Optional.of(
                    "the schema " + name + " holds something else than the own tables; empty it, or name another"
                            + " schema in the configuration: database-defaults.schema");
        }
        int version = version(connection, own.schema());
        if (version == SCRIPTS.size() || isCompleteByHand(connection, own.schema())) {
            return Optional.empty();
        }
        if (version > SCRIPTS.size()) {
            return Optional.of("the own tables in schema %s are of version %d, and this program knows %d: run a newer"
                            .formatted(name, version, SCRIPTS.size())
                    + " program");
        }
        Optional<String> publication =
                own.allTablesPublication() ? Optional.empty() : OwnerRights.allTablesPublication(connection);
        return publication.isPresent() ? publication : OwnerRights.missing(connection, own.schema());
    }

    /**
     * The SQL of the own tables, for who wants to create them by hand.
     *
     * @param schema the schema's name
     * @return a script
     */
    public static String script(String schema) {
        StringBuilder script = new StringBuilder(
                "CREATE SCHEMA IF NOT EXISTS %1$s;%nSET search_path = %1$s;%n".formatted(SqlName.quote(schema)));
        SCRIPTS.forEach(name -> script.append(System.lineSeparator()).append(read(MIGRATIONS + "/" + name)));
        return script.toString();
    }

    private static String read(String resource) {
        try (InputStream in = SchemaMigrator.class.getClassLoader().getResourceAsStream(resource)) {
            return new String(Objects.requireNonNull(in, resource).readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
