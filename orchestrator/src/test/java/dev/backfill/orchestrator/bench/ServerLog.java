package dev.backfill.orchestrator.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Durations of statements, as a server logs them. Pure. */
final class ServerLog {

    private static final Pattern EXECUTED = Pattern.compile("duration: ([0-9.]+) ms +execute [^:]+: (.*)");
    private static final Pattern BOUND = Pattern.compile("duration: ([0-9.]+) ms +bind [^:]+: (.*)");

    private ServerLog() {}

    /** Of statements that contain a text: milliseconds of binding and executing them. */
    static List<Double> durations(String log, String part) {
        List<Double> durations = new ArrayList<>();
        double bound = 0;
        for (String line : log.split("\n", -1)) {
            Matcher bind = BOUND.matcher(line);
            Matcher execute = EXECUTED.matcher(line);
            if (bind.find() && bind.group(2).contains(part)) {
                bound = Double.parseDouble(bind.group(1));
            } else if (execute.find() && execute.group(2).contains(part)) {
                durations.add(bound + Double.parseDouble(execute.group(1)));
                bound = 0;
            }
        }
        return durations;
    }
}
