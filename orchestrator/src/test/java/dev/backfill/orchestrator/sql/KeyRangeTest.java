package dev.backfill.orchestrator.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.sql.KeyRange.After;
import dev.backfill.orchestrator.sql.KeyRange.At;
import dev.backfill.orchestrator.sql.KeyRange.Lower;
import dev.backfill.orchestrator.sql.KeyRange.Start;
import dev.backfill.orchestrator.sql.SqlFragment.Bind;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class KeyRangeTest {

    private static final KeyColumns ID = new KeyColumns(List.of(new KeyColumn("id", "bigint", false)), true, true);
    private static final KeyColumns AT_ID = new KeyColumns(
            List.of(new KeyColumn("at", "date", true), new KeyColumn("id", "bigint", false)), true, true);
    private static final KeyColumns ABC = new KeyColumns(
            List.of(
                    new KeyColumn("a", "text", true),
                    new KeyColumn("b", "integer", false),
                    new KeyColumn("c", "integer", false)),
            true,
            true);

    @Test
    void the_first_batch_of_a_table_has_no_lower_end() {
        assertPredicate(ID, new Start(), key("5"), "(\"id\" <= ?::bigint)", "5");
        assertPredicate(AT_ID, new Start(), key("d", "5"), "((\"at\", \"id\") <= (?::date, ?::bigint))", "d", "5");
    }

    @Test
    void the_first_batch_of_a_bounded_range_includes_its_start() {
        assertPredicate(
                AT_ID,
                new At(Key.of("c")),
                key("d", "5"),
                "(\"at\" >= ?::date AND (\"at\", \"id\") <= (?::date, ?::bigint))",
                "c",
                "d",
                "5");
    }

    @Test
    void a_batch_begins_behind_the_last_key() {
        assertPredicate(ID, after("5"), key("9"), "(\"id\" > ?::bigint AND \"id\" <= ?::bigint)", "5", "9");
        assertPredicate(
                AT_ID,
                after("c", "5"),
                key("d", "2"),
                "((\"at\", \"id\") > (?::date, ?::bigint) AND (\"at\", \"id\") <= (?::date, ?::bigint))",
                "c",
                "5",
                "d",
                "2");
    }

    @Test
    void inside_of_a_group_of_equal_values_only_the_rest_is_compared() {
        assertPredicate(
                AT_ID,
                after("c", "5"),
                key("c", "9"),
                "(\"at\" = ?::date AND \"id\" > ?::bigint AND \"id\" <= ?::bigint)",
                "c",
                "5",
                "9");
        assertPredicate(
                ABC,
                after("x", "1", "2"),
                key("x", "3", "4"),
                "(\"a\" = ?::text AND (\"b\", \"c\") > (?::integer, ?::integer) AND (\"b\", \"c\") <= (?::integer, ?::integer))",
                "x",
                "1",
                "2",
                "3",
                "4");
    }

    @Test
    void the_last_batch_of_a_group_goes_to_its_end() {
        assertPredicate(AT_ID, after("c", "5"), key("c"), "(\"at\" = ?::date AND \"id\" > ?::bigint)", "c", "5");
    }

    @Test
    void a_key_of_fewer_parts_is_the_end_of_its_whole_group() {
        assertPredicate(AT_ID, after("c"), key("d"), "(\"at\" > ?::date AND \"at\" <= ?::date)", "c", "d");
    }

    @Test
    void rows_whose_range_column_is_null_are_a_group_of_their_own() {
        assertPredicate(AT_ID, new After(Key.NULLS), Key.NULLS, "(\"at\" IS NULL)");
        assertPredicate(AT_ID, new After(Key.NULLS), key(null, "5"), "(\"at\" IS NULL AND \"id\" <= ?::bigint)", "5");
        assertPredicate(
                AT_ID,
                after(null, "5"),
                key(null, "9"),
                "(\"at\" IS NULL AND \"id\" > ?::bigint AND \"id\" <= ?::bigint)",
                "5",
                "9");
    }

    @Test
    void an_alias_qualifies_every_column() {
        SqlFragment sql = new KeyRange(after("c", "5"), key("c", "9")).predicate(AT_ID, Optional.of("o"));
        assertThat(sql.jdbc()).isEqualTo("(o.\"at\" = ?::date AND o.\"id\" > ?::bigint AND o.\"id\" <= ?::bigint)");
    }

    private static void assertPredicate(KeyColumns key, Lower lower, Key upTo, String sql, String... values) {
        SqlFragment predicate = new KeyRange(lower, upTo).predicate(key, Optional.empty());
        assertThat(predicate.jdbc()).isEqualTo(sql);
        assertThat(predicate.binds()).extracting(Bind::value).containsExactly(values);
    }

    private static After after(@Nullable String... parts) {
        return new After(key(parts));
    }

    private static Key key(@Nullable String... parts) {
        return new Key(Arrays.asList(parts));
    }
}
