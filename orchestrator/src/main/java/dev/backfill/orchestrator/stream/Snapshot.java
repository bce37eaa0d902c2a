package dev.backfill.orchestrator.stream;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * How everything stands at one moment. Pure.
 *
 * @param texts the JSON of each job and database
 */
record Snapshot(Map<Topic, String> texts) {

    /** Nothing was looked at yet. */
    static final Snapshot NONE = new Snapshot(Map.of());

    /** How old a reading is changes with every look, and is no news. */
    private static final Pattern AGE = Pattern.compile("\"age\":[^,}]*");

    /** What a topic is about. */
    enum Kind {
        /** A database of the configuration; it never goes. */
        DATABASE("database"),
        /** A registered job. */
        JOB("job");

        private final String word;

        Kind(String word) {
            this.word = word;
        }
    }

    /**
     * What can change.
     *
     * @param kind a job or a database
     * @param name its name
     */
    record Topic(Kind kind, String name) {}

    /** Copies the texts, in their order. */
    Snapshot {
        texts = Collections.unmodifiableMap(new LinkedHashMap<>(texts));
    }

    /** The topics that are not as they were: new ones, others, and those that are gone. */
    Set<Topic> changesSince(Snapshot before) {
        Set<Topic> changes = new LinkedHashSet<>(before.texts.keySet());
        changes.removeAll(texts.keySet());
        texts.forEach((topic, text) -> {
            if (!isSame(before.texts.get(topic), text)) {
                changes.add(topic);
            }
        });
        return changes;
    }

    private static boolean isSame(@Nullable String before, String text) {
        return before != null && (before.equals(text) || withoutAges(before).equals(withoutAges(text)));
    }

    private static String withoutAges(String text) {
        return AGE.matcher(text).replaceAll("");
    }

    /** What is said of a topic: how it is, or that it is gone. */
    String message(Topic topic) {
        String text = texts.get(topic);
        return text == null
                ? Message.event(topic.kind().word + "-gone", "{\"job\":\"" + topic.name() + "\"}")
                : Message.event(topic.kind().word, text);
    }
}
