package dev.backfill.orchestrator.metrics;

import dev.backfill.orchestrator.control.JobView;
import dev.backfill.orchestrator.throttle.Pace;
import dev.backfill.orchestrator.throttle.SignalReading;
import dev.backfill.orchestrator.throttle.SignalState;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.InfoSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * What was seen last of the databases' jobs and governors, turned into series when somebody asks. A scrape shows all
 * jobs of a database as they were seen together. Safe for use by several threads.
 */
final class Observations implements MultiCollector {

    private final Map<String, Map<String, ObservedJob>> jobs = new ConcurrentHashMap<>();
    private final Map<String, Map<String, Pace>> paces = new ConcurrentHashMap<>();
    private final Map<String, List<SignalState>> signals = new ConcurrentHashMap<>();
    private final InfoSnapshot build;

    Observations(String version) {
        this.build = InfoSnapshot.builder()
                .name(Family.BUILD_INFO.metric())
                .help(Family.BUILD_INFO.help())
                .dataPoint(InfoSnapshot.InfoDataPointSnapshot.builder()
                        .labels(Labels.of(Label.VERSION, version))
                        .build())
                .build();
    }

    /** Replaces the jobs of a database; gives their names. */
    Set<String> jobs(String database, List<JobView> views) {
        Map<String, JobView> named = views.stream()
                .collect(Collectors.toMap(view -> view.job().name(), Function.identity(), (one, same) -> same));
        jobs.compute(database, (name, before) -> next(before == null ? Map.of() : before, named));
        return named.keySet();
    }

    /** Replaces the governors of a database. */
    void paces(String database, Map<String, Pace> now) {
        paces.put(database, Map.copyOf(now));
    }

    /** Replaces the signals of a database. */
    void signals(String database, List<SignalState> now) {
        signals.put(database, List.copyOf(now));
    }

    private static void show(String database, List<SignalState> signals, GaugePage page) {
        for (SignalState signal : signals) {
            Labels all = labels(database, signal.signal(), "");
            page.add(Family.SIGNAL_UP, all, signal.up() ? 1 : 0);
            signal.age().ifPresent(age -> page.add(Family.SIGNAL_AGE, all, age.toMillis() / 1e3));
            for (SignalReading reading : signal.readings()) {
                Labels labels = labels(database, reading.signal(), reading.source());
                page.add(Family.SIGNAL_VALUE, labels, reading.value());
                reading.limit().ifPresent(limit -> page.add(Family.SIGNAL_LIMIT, labels, limit));
            }
        }
    }

    private static Labels labels(String database, String signal, String source) {
        return Labels.of(Label.DATABASE, database, Label.SIGNAL, signal, Label.SOURCE, source);
    }

    @Override
    public MetricSnapshots collect() {
        GaugePage page = new GaugePage();
        jobs.forEach((database, seen) -> seen.values().forEach(job -> job.show(database, page)));
        paces.forEach((database, seen) -> seen.forEach((governor, pace) ->
                page.add(Family.PACE, Labels.of(Label.DATABASE, database, Label.GOVERNOR, governor), pace.ratio())));
        signals.forEach((database, states) -> show(database, states, page));
        List<MetricSnapshot> snapshots = new ArrayList<>(page.snapshots());
        snapshots.add(build);
        return new MetricSnapshots(snapshots);
    }

    private static Map<String, ObservedJob> next(Map<String, ObservedJob> before, Map<String, JobView> now) {
        return now.entrySet().stream().collect(Collectors.toUnmodifiableMap(Map.Entry::getKey, entry -> {
            ObservedJob known = before.get(entry.getKey());
            return known == null ? ObservedJob.first(entry.getValue()) : known.next(entry.getValue());
        }));
    }
}
