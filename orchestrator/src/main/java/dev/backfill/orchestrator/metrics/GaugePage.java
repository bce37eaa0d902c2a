package dev.backfill.orchestrator.metrics;

import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricMetadata;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** The gauges of one scrape, by family. One thread. */
final class GaugePage {

    private final Map<Family, List<GaugeDataPointSnapshot>> points = new EnumMap<>(Family.class);

    void add(Family family, Labels labels, double value) {
        points.computeIfAbsent(family, first -> new ArrayList<>()).add(new GaugeDataPointSnapshot(value, labels, null));
    }

    List<MetricSnapshot> snapshots() {
        List<MetricSnapshot> snapshots = new ArrayList<>();
        points.forEach((family, values) ->
                snapshots.add(new GaugeSnapshot(new MetricMetadata(family.metric(), family.help()), values)));
        return snapshots;
    }
}
