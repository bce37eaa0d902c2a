package dev.backfill.orchestrator.operate;

import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.registry.Problem;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;

/**
 * A job with the lines of its file that it stands in. Pure.
 *
 * @param job what it says
 * @param text whole lines of the file, with no other job in them
 * @param linesBefore how many lines of the file are before them
 */
record JobText(LoadedJob job, String text, int linesBefore) {

    private static final Pattern LINE_BREAK = Pattern.compile("\r\n|\r|\n");
    private static final String BYTE_ORDER_MARK = "\uFEFF";

    /**
     * Takes a file apart.
     *
     * @param bytes its content in UTF-8
     * @param jobs all of its documents, in its order
     * @return one of each
     */
    static List<JobText> of(byte[] bytes, List<LoadedJob> jobs) {
        String whole = new String(bytes, StandardCharsets.UTF_8);
        String text = whole.startsWith(BYTE_ORDER_MARK) ? whole.substring(1) : whole;
        List<Integer> lines = new ArrayList<>(List.of(0));
        Matcher lineBreak = LINE_BREAK.matcher(text);
        while (lineBreak.find()) {
            lines.add(lineBreak.end());
        }
        List<JobText> texts = new ArrayList<>();
        for (int i = 0; i < jobs.size(); i++) {
            // The marker that a document begins with stands at the end of the one before, where it begins an empty one.
            int first = i == 0 ? 0 : line(jobs.get(i));
            int end = i + 1 == jobs.size() ? text.length() : lines.get(line(jobs.get(i + 1)));
            texts.add(new JobText(jobs.get(i), text.substring(lines.get(first), end), first));
        }
        return texts;
    }

    private static int line(LoadedJob job) {
        return job.locations().place("").line() - 1;
    }

    /** Its name. */
    String name() {
        return job.definition().name();
    }

    /** A problem of the text, as a daemon says it, at its place in the file. */
    Problem problem(JsonNode said) {
        return new Problem(
                job.locations().file(),
                said.path("line").asInt(1) + linesBefore,
                said.path("column").asInt(1),
                said.path("message").asString(""),
                said.path("hint").asString(""));
    }
}
