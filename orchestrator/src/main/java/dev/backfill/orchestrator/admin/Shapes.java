package dev.backfill.orchestrator.admin;

import dev.backfill.orchestrator.control.EventView;
import dev.backfill.orchestrator.control.JobView;
import dev.backfill.orchestrator.control.RunView;
import dev.backfill.orchestrator.control.SliceView;
import dev.backfill.orchestrator.registration.RegisteredJob;
import dev.backfill.orchestrator.replication.Signal;
import dev.backfill.orchestrator.report.Report;
import dev.backfill.orchestrator.report.Report.Tally;
import dev.backfill.orchestrator.report.TableState;
import dev.backfill.orchestrator.run.Quarantine;
import dev.backfill.orchestrator.run.RunStore;
import dev.backfill.orchestrator.signals.HealthSignal;
import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.throttle.Pace;
import dev.backfill.orchestrator.throttle.SignalReading;
import dev.backfill.orchestrator.throttle.SignalReading.Verdict;
import dev.backfill.orchestrator.throttle.SignalState;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BiFunction;
import java.util.stream.Stream;

/**
 * The JSON of what people see.
 *
 * @param signals what is read of a database's health now, for the run of a job
 */
record Shapes(BiFunction<String, String, List<SignalState>> signals) {

    private static final double PROGRESS_STEPS = 10_000;

    /**
     * A job with its latest run in each database.
     *
     * @param views at least one; the first says what is registered
     */
    Json job(List<JobView> views) {
        RegisteredJob registered = views.get(0).job();
        var identity = registered.job().definition().identity();
        Json job = Json.of("job", identity.name())
                .put("description", identity.description())
                .put("labels", labels(identity.labels()))
                .put("revision", registered.revision())
                .put("origin", registered.origin())
                .put("registered", registered.since());
        Json.member(registered.job().canonical(), "schedule").ifPresent(schedule -> job.put("schedule", schedule));
        return job.put(
                "runs",
                views.stream()
                        .flatMap(view -> view.run().stream())
                        .map(this::run)
                        .toList());
    }

    private static Json labels(Map<String, String> labels) {
        Json json = Json.empty();
        new TreeMap<>(labels).forEach(json::put);
        return json;
    }

    /** A run. */
    Json run(RunView run) {
        return Json.of("id", run.id().run())
                .put("database", run.id().database())
                .put("revision", run.id().revision())
                .put("state", run.status().state())
                .put("hold", run.status().hold().map(hold -> hold(hold, run.id())))
                .put("progress", part(run.progress()))
                .put("rows", rows(run))
                .put("eta", run.eta().map(eta -> eta.expected().toSeconds()))
                .put(
                        "eta-range",
                        run.eta()
                                .map(eta -> List.of(
                                        eta.least().toSeconds(), eta.most().toSeconds())))
                .put("created", run.times().created())
                .put("scheduled-for", run.times().scheduledFor())
                .put("started", run.times().started())
                .put("finished", run.times().finished())
                .put("reason", run.status().reason());
    }

    private static Json rows(RunView run) {
        return Json.of("scanned", run.rows().scanned())
                .put("changed", run.rows().changed())
                .put("quarantined", run.rows().quarantined())
                .put("remaining", run.remaining());
    }

    /** A part of a whole, never rounded up to all of it. */
    static double part(double part) {
        return Math.floor(part * PROGRESS_STEPS) / PROGRESS_STEPS;
    }

    /** A run that stands alone: it says of which job it is. */
    Json runOfJob(RunView run) {
        return Json.of("job", run.id().job()).putAll(run(run));
    }

    /** A hold; by a signal with its worst reading now. */
    private Json hold(RunView.Held hold, RunView.Id of) {
        List<SignalState> states = signals.apply(of.database(), of.job());
        Optional<String> signal = Optional.of(hold.reason())
                .filter(word -> Signal.of(word).isPresent()
                        || HealthSignal.of(word).isPresent()
                        || states.stream().anyMatch(state -> state.signal().equals(word)));
        Optional<SignalReading> worst = states.stream()
                .flatMap(state -> state.readings().stream())
                .filter(reading -> reading.signal().equals(hold.reason()))
                .max(Comparator.comparing(SignalReading::verdict).thenComparingDouble(SignalReading::value));
        return Json.of("reason", hold.reason())
                .put("since", hold.since())
                .put("signal", signal)
                .put("value", worst.map(reading -> rounded(reading.value())))
                .put("limit", worst.flatMap(Shapes::limit))
                .put("detail", hold.detail());
    }

    /** What is read of a signal; one that was never read, or not for too long, holds. */
    static Stream<Json> readings(SignalState signal) {
        return signal.readings().isEmpty() && !signal.up()
                ? Stream.of(reading(signal, Optional.empty()))
                : signal.readings().stream().map(reading -> reading(signal, Optional.of(reading)));
    }

    private static Json reading(SignalState signal, Optional<SignalReading> reading) {
        Verdict verdict = signal.up() ? reading.map(SignalReading::verdict).orElse(Verdict.GO) : Verdict.HOLD;
        return Json.of("signal", signal.signal())
                .put("source", reading.map(SignalReading::source).filter(source -> !source.isEmpty()))
                .put("value", reading.map(r -> rounded(r.value())))
                .put("limit", reading.flatMap(Shapes::limit))
                .put("age", signal.age().map(a -> rounded(a.toMillis() / 1e3)))
                .put("up", signal.up())
                .put("verdict", verdict.name().toLowerCase(Locale.ROOT));
    }

    private static Optional<Double> limit(SignalReading reading) {
        return reading.limit().isPresent() ? Optional.of(rounded(reading.limit().getAsDouble())) : Optional.empty();
    }

    /** A governor. */
    static Json governor(String name, Pace pace) {
        return Json.of("governor", name)
                .put("pace", pace.ratio())
                .put("detail", pace.reason().map(Pace.Reason::detail).orElse(""));
    }

    private static double rounded(double value) {
        return Math.round(value * 1_000) / 1e3;
    }

    /** A slice. */
    static Json slice(SliceView slice) {
        return Json.of("number", slice.number())
                .put("pass", slice.work().pass())
                .put("state", slice.work().state())
                .put("owner", slice.work().owner())
                .put("from", slice.bounds().from())
                .put("to", slice.bounds().to())
                .put("checkpoint", slice.bounds().checkpoint())
                .put(
                        "rows",
                        Json.of("scanned", slice.rows().scanned())
                                .put("changed", slice.rows().changed()))
                .put("batches", slice.rows().batches());
    }

    /** What was found when a range was checked, and the run that has come since. */
    static Json proof(String database, RunStore.Checked proof, Optional<RunStore.Newer> newer) {
        return Json.of("database", database)
                .put("run", proof.what().run())
                .put("revision", proof.what().revision())
                .put("range", Json.value(proof.range()))
                .put("snapshot", proof.snapshot())
                .put("at", proof.at())
                .put("remaining", proof.remaining())
                .put("quarantined", proof.what().quarantined())
                .put("state", proof.what().state())
                .put("newer-run", newer.map(run -> Json.of("run", run.run()).put("state", run.state())));
    }

    /** A key in quarantine. */
    static Json quarantined(Quarantine.Entry entry) {
        return failure(Optional.of(entry.key()), entry.failure(), entry.at());
    }

    /** What a run has paused itself for. */
    static Json obstacle(Quarantine.Obstacle obstacle) {
        return failure(obstacle.key(), obstacle.failure(), obstacle.at());
    }

    private static Json failure(Optional<Key> key, Quarantine.Failure failure, Instant at) {
        return Json.of("key", key.map(Key::parts))
                .put("error", failure.message())
                .put("sqlstate", failure.sqlState())
                .put("detail", failure.detail())
                .put("attempts", failure.attempts())
                .put("at", at);
    }

    /** An event. */
    static Json event(String database, EventView event) {
        return Json.of("id", event.id())
                .put("time", event.time())
                .put("database", database)
                .put(
                        "subject",
                        Json.of("kind", event.subject().kind())
                                .put("name", event.subject().name()))
                .put("run", event.subject().run())
                .put("from", event.change().from())
                .put("to", event.change().to())
                .put("who", event.who())
                .put("detail", Json.value(event.change().detail()));
    }

    /** What a run has done, cost and waited for. */
    static Json report(Report report) {
        RunView run = report.run();
        Tally tally = report.tally();
        List<Json> held = tally.held().entrySet().stream()
                .sorted(Map.Entry.<String, Duration>comparingByValue()
                        .reversed()
                        .thenComparing(Map.Entry::getKey))
                .map(reason -> Json.of("reason", reason.getKey()).put("seconds", seconds(reason.getValue())))
                .toList();
        return Json.of("run", run.id().run())
                .put("job", run.id().job())
                .put("database", run.id().database())
                .put("revision", run.id().revision())
                .put("state", run.status().state())
                .put("started", run.times().started())
                .put("finished", run.times().finished())
                .put("seconds", report.lasted().map(Shapes::seconds))
                .put("rows", rows(run))
                .put("rate", report.rate().map(rate -> Math.round(rate * 10) / 10.0))
                .put("held", held)
                .put(
                        "batches",
                        Json.of("committed", report.batches().committed())
                                .put("retried", report.batches().retried())
                                .put("split", report.batches().split())
                                .put("fenced", report.batches().fenced()))
                .put("wal", tally.wal())
                .put("worst-lag", tally.worstLag().map(Shapes::seconds))
                .put(
                        "lock-victims",
                        Json.of("count", tally.victims())
                                .put("freed-within", tally.freedWithin().map(Shapes::seconds)))
                .put("tables", report.tables().stream().map(Shapes::table).toList());
    }

    private static Json table(TableState table) {
        return Json.of("table", table.table())
                .put("dead", table.dead())
                .put("live", table.live())
                .put("vacuumed", table.vacuumed())
                .put("autovacuum-at", table.due())
                .put("advice", table.advice());
    }

    private static double seconds(Duration duration) {
        return duration.toMillis() / 1e3;
    }
}
