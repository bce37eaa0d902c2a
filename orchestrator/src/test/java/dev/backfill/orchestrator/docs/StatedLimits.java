package dev.backfill.orchestrator.docs;

import dev.backfill.orchestrator.docs.JobReference.Row;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * The limits that the reference states for a key, as values on either side of them.
 *
 * @param key with dots
 * @param within values that must be taken
 * @param outside values that must be refused
 */
record StatedLimits(String key, List<Object> within, List<Object> outside) {

    private static final Pattern NUMBERS = Pattern.compile("^whole number, (\\d+) to (\\d+)");
    private static final Pattern LIST = Pattern.compile("^list, (\\d+) to (\\d+)");
    private static final Pattern DURATION = Pattern.compile("^duration, at most (\\d+)h");
    private static final Pattern PERCENTAGE = Pattern.compile("^percentage; above (\\d+)%, at most (\\d+)%");
    private static final Pattern CHARACTERS = Pattern.compile("at most (\\d+) characters");
    private static final Pattern TIMES = Pattern.compile("`(\\d\\d:\\d\\d)` to `(\\d\\d:\\d\\d)`");
    private static final Pattern VALUES = Pattern.compile("`([A-Za-z0-9-]+)`(?=,| or |;|$)");

    /** Of every key whose form states any. */
    static List<StatedLimits> of(List<Row> rows) {
        return rows.stream()
                .map(StatedLimits::of)
                .filter(limits -> !limits.within.isEmpty())
                .toList();
    }

    private static StatedLimits of(Row row) {
        StatedLimits limits = new StatedLimits(row.key(), new ArrayList<>(), new ArrayList<>());
        String form = row.form();
        all(NUMBERS, form).forEach(m -> limits.numbers(Long.parseLong(m.group(1)), Long.parseLong(m.group(2))));
        all(LIST, form).forEach(m -> limits.lists(Integer.parseInt(m.group(1)), Integer.parseInt(m.group(2))));
        all(DURATION, form).forEach(m -> limits.durations(Integer.parseInt(m.group(1))));
        all(PERCENTAGE, form).forEach(m -> limits.percentages(m.group(1), m.group(2)));
        all(CHARACTERS, form).forEach(m -> limits.characters(Integer.parseInt(m.group(1))));
        all(TIMES, form).forEach(m -> limits.times(m.group(1), m.group(2)));
        limits.values(form, all(VALUES, form).stream().map(m -> m.group(1)).toList());
        return limits;
    }

    private void numbers(long least, long most) {
        within.addAll(List.of(least, most));
        outside.addAll(List.of(least - 1, most + 1));
    }

    private void lists(int least, int most) {
        within.addAll(List.of(windows(least), windows(most)));
        outside.addAll(List.of(windows(least - 1), windows(most + 1)));
    }

    private static List<Object> windows(int number) {
        return IntStream.range(0, number)
                .<Object>mapToObj(i -> JobDraft.window())
                .toList();
    }

    private void durations(int hours) {
        within.addAll(List.of("1ms", hours + "h", hours * 60 + "m"));
        outside.addAll(List.of("0ms", hours * 60 + 1 + "m", hours * 3_600_000 + 1 + "ms", "1d", "1.5s"));
    }

    private void percentages(String least, String most) {
        within.addAll(List.of(least + ".000001%", most + "%"));
        outside.addAll(List.of(least + "%", most + ".000001%", least + ".0000001%"));
    }

    private void characters(int most) {
        if (key.equals("job") || key.endsWith(".job")) {
            within.addAll(List.of("a".repeat(most), "0-z"));
            outside.addAll(List.of("a".repeat(most + 1), "-a", "A", "a_b"));
        } else {
            String cron = "0 0 1 * * ?";
            within.add(cron.replaceFirst(" ", " ".repeat(most - cron.length() + 1)));
            outside.add(cron.replaceFirst(" ", " ".repeat(most - cron.length() + 2)));
        }
    }

    private void times(String first, String last) {
        within.addAll(List.of(first, last));
        outside.addAll(List.of(last.equals("23:59") ? "24:00" : "24:01", "0:00", "12:60"));
    }

    private void values(String form, List<String> values) {
        boolean list = form.startsWith("list of");
        values.forEach(value -> within.add(list ? Collections.singletonList(value) : value));
        if (!values.isEmpty() && !form.startsWith("text")) {
            String other = "no-" + values.get(0);
            outside.add(list ? Collections.singletonList(other) : other);
        }
    }

    private static List<MatchResult> all(Pattern pattern, String form) {
        return pattern.matcher(form).results().toList();
    }
}
