package dev.backfill.orchestrator.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What was seen while a rule was at work.
 *
 * @param lags how far the standby was behind, in the order of time
 * @param rates how fast the rule changed rows, in the order of time
 */
public record Trace(List<Point> lags, List<Point> rates) {

    /**
     * A value at a moment.
     *
     * @param at seconds since the rule began
     * @param value seconds of lag, or rows a second
     */
    public record Point(double at, double value) {}

    /** Copies the lists. */
    public Trace {
        lags = List.copyOf(lags);
        rates = List.copyOf(rates);
    }

    /** The part of the time in which the standby was behind by more seconds than these. */
    public double over(double budget) {
        return (double) lags.stream().filter(point -> point.value() > budget).count() / lags.size();
    }

    /** The lag in seconds that was not exceeded for this part of the time, 0 to 1. */
    public double quantile(double part) {
        return quantile(lags.stream().map(Point::value).toList(), part);
    }

    /** The value that this part of some values, of which there is at least one, does not exceed. */
    public static double quantile(List<Double> values, double part) {
        List<Double> sorted = values.stream().sorted().toList();
        return sorted.get(Math.min(sorted.size() - 1, (int) (sorted.size() * part)));
    }

    /** Writes time, lag, and own rate, a line for each look at the lag. */
    public void write(Path file) throws IOException {
        List<String> lines = new ArrayList<>(List.of("seconds,lag_seconds,own_rows_per_second"));
        int next = 0;
        double rate = 0;
        for (Point lag : lags) {
            while (next < rates.size() && rates.get(next).at() <= lag.at()) {
                rate = rates.get(next++).value();
            }
            lines.add(String.format(Locale.ROOT, "%.2f,%.3f,%.0f", lag.at(), lag.value(), rate));
        }
        Files.createDirectories(file.toAbsolutePath().getParent());
        Files.write(file, lines);
    }
}
