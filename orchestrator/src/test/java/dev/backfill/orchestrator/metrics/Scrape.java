package dev.backfill.orchestrator.metrics;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What a scrape says of the product's own families.
 *
 * @param text the whole answer
 */
public record Scrape(String text) {

    private static final Pattern LABEL = Pattern.compile("([a-z_]+)=\"[^\"]*\"");

    /** The names of the families that have a type. */
    public Set<String> families() {
        return new TreeSet<>(types().keySet());
    }

    /** Family to type. */
    Map<String, String> types() {
        return described("TYPE");
    }

    /** Family to what it says it is. */
    public Map<String, String> helps() {
        return described("HELP");
    }

    /** The series of one name with their values, such as {@code backfill_hold{reason="window"} 1.0}. */
    List<String> lines(String name) {
        return text.lines()
                .filter(line -> line.startsWith(name + "{") || line.startsWith(name + " "))
                .toList();
    }

    /** The lines that hold this text, of series only. */
    List<String> seriesWith(String part) {
        return text.lines()
                .filter(line -> !line.startsWith("#") && line.contains(part))
                .toList();
    }

    /** The names of the labels of a family, apart from a histogram's own. */
    public Set<String> labels(String family) {
        Pattern series = Pattern.compile("(?m)^" + family + "(?:_bucket|_sum|_count)?\\{(.*)\\} ");
        return series.matcher(text)
                .results()
                .flatMap(found -> LABEL.matcher(found.group(1)).results())
                .map((MatchResult label) -> label.group(1))
                .filter(label -> !label.equals("le"))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private Map<String, String> described(String by) {
        return Pattern.compile("(?m)^# " + by + " (backfill_[^ ]+) (.+)$")
                .matcher(text)
                .results()
                .collect(Collectors.toMap(
                        found -> found.group(1), found -> found.group(2), (one, twice) -> one + twice, TreeMap::new));
    }
}
