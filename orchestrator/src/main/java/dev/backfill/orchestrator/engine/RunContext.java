package dev.backfill.orchestrator.engine;

import dev.backfill.api.BatchLimits;
import dev.backfill.api.Execution;
import dev.backfill.orchestrator.batch.BatchPlan;
import dev.backfill.orchestrator.batch.Change;
import dev.backfill.orchestrator.db.WorkerSessions;
import dev.backfill.orchestrator.engine.Patience.Hopeless;
import dev.backfill.orchestrator.engine.Patience.Stopped;
import dev.backfill.orchestrator.pacing.Ceiling;
import dev.backfill.orchestrator.pacing.Hands;
import dev.backfill.orchestrator.pacing.Pacer;
import dev.backfill.orchestrator.pacing.Shares.Share;
import dev.backfill.orchestrator.pacing.Steering;
import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.run.EventStore;
import dev.backfill.orchestrator.run.Quarantine;
import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.run.RunState;
import dev.backfill.orchestrator.run.RunStore;
import dev.backfill.orchestrator.run.RunTransitions;
import dev.backfill.orchestrator.run.SliceLeases;
import dev.backfill.orchestrator.run.SliceStore;
import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.throttle.Yielding;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/**
 * What everything that drives one run shares.
 *
 * @param run the run's id
 * @param statement the job on its table
 * @param stores the own tables
 * @param means what workers work with
 * @param around time, ears, limits and the wish to stop
 */
public record RunContext(String run, JobStatement statement, Stores stores, Means means, Surroundings around) {

    /**
     * What workers work with.
     *
     * @param sessions their sessions
     * @param changes what a worker does to the rows of its batches: a new one each time
     * @param unmet what keeps the run from beginning of the jobs that its own depends on, in a line; empty when nothing does
     * @param tuning what an operator has tuned of the run, as it is written down
     * @param weights what each run of the database that is worked now weighs a worker, by their ids
     */
    public record Means(
            WorkerSessions sessions,
            Supplier<Change> changes,
            Supplier<Optional<String>> unmet,
            Supplier<Optional<String>> tuning,
            Supplier<Map<String, Double>> weights) {}

    /**
     * How fast and with how many workers.
     *
     * @param steering how the run goes right now
     * @param ceiling what it may do in a second
     * @param share what it has beside other runs
     * @param hands the workers that this process may have at work
     * @param yielding how batches give way to who waits for them
     */
    public record Limits(Steering steering, Ceiling ceiling, Share share, Hands hands, Yielding yielding) {}

    /**
     * The own tables.
     *
     * @param runs runs
     * @param transitions their states
     * @param slices their slices
     * @param leases who works them
     * @param events the audit log
     */
    public record Stores(
            RunStore runs, RunTransitions transitions, SliceStore slices, SliceLeases leases, EventStore events) {}

    /**
     * Time, ears and the wish to stop.
     *
     * @param timing how time passes
     * @param random where jitter comes from
     * @param listener hears what happens
     * @param stop ends the work at the next batch boundary
     * @param limits how fast and with how many workers
     */
    public record Surroundings(Timing timing, RandomGenerator random, RunListener listener, Stop stop, Limits limits) {}

    WorkerSessions sessions() {
        return means.sessions();
    }

    /** How fast and how patiently, right now. */
    Execution execution() {
        return limits().steering().course().execution();
    }

    Limits limits() {
        return around.limits();
    }

    /** Takes what an operator has tuned since. */
    void tune() {
        limits().steering().tune(means.tuning().get());
    }

    /** The run as it is now, and how it is to go. */
    Run find() {
        tune();
        return stores.runs().find(run);
    }

    /** The same, as soon as the database answers. */
    Run found() throws Hopeless, Stopped {
        return patience().call(this::find);
    }

    /** Takes what was tuned and does what is to be done, as soon as the database answers. */
    <T> T tuned(Patience.Call<T> work) throws Hopeless, Stopped {
        return patience().call(() -> {
            tune();
            return work.call();
        });
    }

    /** Tells a worker's plan how large its batches may be now. */
    void limit(BatchPlan plan) {
        BatchLimits limits = execution().batch();
        boolean isBrief = limits().steering().course().throttle().wantsBrief();
        plan.limit(limits, limits().ceiling().cut(limits.max(), limits.min()), isBrief);
    }

    Pacer pacer() {
        return new Pacer(run, limits().steering(), around.listener(), around.timing());
    }

    Patience patience() {
        return patience(around.stop());
    }

    Patience patience(Stop stop) {
        return new Patience(run, around.listener(), stop::sleep, backoff());
    }

    /**
     * Does what is soon done over a session, with the hand of a worker: however many runs begin at once, their sessions are no
     * more than the hands.
     */
    <T> T briefly(Session.Use<T> use) throws Hopeless, Stopped {
        Hands.Hand hand = limits().hands().hand();
        Stop stop = around.stop();
        if (!hand.take(stop, () -> {})) {
            throw new Stopped();
        }
        try (Session session = new Session(sessions())) {
            return new Patience(run, around.listener(), duration -> hand.rest(stop, duration), backoff())
                    .call(() -> session.use(use));
        } finally {
            hand.giveBack();
        }
    }

    Patience.Backoff backoff() {
        return new Patience.Backoff(Duration.ofMillis(100), Duration.ofSeconds(2), around.random());
    }

    /** Pauses the run because it is as far as the job wants it to go unwatched. */
    void pauseAtCanary() {
        String part = execution()
                .schedule()
                .pauseAfter()
                .map(p -> p.movePointRight(2).stripTrailingZeros().toPlainString() + "%")
                .orElse("");
        String reason = "pause-after: " + part + " of the range is done; look at it, then resume";
        stores.transitions().pauseAtCanary(stores.runs().find(run), reason);
    }

    /** Pauses the run for an error, of one key if it is known, unless it has left its moving states meanwhile. */
    void pause(String reason, Optional<Key> key, Quarantine.Failure failure) {
        Run now = stores.runs().find(run);
        if (now.state().canBecome(RunState.PAUSED)) {
            stores.transitions().pause(now, reason, key, failure);
        }
    }
}
