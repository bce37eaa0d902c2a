package dev.backfill.orchestrator.control;

import dev.backfill.orchestrator.control.RunQueue.NewRun;
import dev.backfill.orchestrator.control.Verb.Meaning;
import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.run.RunState;
import dev.backfill.orchestrator.run.RunStore;
import dev.backfill.orchestrator.run.RunTransitions;
import dev.backfill.orchestrator.timing.Timing;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;

/**
 * Carries out what people want of a job's latest run, by writing its state; who works it will see. Safe for use by
 * several threads.
 */
public final class RunControl {

    private static final int ATTEMPTS = 20;

    /** What became of a wish. */
    public sealed interface Answer {}

    /**
     * The aim is reached.
     *
     * @param changed false when it had been reached before
     */
    public record Reached(boolean changed) implements Answer {}

    /**
     * The state does not allow it.
     *
     * @param state the state of the latest run; empty when there is none
     * @param detail what can be done instead, in a sentence
     */
    public record NotAllowed(Optional<RunState> state, String detail) implements Answer {}

    private final RunStore runs;
    private final RunQueue queue;
    private final RunTransitions transitions;
    private final Function<String, OptionalInt> revision;
    private final Timing timing;

    /**
     * Over a database.
     *
     * @param runs the runs
     * @param queue where new runs are added
     * @param transitions their states
     * @param revision the registered revision of a job, by its name
     * @param timing the time that new ids begin with
     */
    public RunControl(
            RunStore runs,
            RunQueue queue,
            RunTransitions transitions,
            Function<String, OptionalInt> revision,
            Timing timing) {
        this.runs = runs;
        this.queue = queue;
        this.transitions = transitions;
        this.revision = revision;
        this.timing = timing;
    }

    /**
     * Carries out a wish.
     *
     * @param verb what is wanted
     * @param job the job's name
     * @param cause by whom and why
     * @return what became of it
     */
    public Answer act(Verb verb, String job, Cause cause) {
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            Optional<Run> latest = runs.latest(job);
            Optional<RunState> state = latest.map(Run::state);
            Meaning meaning = verb.in(state);
            if (meaning == Meaning.REACHED) {
                return new Reached(goesOn(verb) && handOver(latest.orElseThrow(), cause));
            } else if (meaning == Meaning.ILLEGAL) {
                return new NotAllowed(state, instead(verb, state));
            } else if (meaning == Meaning.NEW_RUN) {
                OptionalInt registered = revision.apply(job);
                if (registered.isEmpty()) {
                    return new NotAllowed(state, "the job is not registered, so there is nothing to start");
                }
                if (start(job, registered.getAsInt(), cause)) {
                    return new Reached(true);
                }
            } else if (meaning == Meaning.CHECK
                    && latest.flatMap(run -> run.details().range()).isEmpty()) {
                return new NotAllowed(state, "the run was ended before it began, so there is no range to check");
            } else if (meaning == Meaning.RETRY && isTableBusy(latest.orElseThrow())) {
                return new NotAllowed(
                        state, "another run has its table; retry once that has ended, or cancel that one");
            } else if (change(meaning, latest.orElseThrow(), cause)) {
                return new Reached(true);
            }
        }
        throw new IllegalStateException(
                "the run of job " + job + " changes faster than it can be told to " + verb.word());
    }

    private boolean isTableBusy(Run failed) {
        return transitions.passes().occupant(failed).isPresent();
    }

    private boolean start(String job, int registered, Cause cause) {
        NewRun run = NewRun.byHand(Run.newId(timing.now().toEpochMilli()), job, registered);
        return queue.inNameOf(cause.who()).insert(run, cause.reason());
    }

    private boolean change(Meaning meaning, Run run, Cause cause) {
        RunTransitions named = transitions.inNameOf(cause.who());
        return switch (meaning) {
            case PAUSE -> named.move(run, RunState.PAUSED, reason("paused", cause));
            case CANCEL -> named.move(run, RunState.CANCELLED, reason("cancelled", cause));
            case RESUME -> named.resume(run, cause.reason());
            case RETRY -> {
                handOver(run, cause);
                yield named.move(run, RunState.RUNNING, cause.reason());
            }
            case CHECK -> queue.inNameOf(cause.who()).askForCheck(run.id(), cause.reason());
            case REACHED, NEW_RUN, ILLEGAL -> throw new IllegalArgumentException("nothing to change: " + meaning);
        };
    }

    /** Who wants a run to go on wants that of one, too, whose foreground process is gone. */
    private static boolean goesOn(Verb verb) {
        return verb == Verb.START || verb == Verb.RESUME;
    }

    private boolean handOver(Run run, Cause cause) {
        return queue.inNameOf(cause.who()).handOver(run.id());
    }

    private static String reason(String what, Cause cause) {
        return what + " by " + cause.who() + (cause.reason().isEmpty() ? "" : ": " + cause.reason());
    }

    private static String instead(Verb verb, Optional<RunState> state) {
        if (state.isEmpty()) {
            return "the job has no run yet; start makes one";
        }
        String now = "the run is " + state.get();
        return switch (state.get()) {
            case PENDING -> now + " and begins by itself; pause and cancel are possible";
            case RUNNING -> now + "; pause and cancel are possible";
            case VERIFYING -> now + ": the range is being checked; pause and cancel are possible";
            case PAUSED -> now + "; resume and cancel are possible";
            case SUCCEEDED, CANCELLED -> now + "; start makes a new run, verify checks its range again";
            case FAILED ->
                now + "; retry works what it left, start makes a new run"
                        + (verb == Verb.RESUME ? "" : ", verify checks its range again");
        };
    }
}
