package dev.backfill.orchestrator.db;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import org.flywaydb.core.Flyway;

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
        Flyway.configure(SchemaMigrator.class.getClassLoader())
                .dataSource(database.forMigration())
                .schemas(database.tables().schema())
                .createSchemas(true)
                .table(HISTORY)
                .locations("classpath:" + MIGRATIONS)
                .load()
                .migrate();
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
            String tables = new String(
                    Objects.requireNonNull(in, resource).readAllBytes(), StandardCharsets.UTF_8);
            String quoted = dev.backfill.orchestrator.sql.SqlName.quote(schema);
            return "CREATE SCHEMA IF NOT EXISTS %1$s;%nSET search_path = %1$s;%n%n%2$s".formatted(quoted, tables);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
