package dev.backfill.orchestrator.registry;

import dev.backfill.api.JobDefinition;
import dev.backfill.api.Verification;
import dev.backfill.api.Work;
import dev.backfill.orchestrator.db.TableFacts;
import dev.backfill.orchestrator.sql.Assignments;
import dev.backfill.orchestrator.sql.Assignments.Assignment;
import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.sql.KeyColumn;
import dev.backfill.orchestrator.sql.KeyColumns;
import dev.backfill.orchestrator.sql.KeyRange;
import dev.backfill.orchestrator.sql.SqlFragment;
import dev.backfill.orchestrator.sql.SqlName;
import dev.backfill.orchestrator.sql.SqlTemplate;
import dev.backfill.orchestrator.sql.SqlTemplate.Part;
import dev.backfill.orchestrator.sql.SqlTemplate.Place;
import dev.backfill.orchestrator.sql.SqlTemplate.Text;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The statement that changes the rows of a batch, and the one that counts what is left.
 *
 * @param job what is to be done
 * @param table the table as the catalog has it
 * @param key the columns that the run goes by
 */
public record JobStatement(JobDefinition job, TableFacts table, KeyColumns key) {

    private static final String TIMESTAMPTZ = "timestamp with time zone";
    private static final Pattern QUERY = Pattern.compile("\\b(?:select|table|values)\\b", Pattern.CASE_INSENSITIVE);
    private static final Set<String> ENDS = Set.of("from", "to");

    /**
     * What a statement is made for.
     *
     * @param range the batch's rows
     * @param started when the run started, as text
     * @param furtherPass whether rows are gone over again, so that only those still to do may be touched
     */
    public record Batch(KeyRange range, String started, boolean furtherPass) {}

    /**
     * The change of one batch.
     *
     * @param batch which rows
     * @return one SQL statement
     */
    public SqlFragment change(Batch batch) {
        if (job.work() instanceof Work.Update update) {
            return update(update, batch);
        } else if (job.work() instanceof Work.Delete delete) {
            SqlFragment.Builder sql = SqlFragment.builder().code("DELETE FROM ").code(tableName());
            return where(sql, batch, delete.where()).build();
        } else if (job.work() instanceof Work.Sql own) {
            return SqlTemplate.parse(own.statement()).fill(place -> fill(place, batch));
        }
        throw new IllegalStateException("unknown kind of work: " + job.work());
    }

    /**
     * Counts the rows of a range that are still to do.
     *
     * @param range which rows
     * @param started when the run started, as text
     * @return a SELECT of one bigint; empty when the job says {@code verify: none}
     */
    public Optional<SqlFragment> remaining(KeyRange range, String started) {
        return condition().map(condition -> {
            SqlFragment.Builder sql =
                    SqlFragment.builder().code("SELECT count(*) FROM ").code(tableName());
            return where(sql, new Batch(range, started, false), condition).build();
        });
    }

    /**
     * Whether a row alone says if it is still to do, without a look at other rows.
     *
     * @return false when the condition has a query in it
     */
    public boolean isRemainingSeenFromTheRow() {
        return condition()
                .map(condition -> SqlTemplate.parse(condition).parts().stream().noneMatch(JobStatement::isQuery))
                .orElse(true);
    }

    private static boolean isQuery(Part part) {
        return part instanceof Text text
                && text.piece() instanceof SqlFragment.Code code
                && QUERY.matcher(code.text()).find();
    }

    /**
     * The first rows of a range that are still to do.
     *
     * @param range which rows
     * @param started when the run started, as text
     * @param limit how many at the most
     * @return a SELECT of the keys; empty when the job says {@code verify: none}
     */
    public Optional<SqlFragment> remainingKeys(KeyRange range, String started, int limit) {
        return condition().map(condition -> {
            SqlFragment.Builder sql = SqlFragment.builder()
                    .code("SELECT " + key.select() + " FROM ")
                    .code(tableName());
            return where(sql, new Batch(range, started, false), condition)
                    .code(order() + " LIMIT " + limit)
                    .build();
        });
    }

    /**
     * What a statement of the author's own sets and must not.
     *
     * @return columns of the run's key, and such as one of these is computed from; none for the other kinds of work
     */
    public List<String> keyColumnsSet() {
        if (!(job.work() instanceof Work.Sql own)) {
            return List.of();
        }
        Set<Assignment> set = Assignments.of(SqlTemplate.parse(own.statement()));
        return moving(table, key).stream()
                .filter(name ->
                        set.contains(new Assignment(table.identity().name().name(), name)))
                .toList();
    }

    /**
     * The places of a statement of the author's own that need a key of one column, where it has more.
     *
     * @return names; none when there is nothing wrong
     */
    public List<String> endsOfSeveralColumns() {
        return key.columns().size() > 1 && job.work() instanceof Work.Sql own
                ? SqlTemplate.parse(own.statement()).places().stream()
                        .map(Place::name)
                        .filter(ENDS::contains)
                        .distinct()
                        .toList()
                : List.of();
    }

    /** The columns whose change moves a row along the key. */
    static Set<String> moving(TableFacts table, KeyColumns key) {
        return table.setBy(key.columns().stream().map(KeyColumn::name).toList());
    }

    /** Why such a column must not be set. */
    static String moved(KeyColumns key, String column) {
        boolean own = key.columns().stream().anyMatch(k -> k.name().equals(column));
        return SqlName.quote(column)
                + (own ? " is a column of the run's key, and" : " sets a generated column of the run's key, which")
                + " must not change under the run";
    }

    /**
     * The same statements for ranges that go from the smallest key to the largest.
     *
     * @return with the key ascending
     */
    public JobStatement ascending() {
        return new JobStatement(job, table, key.ascending());
    }

    /**
     * The table as it can stand in SQL.
     *
     * @return quoted, with its schema
     */
    public String tableName() {
        return table.identity().name().quoted();
    }

    /** By the table's own name, for the author's condition may use it. */
    private String order() {
        return key.columns().stream()
                .map(column -> tableName() + "." + column.quoted())
                .collect(Collectors.joining(", ", " ORDER BY ", ""));
    }

    private Optional<String> condition() {
        return job.verification() instanceof Verification.Remaining remaining
                ? Optional.of(remaining.condition())
                : Optional.empty();
    }

    private SqlFragment update(Work.Update update, Batch batch) {
        SqlFragment.Builder sql =
                SqlFragment.builder().code("UPDATE ").code(tableName()).code(" SET ");
        String separator = "";
        for (Map.Entry<String, String> assignment : update.set().entrySet()) {
            sql.code(separator)
                    .code(SqlName.quote(SqlName.parseColumn(assignment.getKey())))
                    .code(" = ");
            expression(sql, assignment.getValue(), batch);
            separator = ", ";
        }
        return where(sql, batch, update.where()).build();
    }

    private SqlFragment.Builder where(SqlFragment.Builder sql, Batch batch, String condition) {
        sql.code(" WHERE ").add(batch.range().predicate(key, Optional.empty())).code(" AND ");
        expression(sql, condition, batch);
        if (batch.furtherPass()) {
            condition().ifPresent(remaining -> expression(sql.code(" AND "), remaining, batch));
        }
        return sql;
    }

    private void expression(SqlFragment.Builder sql, String expression, Batch batch) {
        sql.code("(\n")
                .add(SqlTemplate.parse(expression).fill(place -> fill(place, batch)))
                .code("\n)");
    }

    /** An end of a batch, of a key of one column. */
    private SqlFragment end(Optional<Key> at) {
        return SqlFragment.builder()
                .bind(at.map(Key::first).orElse(null), key.first().type())
                .build();
    }

    private SqlFragment fill(Place place, Batch batch) {
        return switch (place.name()) {
            case "range" -> batch.range().predicate(key, place.alias());
            case "from" -> end(batch.range().behind());
            case "to" -> end(Optional.of(batch.range().upTo()));
            case "started" ->
                SqlFragment.builder().bind(batch.started(), TIMESTAMPTZ).build();
            default -> throw new IllegalArgumentException("no such place in a job's SQL: :" + place.name());
        };
    }
}
