package dev.backfill.orchestrator.metrics;

import dev.backfill.orchestrator.control.JobView;
import dev.backfill.orchestrator.control.RunView;
import dev.backfill.orchestrator.run.RunState;
import io.prometheus.metrics.model.snapshots.Labels;
import java.time.Instant;
import java.util.Optional;

/**
 * A job as it was seen last.
 *
 * @param name the job's name
 * @param run its latest run
 * @param lastSuccess when a run of it last succeeded, of those that were seen
 */
record ObservedJob(String name, Optional<RunView> run, Optional<Instant> lastSuccess) {

    static ObservedJob first(JobView view) {
        return new ObservedJob(view.job().name(), view.run(), success(view));
    }

    /** The job as it is now; a success is remembered while a newer run is under way. */
    ObservedJob next(JobView view) {
        return new ObservedJob(name, view.run(), success(view).or(() -> lastSuccess));
    }

    void show(String database, GaugePage page) {
        Labels labels = Labels.of(Label.BACKFILL, name, Label.DATABASE, database);
        Optional<RunState> state = run.map(view -> view.status().state());
        for (RunState each : RunState.values()) {
            boolean is = state.filter(each::equals).isPresent();
            page.add(Family.RUN_STATE, labels.add(Label.STATE, each.name()), is ? 1 : 0);
        }
        lastSuccess.ifPresent(at -> page.add(Family.LAST_SUCCESS, labels, at.toEpochMilli() / 1000.0));
        run.ifPresent(view -> show(view, labels, page));
    }

    private static void show(RunView view, Labels labels, GaugePage page) {
        page.add(Family.PROGRESS, labels, view.progress());
        page.add(Family.QUARANTINE_ROWS, labels, (double) view.rows().quarantined());
        view.remaining().ifPresent(rows -> page.add(Family.ROWS_REMAINING, labels, rows));
        view.eta()
                .map(eta -> eta.expected().toMillis())
                .ifPresent(millis -> page.add(Family.ETA, labels, millis / 1000.0));
        view.status().hold().ifPresent(hold -> page.add(Family.HOLD, labels.add(Label.REASON, hold.reason()), 1));
    }

    private static Optional<Instant> success(JobView view) {
        return view.run()
                .filter(run -> run.status().state() == RunState.SUCCEEDED)
                .flatMap(run -> run.times().finished());
    }
}
