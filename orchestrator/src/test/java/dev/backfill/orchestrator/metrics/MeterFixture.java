package dev.backfill.orchestrator.metrics;

import dev.backfill.orchestrator.control.JobView;
import dev.backfill.orchestrator.control.RunView;
import dev.backfill.orchestrator.registration.RegisteredJob;
import dev.backfill.orchestrator.registry.JobFiles;
import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.run.Checkpoints;
import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.run.RunState;
import dev.backfill.orchestrator.run.Slice;
import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.throttle.Pace;
import dev.backfill.orchestrator.throttle.SignalReading;
import dev.backfill.orchestrator.throttle.SignalState;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/** Jobs, runs and batches for metrics to show. */
public final class MeterFixture {

    static final String DATABASE = "main";
    static final Instant FINISHED = Instant.parse("2026-11-25T12:00:00.500Z");
    static final RunView.Rows HALF =
            new RunView.Rows(500, 500, 400, 3, new RunView.Whole(Optional.of(1000L), Optional.empty()));
    static final Slice SLICE = new Slice(
            new Slice.Id("0199", 1),
            new Slice.Lease("here", 1, 0),
            new Slice.Bounds(Optional.empty(), Key.of("9")),
            Optional.empty(),
            1);

    private MeterFixture() {}

    /** Meters in which every family has a series. */
    public static Meters full() {
        Meters meters = new Meters("1.2.3");
        meters.listener("orders", DATABASE);
        meters.held("orders", DATABASE, "window", Duration.ofMillis(1500));
        meters.observe(DATABASE, List.of(held("orders", "window"), succeeded("customers")));
        meters.observePaces(DATABASE, Map.of("window", new Pace(0.5, Optional.empty())));
        SignalReading reading =
                new SignalReading("replication-lag", "standby1", 2.5, OptionalDouble.of(5), SignalReading.Verdict.GO);
        meters.observeSignals(
                DATABASE,
                List.of(new SignalState(reading.signal(), Optional.of(Duration.ZERO), true, List.of(reading))));
        return meters;
    }

    static void commit(RunListener listener, long scanned, long changed, Duration duration) {
        listener.batchCommitted(SLICE, new Checkpoints.Batch(Key.of("5"), scanned, changed), duration);
    }

    static JobView withoutRun(String job) {
        return view(job, Optional.empty());
    }

    static JobView running(String job) {
        RunView.Status status = new RunView.Status(RunState.RUNNING, Optional.empty(), Optional.empty());
        return view(job, Optional.of(run(job, status, HALF, Optional.of(Duration.ofMillis(2500)))));
    }

    static JobView held(String job, String reason) {
        RunView.Held hold = new RunView.Held(reason, FINISHED, "closed");
        RunView.Status status = new RunView.Status(RunState.RUNNING, Optional.empty(), Optional.of(hold));
        return view(job, Optional.of(run(job, status, HALF, Optional.of(Duration.ofMillis(2500)))));
    }

    static JobView pending(String job) {
        RunView.Status status = new RunView.Status(RunState.PENDING, Optional.empty(), Optional.empty());
        RunView.Rows nothing = new RunView.Rows(0, 0, 0, 0, new RunView.Whole(Optional.empty(), Optional.empty()));
        return view(job, Optional.of(run(job, status, nothing, Optional.empty())));
    }

    static JobView succeeded(String job) {
        RunView.Status status = new RunView.Status(RunState.SUCCEEDED, Optional.empty(), Optional.empty());
        RunView.Rows all = new RunView.Rows(1000, 1000, 900, 0, new RunView.Whole(Optional.of(1000L), Optional.of(0L)));
        return view(job, Optional.of(run(job, status, all, Optional.empty())));
    }

    private static RunView run(String job, RunView.Status status, RunView.Rows rows, Optional<Duration> eta) {
        Optional<Instant> finished = status.state().isUnfinished() ? Optional.empty() : Optional.of(FINISHED);
        return new RunView(
                new RunView.Id("0199", job, 1, DATABASE),
                status,
                new RunView.Times(FINISHED, Optional.empty(), Optional.of(FINISHED), finished),
                rows,
                eta.map(e -> new RunView.Eta(e, e, e)));
    }

    private static JobView view(String job, Optional<RunView> run) {
        return new JobView(
                DATABASE,
                new RegisteredJob(loaded(job), 1, "api", FINISHED, new RegisteredJob.Plan(FINISHED, Optional.empty())),
                run);
    }

    private static LoadedJob loaded(String job) {
        String file = """
                version: 1
                job: %s
                table: public.orders
                range: { by: id }
                update: { set: { a: b }, where: a IS NULL }
                """.formatted(job);
        return new JobFiles(cron -> Optional.empty())
                .read("job.yaml", file.getBytes(StandardCharsets.UTF_8))
                .jobs()
                .get(0);
    }
}
