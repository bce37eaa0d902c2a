package dev.backfill.orchestrator.sql;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * SQL of a user's with named places in it, such as {@code :range} or {@code :range(o)}.
 *
 * <p>Quotes, dollar quotes, comments, {@code ::} and array slices mean what they mean in psql.
 *
 * @param parts the text and the places in order
 */
public record SqlTemplate(List<Part> parts) {

    /** A part of a template. */
    public sealed interface Part {}

    /**
     * SQL that stays as it is.
     *
     * @param piece code or verbatim text
     */
    public record Text(SqlFragment.Piece piece) implements Part {}

    /**
     * A named place.
     *
     * @param name the name without its colon
     * @param alias what stands in parentheses behind it
     */
    public record Place(String name, Optional<String> alias) implements Part {}

    /** Why a text cannot be used. */
    public static final class MalformedException extends IllegalArgumentException {
        private static final long serialVersionUID = 1L;

        MalformedException(String message) {
            super(message);
        }
    }

    /** Copies the parts. */
    public SqlTemplate {
        parts = List.copyOf(parts);
    }

    /**
     * Reads a user's SQL.
     *
     * @param sql the text
     * @return its parts
     * @throws MalformedException when a quote, a comment or a parenthesis is not closed, or closes what was not open
     */
    public static SqlTemplate parse(String sql) {
        return new SqlTemplate(new SqlScanner(sql).scan());
    }

    /**
     * The named places in the text.
     *
     * @return in order, each as often as it stands there
     */
    public List<Place> places() {
        List<Place> places = new ArrayList<>();
        for (Part part : parts) {
            if (part instanceof Place place) {
                places.add(place);
            }
        }
        return places;
    }

    /**
     * Fills the places.
     *
     * @param fill gives the SQL for a place
     * @return the whole text
     */
    public SqlFragment fill(Function<Place, SqlFragment> fill) {
        SqlFragment.Builder sql = SqlFragment.builder();
        for (Part part : parts) {
            if (part instanceof Text text) {
                sql.add(new SqlFragment(List.of(text.piece())));
            } else if (part instanceof Place place) {
                sql.add(fill.apply(place));
            }
        }
        return sql.build();
    }
}
