package dev.backfill.orchestrator.metrics;

import static java.util.Objects.requireNonNull;

import dev.backfill.orchestrator.run.RunListener.Outcome;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;

/**
 * What this process counts of a job in a database. Counting is safe for use by several threads; {@link #held},
 * {@link #worker} and {@link #remove} are called by one at a time.
 */
final class JobMeters {

    private static final Duration[] BUCKETS = IntStream.of(
                    5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000)
            .mapToObj(Duration::ofMillis)
            .toArray(Duration[]::new);

    private final MeterRegistry registry;
    private final Tags tags;
    private final Queue<Meter> all = new ConcurrentLinkedQueue<>();
    private final Map<Outcome, Counter> rolledBack = new EnumMap<>(Outcome.class);
    private final Map<String, Counter> held = new HashMap<>();
    private final AtomicLong size = new AtomicLong();
    private final AtomicInteger workers = new AtomicInteger();
    private final Counter scanned;
    private final Counter changed;
    private final Counter quarantined;
    private final Counter committed;
    private final Counter fenced;
    private final Counter victims;
    private final Timer duration;

    JobMeters(MeterRegistry registry, String job, String database) {
        this.registry = registry;
        this.tags = Tags.of(Label.BACKFILL, job, Label.DATABASE, database);
        this.scanned = counter(Family.ROWS_SCANNED, tags);
        this.changed = counter(Family.ROWS_CHANGED, tags);
        this.committed = counter(Family.BATCHES, tags.and(Label.OUTCOME, "committed"));
        this.fenced = counter(Family.FENCED_COMMITS, tags);
        this.victims = counter(Family.LOCK_VICTIMS, tags);
        this.duration = timer();
        this.quarantined = counter(Family.ROWS_QUARANTINED, tags);
        for (Outcome outcome : Outcome.values()) {
            String word = outcome.name().toLowerCase(Locale.ROOT);
            rolledBack.put(outcome, counter(Family.BATCHES, tags.and(Label.OUTCOME, word)));
        }
        gauge(Family.BATCH_SIZE, size);
        gauge(Family.WORKERS_ACTIVE, workers);
    }

    void committed(long scannedKeys, long changedRows, Duration time) {
        committed.increment();
        scanned.increment((double) scannedKeys);
        changed.increment((double) changedRows);
        duration.record(time);
        size.set(scannedKeys);
    }

    void rolledBack(Outcome outcome) {
        requireNonNull(rolledBack.get(outcome)).increment();
    }

    void setAside() {
        quarantined.increment();
    }

    void gaveWay() {
        victims.increment();
    }

    void fenced() {
        fenced.increment();
    }

    void worker(boolean working) {
        workers.updateAndGet(before -> Math.max(0, working ? before + 1 : before - 1));
    }

    boolean isIdle() {
        return workers.get() == 0;
    }

    void held(String reason, Duration time) {
        held.computeIfAbsent(reason, word -> counter(Family.HOLD_SECONDS, tags.and(Label.REASON, word)))
                .increment((double) time.toNanos() / Duration.ofSeconds(1).toNanos());
    }

    /** Takes every series of the job away. */
    void remove() {
        all.forEach(registry::remove);
    }

    private Counter counter(Family family, Tags labels) {
        return kept(Counter.builder(family.metric())
                .description(family.help())
                .tags(labels)
                .register(registry));
    }

    private Timer timer() {
        return kept(Timer.builder(Family.BATCH_SECONDS.metric())
                .description(Family.BATCH_SECONDS.help())
                .tags(tags)
                .serviceLevelObjectives(BUCKETS)
                .register(registry));
    }

    private void gauge(Family family, Number value) {
        kept(Gauge.builder(family.metric(), value, Number::doubleValue)
                .description(family.help())
                .tags(tags)
                .register(registry));
    }

    private <M extends Meter> M kept(M meter) {
        all.add(meter);
        return meter;
    }
}
