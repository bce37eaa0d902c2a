package dev.backfill.orchestrator.docs;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;

/**
 * The reference of the job file, taken apart.
 *
 * @param text all of it
 */
record JobReference(String text) {

    /**
     * What it says of a key.
     *
     * @param key with dots
     * @param form what a value looks like, and its limits
     * @param otherwise what holds when it is left out
     */
    record Row(String key, String form, String otherwise) {}

    private static final Pattern BLOCK = Pattern.compile("(?ms)^```([a-z]+)\n(.*?)^```$");
    private static final Pattern CELLS = Pattern.compile("(?<!\\\\)\\|");

    static JobReference read() throws IOException {
        return new JobReference(Files.readString(Path.of("../docs/job-reference.md")));
    }

    /** Every key that it describes, in its order. */
    List<Row> keys() {
        return table("key", "form", "default", "means").stream()
                .map(cells -> new Row(unquoted(cells.get(0)), cells.get(1), cells.get(2)))
                .toList();
    }

    /** The rows of all tables with these heads. */
    List<List<String>> table(String... heads) {
        List<List<String>> rows = new ArrayList<>();
        boolean inside = false;
        for (String line : text.lines().toList()) {
            if (!line.startsWith("|")) {
                inside = false;
            } else if (cells(line).equals(List.of(heads))) {
                inside = true;
            } else if (inside && !line.startsWith("| ---")) {
                rows.add(cells(line));
            }
        }
        return rows;
    }

    /** The blocks of code in a language. */
    List<String> blocks(String language) {
        return BLOCK.matcher(text)
                .results()
                .filter(block -> block.group(1).equals(language))
                .map(block -> block.group(2))
                .toList();
    }

    /** What it says in words: all but the blocks. */
    String prose() {
        return BLOCK.matcher(text).replaceAll("");
    }

    static String unquoted(String cell) {
        return cell.replace("`", "");
    }

    private static List<String> cells(String line) {
        List<String> cells =
                Arrays.stream(CELLS.split(line, -1)).map(String::strip).toList();
        return cells.subList(1, cells.size() - 1);
    }
}
