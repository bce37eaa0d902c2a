package dev.backfill.orchestrator.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.backfill.orchestrator.sql.SqlTemplate.MalformedException;
import dev.backfill.orchestrator.sql.SqlTemplate.Place;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SqlTemplateTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "':a'",
                "'it''s :a'",
                "E'\\':a'",
                "e'\\\\' || ':a'",
                "\":a\"",
                "\"x\"\":a\"",
                "$$ :a ' $$",
                "$tag$ :a $$ :b $tag$",
                "-- :a",
                "1 -- it's :a\n + 1",
                "/* :a ' */ 1",
                "/* a /* :b */ :c */ 1",
                "x::a",
                "x :: a",
                "f(x := y)",
                "a[1:n]",
                "a[:n]",
                "a[b[1]:n]",
                "'a' || ':b' || U&'\\0041:c'"
            })
    void a_colon_that_is_no_place_is_left_alone(String sql) {
        SqlTemplate template = SqlTemplate.parse(sql);
        assertThat(template.places()).isEmpty();
        assertThat(filled(sql)).isEqualTo(sql);
    }

    @ParameterizedTest
    @CsvSource(
            delimiterString = " => ",
            quoteCharacter = '`',
            value = {
                ":a => <a>",
                "x < :a AND y > :b_2 => x < <a> AND y > <b_2>",
                "(:range(o)) => (<range(o)>)",
                ":range( \"O o\" ) => <range(\"O o\")>",
                ":a::text => <a>::text",
                "x::text || :a => x::text || <a>",
                "'x':a => 'x'<a>",
                "$1:a => $1<a>",
                "a[1]:b => a[1]<b>",
                "/* ' */ :a -- :b => /* ' */ <a> -- :b",
                "'\\' || :a => '\\' || <a>",
                "te'\\' || :a => te'\\' || <a>",
                "x$y$ :a => x$y$ <a>"
            })
    void a_place_is_filled(String sql, String expected) {
        assertThat(filled(sql)).isEqualTo(expected);
    }

    @Test
    void a_carriage_return_ends_a_line_comment_as_it_does_on_the_server() {
        assertThat(filled("1 -- :a\r + :b")).isEqualTo("1 -- :a\r + <b>");
    }

    @Test
    void an_alias_may_be_long() {
        String alias = "\"" + "a\"\"".repeat(100_000) + "\"";
        assertThat(SqlTemplate.parse(":range(" + alias + ")").places())
                .containsExactly(new Place("range", Optional.of(alias)));
    }

    @Test
    void the_places_are_told_with_their_aliases() {
        assertThat(SqlTemplate.parse(":range(o) :range :started").places())
                .containsExactly(
                        new Place("range", Optional.of("o")),
                        new Place("range", Optional.empty()),
                        new Place("started", Optional.empty()));
    }

    @ParameterizedTest
    @CsvSource(
            delimiterString = " => ",
            quoteCharacter = '`',
            value = {
                "'a => a string is not closed",
                "E'a\\' => a string is not closed",
                "\"a => a quoted name is not closed",
                "$$ a => a dollar quote is not closed",
                "$a$ $b$ => a dollar quote is not closed",
                "/* /* */ => a comment is not closed",
                "(a => a parenthesis is not closed",
                "a) => a parenthesis is closed that was not open",
                "a) OR (b => a parenthesis is closed that was not open"
            })
    void what_is_not_closed_is_refused(String sql, String message) {
        assertThatThrownBy(() -> SqlTemplate.parse(sql))
                .isInstanceOf(MalformedException.class)
                .hasMessage(message);
    }

    @Test
    void a_question_mark_is_doubled_for_jdbc_only_where_it_is_an_operator() {
        SqlFragment sql = SqlTemplate.parse("a ? 'b?' AND c ?| d AND \"e?\" @> $$?$$ -- ?\n AND :x")
                .fill(p -> SqlFragment.builder().bind("1", "integer").build());
        assertThat(sql.jdbc()).isEqualTo("a ?? 'b?' AND c ??| d AND \"e?\" @> $$?$$ -- ?\n AND ?::integer");
        assertThat(sql.numbered()).isEqualTo("a ? 'b?' AND c ?| d AND \"e?\" @> $$?$$ -- ?\n AND $1::integer");
    }

    private static String filled(String sql) {
        return SqlTemplate.parse(sql)
                .fill(p -> SqlFragment.of(
                        "<" + p.name() + p.alias().map(a -> "(" + a + ")").orElse("") + ">"))
                .numbered();
    }
}
