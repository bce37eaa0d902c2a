package dev.backfill.orchestrator.dryrun;

import dev.backfill.orchestrator.dryrun.Trial.Sample;
import java.time.Duration;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * What a whole run would cost, by what samples of it did. Pure.
 *
 * @param time how long one worker would be at work
 * @param wal how many bytes of WAL would be written
 */
public record Estimate(Bar time, Bar wal) {

    /**
     * A figure with its error bar.
     *
     * @param low by the cheapest sample
     * @param likely by all of them together
     * @param high by the dearest sample
     */
    public record Bar(double low, double likely, double high) {}

    /** For so many rows. */
    static Estimate of(List<Sample> samples, long rows) {
        return new Estimate(
                bar(samples, rows, sample -> seconds(sample.cost().took())),
                bar(samples, rows, sample -> sample.cost().wal()));
    }

    /**
     * A guess with a wide bar, from the size of the rows alone.
     *
     * @param rowBytes how large a row is
     * @param indexes how many indexes may get an entry for each changed row
     */
    static Estimate rough(long rows, double rowBytes, int indexes) {
        double slow = 20_000;
        double usual = 120_000;
        double fast = 300_000;
        double entry = 100; // what the WAL says of an entry, in bytes
        return new Estimate(
                new Bar(rows / fast, rows / usual, rows / slow),
                new Bar(rows * entry, rows * (rowBytes + entry), rows * (2 * rowBytes + entry * (1 + indexes))));
    }

    private static Bar bar(List<Sample> samples, long rows, ToDoubleFunction<Sample> cost) {
        double keys = samples.stream().mapToLong(Sample::keys).sum();
        double all = samples.stream().mapToDouble(cost).sum();
        double low = samples.stream()
                .mapToDouble(sample -> cost.applyAsDouble(sample) / sample.keys())
                .min()
                .orElse(0);
        double high = samples.stream()
                .mapToDouble(sample -> cost.applyAsDouble(sample) / sample.keys())
                .max()
                .orElse(0);
        return new Bar(low * rows, keys == 0 ? 0 : all / keys * rows, high * rows);
    }

    private static double seconds(Duration duration) {
        return duration.toNanos() / 1e9;
    }
}
