package dev.backfill.orchestrator.words;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;

/** Rows under headings, in columns as wide as what is in them. Not safe for use by several threads. */
public final class Table {

    private static final Pattern COLOUR = Pattern.compile("\u001b\\[[0-9;]*m");
    private static final String BETWEEN = "  ";

    private final List<List<String>> rows = new ArrayList<>();

    /**
     * One without rows.
     *
     * @param headings of its columns
     */
    public Table(String... headings) {
        rows.add(List.of(headings));
    }

    /**
     * Adds a row.
     *
     * @param cells one for each heading; they may be coloured, and have no line break
     * @throws IllegalArgumentException when there are more or fewer than headings
     */
    public void add(String... cells) {
        if (cells.length != rows.get(0).size()) {
            throw new IllegalArgumentException("a row of other columns: " + Arrays.toString(cells));
        }
        rows.add(List.of(cells));
    }

    /**
     * The table as text.
     *
     * @return a line for the headings and one for each row, with no space at their ends
     */
    public List<String> lines() {
        int[] widths = new int[rows.get(0).size()];
        for (List<String> row : rows) {
            for (int column = 0; column < widths.length; column++) {
                widths[column] = Math.max(widths[column], width(row.get(column)));
            }
        }
        return rows.stream().map(row -> line(row, widths)).toList();
    }

    private static String line(List<String> row, int[] widths) {
        StringBuilder line = new StringBuilder();
        for (int column = 0; column < widths.length; column++) {
            String cell = row.get(column);
            line.append(cell).append(" ".repeat(widths[column] - width(cell))).append(BETWEEN);
        }
        return line.toString().stripTrailing();
    }

    private static int width(String cell) {
        String seen = COLOUR.matcher(cell).replaceAll("");
        return seen.codePointCount(0, seen.length());
    }
}
