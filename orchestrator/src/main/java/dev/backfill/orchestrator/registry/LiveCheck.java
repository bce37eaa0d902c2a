package dev.backfill.orchestrator.registry;

import dev.backfill.api.JobDefinition;
import dev.backfill.api.Verification;
import dev.backfill.api.Work;
import dev.backfill.orchestrator.db.Probe;
import dev.backfill.orchestrator.db.SqlStates;
import dev.backfill.orchestrator.db.TableFacts;
import dev.backfill.orchestrator.db.TableFacts.Column;
import dev.backfill.orchestrator.db.TableFacts.Kind;
import dev.backfill.orchestrator.db.TableFactsReader;
import dev.backfill.orchestrator.registry.LoadedJob.Locations;
import dev.backfill.orchestrator.sql.KeyColumn;
import dev.backfill.orchestrator.sql.KeyColumns;
import dev.backfill.orchestrator.sql.SqlName;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Checks a job against the database that it is for, in a transaction that reads only and is rolled back; one instance a
 * check.
 */
public final class LiveCheck {

    private static final int OLDEST_SERVER = 140_000;

    private static final String SIMILAR_TABLES = """
            SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname)
            FROM pg_catalog.pg_class c
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
              AND (lower(c.relname) = lower(?) OR n.nspname = coalesce(?, current_schema()))
            ORDER BY lower(c.relname) = lower(?) DESC, 1
            LIMIT 1000
            """;

    private final JobDefinition job;
    private final Locations locations;
    private final Probe probe;
    private final List<Problem> problems = new ArrayList<>();

    private LiveCheck(LoadedJob loaded, Connection connection) {
        this.job = loaded.definition();
        this.locations = loaded.locations();
        this.probe = new Probe(connection);
    }

    /** What a check says. */
    public sealed interface Result {}

    /**
     * The job can run.
     *
     * @param statement how its batches are written
     * @param warnings what is not ideal, in sentences
     */
    public record Accepted(JobStatement statement, List<String> warnings) implements Result {
        /** Copies the list. */
        public Accepted {
            warnings = List.copyOf(warnings);
        }
    }

    /**
     * The job cannot run as it is.
     *
     * @param problems all that was found, at least one, in the file's order
     */
    public record Refused(List<Problem> problems) implements Result {
        /** Copies the list. */
        public Refused {
            problems = List.copyOf(problems);
        }
    }

    /**
     * Checks a job.
     *
     * @param job what was read from its file
     * @param connection a session with the settings of a worker's, outside of a transaction, autocommit off; it is
     *     rolled back
     * @return whether it can run
     * @throws SQLException when the answer could not be had, such as for a lost connection or a lock
     */
    public static Result check(LoadedJob job, Connection connection) throws SQLException {
        try {
            Result result = new LiveCheck(job, connection).run();
            connection.rollback();
            return result;
        } catch (SQLException e) {
            Probe.afterwards(e, connection::rollback);
            throw e;
        }
    }

    private Result run() throws SQLException {
        boolean usable = server();
        timeouts();
        timeZone();
        Optional<JobStatement> statement = usable ? table() : Optional.empty();
        return statement.isPresent() && problems.isEmpty()
                ? new Accepted(statement.get(), warnings(statement.get()))
                : new Refused(problems.stream().sorted().distinct().toList());
    }

    private boolean server() throws SQLException {
        int version = Integer.parseInt(probe.string("SELECT current_setting('server_version_num')"));
        if (version < OLDEST_SERVER) {
            add("/database", "the server is too old: " + version / 10_000, "PostgreSQL 14 or later is needed");
        }
        if (probe.isTrue("SELECT pg_catalog.pg_is_in_recovery()")) {
            add("/database", "the server is a standby and cannot be written to", "give the primary's address");
        }
        return problems.isEmpty();
    }

    private void timeouts() throws SQLException {
        long deadlock = Long.parseLong(
                probe.string("SELECT setting FROM pg_catalog.pg_settings WHERE name = 'deadlock_timeout'"));
        long most = deadlock - job.execution().batch().target().toMillis();
        long asked = job.execution().errors().lockTimeout().toMillis();
        if (asked >= most) {
            String pointer = locations.has("/errors/lock-timeout") ? "/errors/lock-timeout" : "/batch/target";
            String message =
                    "errors.lock-timeout is %dms and must be below the server's deadlock_timeout (%dms) minus batch.target (%dms)";
            String hint = most > 1 ? "at most " + (most - 1) + "ms" : "make batch.target smaller";
            add(pointer, message.formatted(asked, deadlock, deadlock - most), hint);
        }
    }

    private void timeZone() throws SQLException {
        if (job.execution().timeZone().isPresent()) {
            String zone = job.execution().timeZone().get();
            probe.failure(() -> probe.strings("SELECT set_config('TimeZone', ?, true)", zone))
                    .ifPresent(e -> add("/session/time-zone", SqlStates.message(e), "such as UTC or Europe/Berlin"));
        }
    }

    private Optional<JobStatement> table() throws SQLException {
        SqlName name = SqlName.parse(job.target().table());
        Optional<TableFacts> facts = TableFactsReader.read(probe.connection(), name);
        if (facts.isEmpty()) {
            add("/table", "no table " + name.quoted(), similar(name));
            return Optional.empty();
        }
        TableFacts table = facts.get();
        if (table.identity().kind() != Kind.TABLE && table.identity().kind() != Kind.PARTITIONED_TABLE) {
            add(
                    "/table",
                    table.identity().name().quoted() + " is "
                            + words(table.identity().kind()),
                    "");
            return Optional.empty();
        }
        if (isElsewhere(table)) {
            return Optional.empty();
        }
        boolean allowed = rights(table);
        boolean plan = replicaIdentity(table) && allowed;
        KeyResolver.Answer answer = KeyResolver.resolve(job.target().range(), table, locations);
        problems.addAll(answer.problems());
        assigned(table, answer.key());
        Optional<JobStatement> statement = answer.key().map(key -> new JobStatement(job, table, key));
        if (statement.isPresent()) {
            KeyColumns key = statement.get().key();
            statement.get().keyColumnsSet().forEach(column -> add("/sql", JobStatement.moved(key, column), ""));
            problems.addAll(StatementCheck.problems(statement.get(), locations, probe, plan));
        }
        return statement;
    }

    private boolean isElsewhere(TableFacts table) throws SQLException {
        List<String> foreign =
                TableFactsReader.elsewhere(probe.connection(), table.identity().oid());
        boolean partitioned = table.identity().kind() == Kind.PARTITIONED_TABLE;
        String below = partitioned ? " has partitions" : " has tables that inherit from it";
        String hint = partitioned ? "name the other partitions, a job each" : "ALTER FOREIGN TABLE ... NO INHERIT ...";
        String names = String.join(", ", foreign);
        if (!foreign.isEmpty()) {
            add("/table", table.identity().name().quoted() + below + " in other databases: " + names, hint);
        }
        return !foreign.isEmpty();
    }

    private static String words(Kind kind) {
        return switch (kind) {
            case TABLE -> "a table";
            case PARTITIONED_TABLE -> "a partitioned table";
            case VIEW -> "a view; name the table under it";
            case MATERIALIZED_VIEW -> "a materialized view, which only REFRESH can change";
            case FOREIGN_TABLE -> "a foreign table; run the job in the database that holds its rows";
            case OTHER -> "no table";
        };
    }

    private String similar(SqlName name) throws SQLException {
        String schema = name.schema().orElse(null);
        List<String> tables = probe.strings(SIMILAR_TABLES, name.name(), schema, name.name());
        for (String table : tables) {
            if (SqlName.parse(table).name().equalsIgnoreCase(name.name())) {
                return "did you mean `" + table + "`?";
            }
        }
        return Problem.didYouMean(
                name.name(), tables.stream().map(t -> SqlName.parse(t).name()).toList());
    }

    private void assigned(TableFacts table, Optional<KeyColumns> key) {
        if (!(job.work() instanceof Work.Update update)) {
            return;
        }
        List<String> known = table.columns().stream().map(Column::name).toList();
        for (String written : update.set().keySet()) {
            String name = SqlName.parseColumn(written);
            Optional<Column> column = table.column(name);
            String pointer = Locations.pointer("/update/set", written);
            String quoted = SqlName.quote(name);
            if (column.isEmpty()) {
                String message =
                        "no column " + quoted + " in " + table.identity().name().quoted();
                problems.add(locations.keyProblem(pointer, message, Problem.didYouMean(name, known)));
            } else if (column.get().generated()) {
                problems.add(locations.keyProblem(pointer, quoted + " is generated and cannot be set", ""));
            } else if (key.isPresent() && JobStatement.moving(table, key.get()).contains(name)) {
                problems.add(locations.keyProblem(pointer, JobStatement.moved(key.get(), name), ""));
            }
        }
    }

    private boolean replicaIdentity(TableFacts table) {
        List<String> names = table.publication().publishing();
        if (job.work() instanceof Work.Sql
                || job.work() instanceof Work.Custom
                || names.isEmpty()
                || table.publication().hasReplicaIdentity()) {
            return true;
        }
        String quoted = table.identity().name().quoted();
        add(
                "/table",
                "published by %s without a replica identity: PostgreSQL refuses to change the rows of %s"
                        .formatted(String.join(", ", names), quoted),
                "add a primary key, or ALTER TABLE %s REPLICA IDENTITY USING INDEX ..., or FULL".formatted(quoted));
        return false;
    }

    private boolean rights(TableFacts table) throws SQLException {
        String role = probe.string("SELECT quote_ident(current_user)");
        String oid = Long.toString(table.identity().oid());
        String schema = table.identity().name().schema().orElseThrow();
        String quoted = table.identity().name().quoted();
        boolean allowed = true;
        if (!probe.isTrue("SELECT has_schema_privilege(?, 'USAGE')", schema)) {
            allowed = denied("USAGE", "SCHEMA " + SqlName.quote(schema), role);
        }
        if (!probe.isTrue("SELECT has_any_column_privilege(?::oid, 'SELECT')", oid)) {
            allowed = denied("SELECT", quoted, role);
        }
        if (job.work() instanceof Work.Update
                && !probe.isTrue("SELECT has_any_column_privilege(?::oid, 'UPDATE')", oid)) {
            allowed = denied("UPDATE", quoted, role);
        }
        if (job.work() instanceof Work.Delete && !probe.isTrue("SELECT has_table_privilege(?::oid, 'DELETE')", oid)) {
            allowed = denied("DELETE", quoted, role);
        }
        return allowed;
    }

    private boolean denied(String right, String object, String role) {
        String message = "the role " + role + " lacks " + right + " on " + object;
        add("/table", message, "GRANT " + right + " ON " + object + " TO " + role);
        return false;
    }

    private List<String> warnings(JobStatement statement) {
        KeyColumns key = statement.key();
        List<String> warnings = new ArrayList<>();
        String columns = key.columns().stream().map(KeyColumn::quoted).collect(Collectors.joining(", "));
        if (!key.unique()) {
            String keyless = statement.table().primaryKey().isEmpty() ? "no primary key" : "NULLs in its primary key";
            warnings.add("the table has " + keyless + " and " + columns
                    + " is not unique: rows of one value are one batch, however many they are");
        } else if (!key.indexed()) {
            warnings.add("rows of one value are cut by the primary key without an index for it; better: CREATE INDEX"
                    + " CONCURRENTLY ON " + statement.tableName() + " (" + columns + ")");
        }
        if (job.verification() instanceof Verification.None) {
            warnings.add("verify: none: the run counts nothing in the end and will say that it is unverified");
        }
        return warnings;
    }

    private void add(String pointer, String message, String hint) {
        problems.add(locations.problem(pointer, message, hint));
    }
}
