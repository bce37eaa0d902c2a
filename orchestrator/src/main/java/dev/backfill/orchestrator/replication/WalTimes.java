package dev.backfill.orchestrator.replication;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;

/**
 * When the primary passed which position, from samples of the last minutes. Not safe for use by several threads.
 *
 * <p>By it a standby's lag in seconds is known without a heartbeat table, without a connection to the standby, and also
 * while the primary is idle.
 */
final class WalTimes {

    private static final long MEMORY = Duration.ofMinutes(10).toNanos();

    private record Sample(long position, long at) {}

    private final Deque<Sample> samples = new ArrayDeque<>();

    /** The primary was at a position; a position below the last one means that it is another primary now. */
    void passed(long position, long at) {
        if (!samples.isEmpty() && position < samples.peekLast().position()) {
            samples.clear();
        }
        if (samples.isEmpty() || position > samples.peekLast().position()) {
            samples.addLast(new Sample(position, at));
        }
        while (samples.size() > 2 && at - samples.peekFirst().at() > MEMORY) {
            samples.removeFirst();
        }
    }

    /** For how long, at a moment, the primary had been past a position; 0 when it was not. */
    Duration behind(long position, long moment) {
        Iterator<Sample> newest = samples.descendingIterator();
        long passed = moment;
        while (newest.hasNext()) {
            Sample sample = newest.next();
            if (sample.position() <= position) {
                break;
            }
            passed = sample.at();
        }
        return Duration.ofNanos(Math.max(0, moment - passed));
    }

    /** How fast the primary has written of late, in bytes a second. */
    double rate(long now, Duration of) {
        Iterator<Sample> newest = samples.descendingIterator();
        if (!newest.hasNext()) {
            return 0;
        }
        Sample last = newest.next();
        Sample first = last;
        while (newest.hasNext() && now - first.at() < of.toNanos()) {
            first = newest.next();
        }
        double seconds = Math.max(1e-3, (now - first.at()) / 1e9);
        return (last.position() - first.position()) / seconds;
    }
}
