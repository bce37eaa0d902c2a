package dev.backfill.orchestrator.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** What a bench has found: a table for people, and the same with every single value as JSON in {@code target/bench}. */
public final class Report {

    private static final Path DIRECTORY = Path.of(System.getProperty("basedir", ""), "target", "bench");

    /** A figure that was promised. */
    private record Promise(String what, double wanted, boolean atLeast, double measured, boolean held) {}

    private final String name;
    private final Map<String, List<Double>> values = new LinkedHashMap<>();
    private final List<Promise> promises = new ArrayList<>();

    /** Of a bench of that name, without a value yet. */
    public Report(String name) {
        this.name = name;
    }

    /** Notes one measurement. */
    public void add(String what, double value) {
        values.computeIfAbsent(what, absent -> new ArrayList<>()).add(value);
    }

    /** The median of what was measured. */
    public double median(String what) {
        List<Double> found = values.getOrDefault(what, List.of());
        if (found.isEmpty()) {
            throw new IllegalArgumentException("nothing was measured of " + what);
        }
        return median(found);
    }

    /** The largest that was measured. */
    public double largest(String what) {
        return Collections.max(values.getOrDefault(what, List.of(Double.NaN)));
    }

    /** The median of some values, of which there is at least one. */
    public static double median(List<Double> found) {
        double[] sorted =
                found.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        int half = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }

    /** How often the one goes into the other: how much faster the first is. */
    public double ratio(String faster, String slower) {
        return median(slower) / median(faster);
    }

    /** Compares a figure with the least that was promised. */
    public void atLeast(String what, double wanted, double measured) {
        promises.add(new Promise(what, wanted, true, measured, measured >= wanted));
    }

    /** Compares a figure with the most that was promised. */
    public void atMost(String what, double wanted, double measured) {
        promises.add(new Promise(what, wanted, false, measured, measured <= wanted));
    }

    /** Prints and writes it. */
    public void publish() throws IOException {
        StringBuilder text = new StringBuilder("\n" + name + "\n");
        values.forEach((what, found) -> {
            double[] sorted =
                    found.stream().mapToDouble(Double::doubleValue).sorted().toArray();
            text.append(String.format(
                    Locale.ROOT,
                    "  %-52s %10.3f  (%.3f to %.3f, %d)%n",
                    what,
                    median(what),
                    sorted[0],
                    sorted[sorted.length - 1],
                    sorted.length));
        });
        promises.forEach(promise -> text.append(String.format(
                Locale.ROOT,
                "  %-52s %10.3f  %s %.3f: %s%n",
                promise.what(),
                promise.measured(),
                promise.atLeast() ? "at least" : "at most",
                promise.wanted(),
                promise.held() ? "held" : "NOT HELD")));
        System.out.println(text);
        Files.createDirectories(DIRECTORY);
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("bench", name);
        json.put("processors", Runtime.getRuntime().availableProcessors());
        json.put("java", System.getProperty("java.version"));
        json.put("values", values);
        json.put("promises", promises);
        JsonMapper mapper =
                JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();
        Files.writeString(
                DIRECTORY.resolve(String.join("-", Arrays.asList(name.split("\\W+"))) + ".json"),
                mapper.writeValueAsString(json));
    }
}
