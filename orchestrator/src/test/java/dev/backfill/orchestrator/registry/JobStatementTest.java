package dev.backfill.orchestrator.registry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.db.TableFacts;
import dev.backfill.orchestrator.registry.JobStatement.Batch;
import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.sql.KeyColumn;
import dev.backfill.orchestrator.sql.KeyColumns;
import dev.backfill.orchestrator.sql.KeyRange;
import dev.backfill.orchestrator.sql.SqlFragment;
import dev.backfill.orchestrator.sql.SqlFragment.Bind;
import dev.backfill.orchestrator.sql.SqlName;
import dev.backfill.orchestrator.testing.TestJobs;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class JobStatementTest {

    private static final KeyRange RANGE = new KeyRange(new KeyRange.After(Key.of("10")), Key.of("20"));
    private static final String STARTED = "2026-01-01T00:00:00Z";

    @Test
    void an_update_puts_each_expression_in_parentheses_on_its_own_lines() {
        SqlFragment change = statement("update: { set: { b: 'a -- x', '\"C d\"': ':started' }, where: b IS NULL }")
                .change(new Batch(RANGE, STARTED, false));
        assertThat(change.jdbc()).isEqualTo("""
                        UPDATE "s"."t" SET "b" = (
                        a -- x
                        ), "C d" = (
                        ?::timestamp with time zone
                        ) WHERE ("id" > ?::bigint AND "id" <= ?::bigint) AND (
                        b IS NULL
                        )""");
        assertThat(change.binds()).extracting(Bind::value).containsExactly(STARTED, "10", "20");
    }

    @Test
    void a_further_pass_touches_only_what_remains() {
        JobStatement statement = statement("delete: { where: a }\nverify: { remaining: b }");
        assertThat(statement.change(new Batch(RANGE, STARTED, false)).jdbc()).doesNotContain("\nb\n");
        assertThat(statement.change(new Batch(RANGE, STARTED, true)).jdbc()).isEqualTo("""
                        DELETE FROM "s"."t" WHERE ("id" > ?::bigint AND "id" <= ?::bigint) AND (
                        a
                        ) AND (
                        b
                        )""");
    }

    @Test
    void a_condition_without_a_query_is_seen_from_the_row_itself() {
        for (String alone :
                List.of("a IS NULL", "\\\"select\\\" = ' SELECT '", "selected -- select", "f(a)", "at < :started")) {
            assertThat(remaining(alone).isRemainingSeenFromTheRow()).as(alone).isTrue();
        }
        for (String query :
                List.of("EXISTS (SELECT 1)", "a IN (select b from c)", "a IN (TABLE c)", "a IN (VALUES (1))")) {
            assertThat(remaining(query).isRemainingSeenFromTheRow()).as(query).isFalse();
        }
        assertThat(statement("sql: SELECT WHERE :range\nverify: none").isRemainingSeenFromTheRow())
                .isTrue();
    }

    private static JobStatement remaining(String condition) {
        return statement("sql: UPDATE t SET b = 1 WHERE :range\nverify: { remaining: \"" + condition + "\" }");
    }

    @Test
    void own_sql_has_its_places_filled_and_is_left_alone_otherwise() {
        SqlFragment change = statement(
                        "sql: \"INSERT INTO x SELECT o.a FROM t o WHERE :range(o) AND o.j ? ':range' AND o.at < :started\"\nverify: none")
                .change(new Batch(RANGE, STARTED, false));
        assertThat(change.jdbc())
                .isEqualTo("INSERT INTO x SELECT o.a FROM t o WHERE (o.\"id\" > ?::bigint AND o.\"id\" <= ?::bigint)"
                        + " AND o.j ?? ':range' AND o.at < ?::timestamp with time zone");
        assertThat(change.numbered()).contains("$1::bigint", "o.j ? ':range'", "$3::timestamp with time zone");
        assertThat(change.binds()).extracting(Bind::value).containsExactly("10", "20", STARTED);
    }

    @Test
    void own_sql_may_name_the_ends_of_its_batch() {
        JobStatement statement = statement("sql: SELECT f(:from, :to) FROM t WHERE :range\nverify: none");

        SqlFragment change = statement.change(new Batch(RANGE, STARTED, false));

        assertThat(change.jdbc())
                .isEqualTo("SELECT f(?::bigint, ?::bigint) FROM t WHERE (\"id\" > ?::bigint AND \"id\" <= ?::bigint)");
        assertThat(change.binds()).extracting(Bind::value).containsExactly("10", "20", "10", "20");
        for (KeyRange.Lower first : List.of(new KeyRange.Start(), new KeyRange.At(Key.of("5")))) {
            SqlFragment batch = statement.change(new Batch(new KeyRange(first, Key.of("20")), STARTED, false));
            assertThat(batch.binds()).extracting(Bind::value).startsWith(null, "20");
        }
    }

    @Test
    void what_remains_is_counted_and_shown_over_the_same_range() {
        JobStatement statement = statement("delete: { where: a }");
        assertThat(statement.remaining(RANGE, STARTED).orElseThrow().jdbc())
                .isEqualTo(
                        "SELECT count(*) FROM \"s\".\"t\" WHERE (\"id\" > ?::bigint AND \"id\" <= ?::bigint) AND (\na\n)");
        assertThat(statement.remainingKeys(RANGE, STARTED, 5).orElseThrow().jdbc())
                .isEqualTo("SELECT \"id\"::text FROM \"s\".\"t\" WHERE (\"id\" > ?::bigint AND \"id\" <= ?::bigint)"
                        + " AND (\na\n) ORDER BY \"s\".\"t\".\"id\" LIMIT 5");
    }

    @Test
    void nothing_is_counted_when_the_job_says_verify_none() {
        JobStatement statement = statement("delete: { where: a }\nverify: none");
        assertThat(statement.remaining(RANGE, STARTED)).isEmpty();
        assertThat(statement.remainingKeys(RANGE, STARTED, 5)).isEmpty();
    }

    private static JobStatement statement(String work) {
        TableFacts table = new TableFacts(
                new TableFacts.Identity(1, 1, new SqlName(Optional.of("s"), "t"), TableFacts.Kind.TABLE),
                List.of(),
                List.of(),
                new TableFacts.Publication(List.of(), true),
                new TableFacts.Size(Optional.empty(), 0));
        KeyColumns key = new KeyColumns(List.of(new KeyColumn("id", "bigint", false)), true, true);
        return new JobStatement(TestJobs.on("t", "{ by: id }", work).definition(), table, key);
    }
}
