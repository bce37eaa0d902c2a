package dev.backfill.orchestrator.registry;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;

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

    /** Cuts what nobody would read to its end. */
    public Problem {
        message = shorten(message);
        hint = shorten(hint);
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
        if (word.length() > LONGEST) {
            return "";
        }
        int most = Math.min(3, Math.max(1, word.length() / 3));
        String lower = word.toLowerCase(Locale.ROOT);
        return known.stream()
                .filter(k -> distance(lower, k.toLowerCase(Locale.ROOT)) <= most)
                .min(Comparator.comparingInt((String k) -> distance(lower, k.toLowerCase(Locale.ROOT)))
                        .thenComparing(Comparator.naturalOrder()))
                .map(k -> "did you mean `" + k + "`?")
                .orElse("");
    }

    /** Levenshtein's distance, with a swap of neighbours as one step. */
    private static int distance(String a, String b) {
        int[] beforeLast = new int[b.length() + 1];
        int[] last = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            last[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int[] row = new int[b.length() + 1];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int cost = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
                row[j] = Math.min(Math.min(row[j - 1] + 1, last[j] + 1), last[j - 1] + cost);
                if (i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1)) {
                    row[j] = Math.min(row[j], beforeLast[j - 2] + 1);
                }
            }
            beforeLast = last;
            last = row;
        }
        return last[b.length()];
    }
}
