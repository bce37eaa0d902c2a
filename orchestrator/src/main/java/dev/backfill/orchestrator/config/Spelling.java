package dev.backfill.orchestrator.config;

import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;

/** Finds the word that was probably meant. */
final class Spelling {

    private static final int LONGEST = 100;
    private static final int MOST = 3;

    private Spelling() {}

    /** A question that names the nearest known word, in parentheses and behind a space; empty when none is near. */
    static String hint(String word, Collection<String> known) {
        if (word.length() > LONGEST) {
            return "";
        }
        int most = Math.min(MOST, word.length() / 3);
        return known.stream()
                .filter(k -> distance(word, k) <= most)
                .min(Comparator.comparingInt((String k) -> distance(word, k)).thenComparing(Comparator.naturalOrder()))
                .map(k -> " (did you mean " + k + "?)")
                .orElse("");
    }

    /** How many letters have to be put in, left out or changed; one when they only stand in another order. */
    private static int distance(String a, String b) {
        return Arrays.equals(a.chars().sorted().toArray(), b.chars().sorted().toArray()) ? 1 : changes(a, b);
    }

    private static int changes(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int i = 0; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int above = row[j];
                int changed = i > 0 && a.charAt(i - 1) == b.charAt(j - 1) ? diagonal : diagonal + 1;
                row[j] = i == 0 ? j : Math.min(changed, Math.min(above, row[j - 1]) + 1);
                diagonal = above;
            }
        }
        return row[b.length()];
    }
}
