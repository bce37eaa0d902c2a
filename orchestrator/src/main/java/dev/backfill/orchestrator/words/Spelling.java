package dev.backfill.orchestrator.words;

import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Finds the word that was probably meant. Pure. */
public final class Spelling {

    private static final int LONGEST = 1_000;
    private static final int MOST = 3;

    private Spelling() {}

    /**
     * The word that is nearest to one that is not known.
     *
     * @param word the word
     * @param known the words there are
     * @return empty when none is near
     */
    public static Optional<String> nearest(String word, Collection<String> known) {
        if (word.length() > LONGEST) {
            return Optional.empty();
        }
        int most = Math.min(MOST, Math.max(1, word.length() / MOST));
        String lower = word.toLowerCase(Locale.ROOT);
        TreeMap<Integer, List<String>> near = known.stream()
                .sorted()
                .collect(Collectors.groupingBy(
                        k -> distance(lower, k.toLowerCase(Locale.ROOT)), TreeMap::new, Collectors.toList()));
        // Where no letter is right, only the one word that can be meant is worth naming.
        return Optional.ofNullable(near.firstEntry())
                .filter(nearest -> nearest.getKey() <= most)
                .filter(nearest ->
                        nearest.getKey() < word.length() || nearest.getValue().size() == 1)
                .map(nearest -> nearest.getValue().get(0));
    }

    /**
     * The words that a problem ends with.
     *
     * @param word the word
     * @param known the words there are
     * @return a question in parentheses; empty when no known word is near
     */
    public static String hint(String word, Collection<String> known) {
        return nearest(word, known).map(near -> " (did you mean " + near + "?)").orElse("");
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
