package dev.backfill.orchestrator.registry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.api.RangeDefinition;
import dev.backfill.api.RangeDefinition.Kind;
import dev.backfill.orchestrator.db.TableFacts;
import dev.backfill.orchestrator.db.TableFacts.Column;
import dev.backfill.orchestrator.db.TableFacts.Column.Generation;
import dev.backfill.orchestrator.db.TableFacts.Index;
import dev.backfill.orchestrator.db.TableFacts.Index.Traits;
import dev.backfill.orchestrator.registry.LoadedJob.Locations;
import dev.backfill.orchestrator.registry.LoadedJob.Place;
import dev.backfill.orchestrator.sql.KeyColumn;
import dev.backfill.orchestrator.sql.KeyColumns;
import dev.backfill.orchestrator.sql.SqlName;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class KeyResolverTest {

    private static final Traits PRIMARY = new Traits(true, true, true, true);
    private static final Traits UNIQUE = new Traits(false, true, true, true);
    private static final Traits PLAIN = new Traits(false, false, true, true);
    private static final Index ID = new Index("t_pkey", "btree", List.of("id"), PRIMARY);

    private static final KeyColumn ID_COLUMN = new KeyColumn("id", "bigint", false);
    private static final KeyColumn AT_COLUMN = new KeyColumn("at", "timestamp with time zone", true);

    @Test
    void without_a_column_it_is_the_primary_key() {
        assertThat(key(Kind.ID, List.of(), ID)).isEqualTo(new KeyColumns(List.of(ID_COLUMN), true, true));
    }

    @Test
    void a_composite_primary_key_is_taken_in_its_order() {
        Index both = new Index("t_pkey", "btree", List.of("tenant", "id"), PRIMARY);
        assertThat(key(Kind.ID, List.of(), both).columns())
                .extracting(KeyColumn::name)
                .containsExactly("tenant", "id");
    }

    @Test
    void without_a_column_and_a_primary_key_there_is_none() {
        assertThat(problems(Kind.ID, List.of(), index("btree", PLAIN, "id")))
                .containsExactly("f:1:1: no primary key and no range.column (name a column that has a btree index)");
    }

    @Test
    void a_column_that_is_not_unique_is_followed_by_the_primary_key() {
        assertThat(key(Kind.TIME, List.of("at"), ID, index("btree", PLAIN, "at")))
                .isEqualTo(new KeyColumns(List.of(AT_COLUMN, ID_COLUMN), true, false));
        assertThat(key(Kind.TIME, List.of("AT"), ID, index("btree", PLAIN, "at", "id")))
                .isEqualTo(new KeyColumns(List.of(AT_COLUMN, ID_COLUMN), true, true));
    }

    @Test
    void a_unique_column_that_may_not_be_null_stands_alone() {
        assertThat(key(Kind.ID, List.of("number"), ID, index("btree", UNIQUE, "number"))
                        .columns())
                .extracting(KeyColumn::name)
                .containsExactly("number");
    }

    @Test
    void a_unique_column_that_may_be_null_is_not_unique() {
        assertThat(key(Kind.TIME, List.of("at"), ID, index("btree", UNIQUE, "at"))
                        .columns())
                .extracting(KeyColumn::name)
                .containsExactly("at", "id");
    }

    @Test
    void a_partial_unique_index_makes_nothing_unique() {
        Index partial = new Index("partial", "btree", List.of("number"), new Traits(false, true, false, true));
        assertThat(key(Kind.ID, List.of("number"), ID, partial, index("btree", PLAIN, "number"))
                        .columns())
                .extracting(KeyColumn::name)
                .containsExactly("number", "id");
    }

    @Test
    void without_a_primary_key_a_column_that_is_not_unique_is_all_there_is() {
        assertThat(key(Kind.TIME, List.of("at"), index("btree", PLAIN, "at")))
                .isEqualTo(new KeyColumns(List.of(AT_COLUMN), false, true));
    }

    @Test
    void named_columns_that_hold_the_primary_key_are_unique() {
        KeyColumns key = key(Kind.ID, List.of("tenant", "id"), ID, index("btree", PLAIN, "tenant", "id"));
        assertThat(key.columns()).extracting(KeyColumn::name).containsExactly("tenant", "id");
        assertThat(key.unique()).isTrue();
        assertThat(key.indexed()).isTrue();
    }

    @Test
    void named_columns_need_one_index_over_all_of_them() {
        assertThat(problems(Kind.ID, List.of("tenant", "id"), ID, index("btree", PLAIN, "tenant")))
                .containsExactly("f:1:1: no index in which the rows can be read by \"tenant\", \"id\":"
                        + " btree_tenant does not help: it does not begin with all of these"
                        + " columns in this order (CREATE INDEX CONCURRENTLY ON \"s\".\"t\" (\"tenant\", \"id\"))");
    }

    @Test
    void an_index_that_cannot_be_used_is_named_with_the_reason() {
        assertReason(
                index("brin", PLAIN, "at"),
                "brin_at does not help: a BRIN index is none, it cannot return rows in order");
        assertReason(index("hash", PLAIN, "at"), "hash_at does not help: a hash index cannot return rows in order");
        assertReason(
                index("btree", new Traits(false, false, false, true), "at"),
                "btree_at does not help: it is partial (it has a WHERE) or invalid");
        assertReason(
                index("btree", new Traits(false, false, true, false), "at"),
                "btree_at does not help: its operator class, collation or direction is not the default");
        assertReason(index("btree", PLAIN), "btree_ does not help: it is over an expression");
        assertReason(index("btree", PLAIN, "id", "at"), "btree_id_at does not help: it begins with another column");
    }

    @Test
    void an_index_must_be_created_for_a_column_that_has_none() {
        assertThat(problems(Kind.TIME, List.of("at"), ID))
                .containsExactly("f:1:1: no index in which the rows can be read by \"at\""
                        + " (CREATE INDEX CONCURRENTLY ON \"s\".\"t\" (\"at\", \"id\"))");
    }

    @Test
    void a_column_that_does_not_exist_is_named_with_the_nearest() {
        assertThat(problems(Kind.ID, List.of("idd", "\"ID\""), ID))
                .containsExactly(
                        "f:1:1: no column \"idd\" in \"s\".\"t\" (did you mean `id`?)",
                        "f:1:1: no column \"ID\" in \"s\".\"t\" (did you mean `id`?)");
    }

    @Test
    void only_the_first_column_may_be_null() {
        assertThat(problems(Kind.ID, List.of("tenant", "at"), ID, index("btree", PLAIN, "tenant", "at")))
                .singleElement()
                .asString()
                .contains("the column \"at\" may be NULL");
    }

    @Test
    void times_are_for_by_time_and_nothing_else_is() {
        assertThat(problems(Kind.ID, List.of("at"), ID, index("btree", PLAIN, "at")))
                .containsExactly(
                        "f:1:1: by: id is not for times, and \"at\" is of type timestamp with time zone (say by: time)");
        assertThat(problems(Kind.TIME, List.of(), ID))
                .containsExactly(
                        "f:1:1: by: time needs a date or a timestamp, and \"id\" is of type bigint (say by: id)");
    }

    private static void assertReason(Index index, String reason) {
        assertThat(problems(Kind.TIME, List.of("at"), index))
                .singleElement()
                .asString()
                .contains(": " + reason + " (CREATE");
    }

    private static Index index(String method, Traits traits, String... columns) {
        return new Index(method + "_" + String.join("_", columns), method, List.of(columns), traits);
    }

    private static KeyColumns key(Kind by, List<String> columns, Index... indexes) {
        KeyResolver.Answer answer = resolve(by, columns, indexes);
        assertThat(answer.problems()).isEmpty();
        return answer.key().orElseThrow();
    }

    private static List<String> problems(Kind by, List<String> columns, Index... indexes) {
        KeyResolver.Answer answer = resolve(by, columns, indexes);
        assertThat(answer.key()).isEmpty();
        return answer.problems().stream().map(Problem::display).toList();
    }

    private static KeyResolver.Answer resolve(Kind by, List<String> columns, Index... indexes) {
        TableFacts table = new TableFacts(
                new TableFacts.Identity(1, 1, new SqlName(Optional.of("s"), "t"), TableFacts.Kind.TABLE),
                List.of(
                        new Column("id", "bigint", false, Generation.NONE, List.of()),
                        new Column("tenant", "integer", false, Generation.NONE, List.of()),
                        new Column("number", "integer", false, Generation.NONE, List.of()),
                        new Column("at", "timestamp with time zone", true, Generation.NONE, List.of())),
                List.of(indexes),
                new TableFacts.Publication(List.of(), true),
                new TableFacts.Size(Optional.empty(), 0));
        return KeyResolver.resolve(
                new RangeDefinition(
                        by,
                        columns,
                        Optional.empty(),
                        Optional.empty(),
                        new RangeDefinition.Course(RangeDefinition.Order.ASC, false)),
                table,
                new Locations("f", Map.of(), Map.of("", new Place(1, 1))));
    }
}
