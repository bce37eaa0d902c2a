package dev.backfill.orchestrator.config;

import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigOrigin;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** What is wrong with a configuration, gathered, so that all of it is said at once. */
final class Problems {

    private record Found(int line, String place, String message) {
        String text() {
            return place + message;
        }
    }

    private final List<Found> found = new ArrayList<>();

    /** Adds what is wrong with the value that stands there. */
    void add(ConfigOrigin origin, String text) {
        found.add(new Found(origin.lineNumber(), place(origin) + ": ", text));
    }

    /** Adds what kept the file from being read as HOCON, without the text that the parser quotes from it. */
    void add(ConfigException e) {
        String text = String.valueOf(e.getMessage())
                .replaceAll("(?s) \\(if you intended .*", "")
                .replaceAll("(?s)(non-object-or-list), .*", "$1")
                .replaceAll("(?s): Key '.*' may not be followed by token: .*", ": a key without a value");
        found.add(new Found(e.origin() == null ? -1 : e.origin().lineNumber(), "", text));
    }

    /** File and line; of a value that is not yet worked out, without the default that it was laid over. */
    private static String place(ConfigOrigin origin) {
        return origin.description().replaceAll("^merge of (.*),reference\\.conf @ .*", "$1");
    }

    /** Whether nothing is wrong so far. */
    boolean isEmpty() {
        return found.isEmpty();
    }

    /** What is wrong, without the places. */
    List<String> messages() {
        return found.stream().map(Found::message).distinct().toList();
    }

    /**
     * Ends the reading when something is wrong.
     *
     * @throws ConfigurationException with every problem once, in the order of the lines
     */
    void refuseAny() {
        if (!found.isEmpty()) {
            throw new ConfigurationException(found.stream()
                    .sorted(Comparator.comparingInt(Found::line))
                    .map(Found::text)
                    .distinct()
                    .toList());
        }
    }
}
