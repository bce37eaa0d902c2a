package dev.backfill.orchestrator.sql;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A piece of SQL with its parameters in it.
 *
 * <p>Parameters are text with the type to which PostgreSQL casts it, so that keys of every type have one shape.
 *
 * @param pieces the text and the parameters in order
 */
public record SqlFragment(List<Piece> pieces) {

    /** A part of a fragment. */
    public sealed interface Piece {}

    /**
     * SQL outside of quotes and comments, where a question mark is an operator.
     *
     * @param text the SQL
     */
    public record Code(String text) implements Piece {}

    /**
     * A literal, a quoted name or a comment, where a question mark means itself.
     *
     * @param text the SQL, with its quotes
     */
    public record Verbatim(String text) implements Piece {}

    /**
     * A parameter.
     *
     * @param value its text, or null for SQL's NULL
     * @param type the type it is cast to
     */
    public record Bind(@Nullable String value, String type) implements Piece {}

    /** Copies the pieces. */
    public SqlFragment {
        pieces = List.copyOf(pieces);
    }

    /**
     * Text without parameters.
     *
     * @param text SQL without user's question marks
     * @return the fragment
     */
    public static SqlFragment of(String text) {
        return new SqlFragment(List.of(new Code(text)));
    }

    /**
     * A fragment to be put together.
     *
     * @return an empty builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * The text for a JDBC prepared statement.
     *
     * @return SQL with {@code ?} for each parameter and {@code ??} for the operator
     */
    public String jdbc() {
        StringBuilder sql = new StringBuilder();
        for (Piece piece : pieces) {
            if (piece instanceof Code code) {
                sql.append(code.text().replace("?", "??"));
            } else if (piece instanceof Verbatim verbatim) {
                sql.append(verbatim.text());
            } else if (piece instanceof Bind bind) {
                sql.append("?::").append(bind.type());
            }
        }
        return sql.toString();
    }

    /**
     * The text for SQL's own {@code PREPARE}.
     *
     * @return SQL with {@code $1}, {@code $2}, ... for the parameters
     */
    public String numbered() {
        StringBuilder sql = new StringBuilder();
        int number = 0;
        for (Piece piece : pieces) {
            if (piece instanceof Code code) {
                sql.append(code.text());
            } else if (piece instanceof Verbatim verbatim) {
                sql.append(verbatim.text());
            } else if (piece instanceof Bind bind) {
                sql.append('$').append(++number).append("::").append(bind.type());
            }
        }
        return sql.toString();
    }

    /**
     * The text with the parameters written out, under any setting of {@code standard_conforming_strings}.
     *
     * @return SQL without parameters
     */
    public String literal() {
        StringBuilder sql = new StringBuilder();
        for (Piece piece : pieces) {
            if (piece instanceof Code code) {
                sql.append(code.text());
            } else if (piece instanceof Verbatim verbatim) {
                sql.append(verbatim.text());
            } else if (piece instanceof Bind bind) {
                sql.append(literal(bind.value())).append("::").append(bind.type());
            }
        }
        return sql.toString();
    }

    private static String literal(@Nullable String value) {
        if (value == null) {
            return "NULL";
        }
        String quoted = "'" + value.replace("'", "''") + "'";
        return value.contains("\\") ? " E" + quoted.replace("\\", "\\\\") : quoted;
    }

    /**
     * The parameters in order.
     *
     * @return the binds
     */
    public List<Bind> binds() {
        return pieces.stream()
                .filter(Bind.class::isInstance)
                .map(Bind.class::cast)
                .toList();
    }

    /** Puts a fragment together; not safe for use by several threads. */
    public static final class Builder {

        private final List<Piece> pieces = new ArrayList<>();

        private Builder() {}

        /**
         * Adds SQL of our own, where a question mark can only be part of a quoted name or literal.
         *
         * @param text SQL, with the quotes of its names and literals
         * @return this
         */
        public Builder code(String text) {
            pieces.add(new Verbatim(text));
            return this;
        }

        /**
         * Adds a parameter.
         *
         * @param value its text, or null
         * @param type its type
         * @return this
         */
        public Builder bind(@Nullable String value, String type) {
            pieces.add(new Bind(value, type));
            return this;
        }

        /**
         * Adds another fragment.
         *
         * @param fragment the fragment
         * @return this
         */
        public Builder add(SqlFragment fragment) {
            pieces.addAll(fragment.pieces());
            return this;
        }

        /**
         * The fragment.
         *
         * @return what was added, in order
         */
        public SqlFragment build() {
            return new SqlFragment(pieces);
        }
    }
}
