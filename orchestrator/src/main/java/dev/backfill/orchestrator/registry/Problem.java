package dev.backfill.orchestrator.registry;

import dev.backfill.orchestrator.words.PlainText;
import dev.backfill.orchestrator.words.Spelling;
import java.util.Collection;
import java.util.Comparator;

/**
 * What is wrong in a job file, where, and what to do about it. An immutable value; the order is that of the file.
 *
 * @param file the file's name as it is shown to people
 * @param line counted from 1
 * @param column counted from 1, in characters
 * @param message what is wrong
 * @param hint what to do about it; may be empty
 */
public record Problem(String file, int line, int column, String message, String hint) implements Comparable<Problem> {

    private static final Comparator<Problem> ORDER = Comparator.comparing(Problem::file)
            .thenComparingInt(Problem::line)
            .thenComparingInt(Problem::column)
            .thenComparing(Problem::message)
            .thenComparing(Problem::hint);

    private static final int LONGEST = 1_000;

    /** Cuts what nobody would read to its end, and shows by its number what a terminal would act on. */
    public Problem {
        message = PlainText.of(shorten(message));
        hint = PlainText.of(shorten(hint));
    }

    private static String shorten(String text) {
        return text.length() <= LONGEST ? text : text.substring(0, LONGEST) + "...";
    }

    /**
     * The problem as one line of text.
     *
     * @return {@code file:line:column: message (hint)}, without the parentheses when there is no hint
     */
    public String display() {
        String text = file + ":" + line + ":" + column + ": " + message;
        return hint.isEmpty() ? text : text + " (" + hint + ")";
    }

    /**
     * The same problem, said to be somewhere.
     *
     * @param where what the message begins with
     * @return at the same place of the file
     */
    public Problem behind(String where) {
        return new Problem(file, line, column, where + message, hint);
    }

    @Override
    public String toString() {
        return display();
    }

    @Override
    public int compareTo(Problem other) {
        return ORDER.compare(this, other);
    }

    /**
     * A hint for a word that is not known.
     *
     * @param word the word
     * @param known the words there are
     * @return a question that names the nearest, or nothing when none is near
     */
    static String didYouMean(String word, Collection<String> known) {
        return Spelling.nearest(word, known)
                .map(k -> "did you mean `" + k + "`?")
                .orElse("");
    }
}
