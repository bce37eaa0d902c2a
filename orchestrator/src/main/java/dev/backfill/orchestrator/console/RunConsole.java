package dev.backfill.orchestrator.console;

import dev.backfill.orchestrator.db.SqlStates;
import dev.backfill.orchestrator.run.Checkpoints;
import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.run.RunState;
import dev.backfill.orchestrator.run.Slice;
import dev.backfill.orchestrator.run.SliceStore;
import dev.backfill.orchestrator.run.SliceStore.Progress;
import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.timing.Timing;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What an operator sees of a run in the foreground: a bar where there is a terminal, plain lines elsewhere. */
public final class RunConsole implements RunListener, AutoCloseable {

    private static final int MOST_SET_ASIDE = 20;
    private static final Pattern NUMBER = Pattern.compile("[0-9.]+");
    private static final Duration TERMINAL_PERIOD = Duration.ofMillis(250);
    private static final Duration PLAIN_PERIOD = Duration.ofSeconds(5);
    private static final Duration SAID_AGAIN = Duration.ofSeconds(30);

    private final Sources sources;
    private final Timing timing;
    private final Run run;
    private final PrintWriter err;
    private final boolean terminal;
    private final long start;
    private final CountDownLatch closed = new CountDownLatch(1);
    private final Tally tally;
    private final Speed speed = new Speed();
    private volatile @Nullable Lag worst;
    private volatile @Nullable String standing;
    private @Nullable String lastSaid;
    private long lastSaidAt;
    private @Nullable Thread drawing;

    /**
     * Where a run is looked at.
     *
     * @param slices where its progress is
     * @param outlook how far it has to go, by the run's id
     * @param lag of the standby that is furthest behind; empty while none is seen
     */
    public record Sources(
            SliceStore slices, Function<String, Optional<Outlook>> outlook, Supplier<Optional<Lag>> lag) {}

    /**
     * For one run.
     *
     * @param sources where it is looked at
     * @param timing how time passes
     * @param run the run
     * @param err where progress is written
     */
    public RunConsole(Sources sources, Timing timing, Run run, PrintWriter err) {
        this.sources = sources;
        this.timing = timing;
        this.tally = new Tally(timing);
        this.run = run;
        this.err = err;
        this.terminal = Boolean.getBoolean("backfill.terminal");
        this.start = timing.nanos();
    }

    /**
     * Begins to draw.
     *
     * @param database how the database is called
     * @return this, to be closed
     */
    public RunConsole open(String database) {
        err.println("job %s, run %s, database %s".formatted(run.revision().job(), run.id(), database));
        Thread thread = new Thread(this::draw, "progress");
        thread.setDaemon(true);
        thread.start();
        drawing = thread;
        return this;
    }

    @Override
    public void close() {
        closed.countDown();
        try {
            if (drawing != null) {
                drawing.join(TERMINAL_PERIOD.multipliedBy(8).toMillis());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void batchCommitted(Slice slice, Checkpoints.Batch batch, Duration duration) {
        tally.batchCommitted(slice, batch, duration);
        standing = null;
    }

    @Override
    public void batchRolledBack(Slice slice, Outcome outcome, String why) {
        tally.batchRolledBack(slice, outcome, why);
        standing = "trying again: " + why;
    }

    @Override
    public void setAside(Slice slice, Key key, String why) {
        long keys = tally.countAside();
        if (keys <= MOST_SET_ASIDE) {
            say("key " + key + " is set aside: " + why);
        } else if (keys == MOST_SET_ASIDE + 1) {
            say("more keys are set aside; the own table quarantine has them all");
        }
    }

    @Override
    public void commitFenced(Slice slice) {
        tally.commitFenced(slice);
        say("slice %d had gone to another worker: the late commit was fenced off and rolled back"
                .formatted(slice.id().number()));
    }

    @Override
    public void held(String heldRun, Hold hold, String detail) {
        tally.held(heldRun, hold, detail);
        String text = "held: " + hold.word() + ": " + detail + "; " + hold.next();
        standing = text;
        sayOnce(NUMBER.matcher(text).replaceAll("0"), text);
    }

    @Override
    public void released(String heldRun, Hold hold) {
        tally.released(heldRun, hold);
        standing = null;
    }

    @Override
    public void waitingFor(String waitingRun, String owner, long seconds) {
        String text = "waiting for " + owner + ", which works on what is left";
        standing = text;
        sayOnce(text, text + "; its lease ends in " + seconds + " s unless it prolongs it");
    }

    @Override
    public void stateChanged(Run now) {
        if (now.state() == RunState.VERIFYING) {
            standing = "checking that nothing is left";
            say("every slice is done; checking that nothing is left");
        } else if (now.state() == RunState.PAUSED) {
            standing = "paused: " + now.details().reason().orElse("no reason given");
        } else if (now.state() == RunState.RUNNING) {
            standing = null;
            if (now.pass() > 1) {
                say("pass %d over the rows that were left".formatted(now.pass()));
            }
        }
    }

    /**
     * The last words: what became of the run and what to do next.
     *
     * @param ended the run as it is now
     * @param out where they are written
     */
    public void summarize(Run ended, PrintWriter out) {
        Optional<Progress> progress = progress();
        double seconds = Math.max(0.001, timing.since(start).toMillis() / 1000.0);
        out.println("run %s of job %s %s".formatted(ended.id(), ended.revision().job(), outcome(ended)));
        progress.ifPresent(p -> out.println(String.format(
                Locale.ROOT,
                "%,d rows scanned, %,d changed, %,d batches in all; here %,d batches, %,d retries, %,d fenced commits,"
                        + " %.1f s, %,.0f rows/s",
                p.rows().scanned(),
                p.rows().changed(),
                p.batches(),
                tally.batches(),
                tally.retries(),
                tally.fenced(),
                seconds,
                tally.scanned() / seconds)));
        progress.filter(p -> p.rows().changed() > p.rows().scanned())
                .ifPresent(p -> out.println("warning: more rows were changed than scanned; the statement changes rows"
                        + " outside of :range, or rows more than once"));
        progress.map(p -> p.rows().quarantined())
                .filter(keys -> keys > 0)
                .ifPresent(keys -> out.println("quarantine: " + keys + " keys, with their errors in the own table"));
        Lag most = worst;
        if (most != null) {
            out.println(
                    "standbys: at worst %.1f s behind, with %.0f s allowed".formatted(most.seconds(), most.budget()));
        }
        out.println("held: " + held());
        if (ended.state() == RunState.SUCCEEDED && ended.details().remaining().isPresent()) {
            out.println("proof: 0 rows left to do in the whole range");
        }
        out.flush();
    }

    private static String outcome(Run ended) {
        return switch (ended.state()) {
            case SUCCEEDED ->
                "succeeded" + ended.details().reason().map(r -> " (" + r + ")").orElse("");
            case FAILED ->
                "failed: " + ended.details().reason().orElse("no reason given")
                        + "\nSee to these rows and call the same command again, which checks again;"
                        + " --again goes over the whole range in a new run, rows that are done included";
            case CANCELLED -> "was cancelled";
            case PAUSED ->
                "is paused: " + ended.details().reason().orElse("no reason given")
                        + "\nMend it and call the same command again; nothing that was committed is done twice";
            case PENDING, RUNNING, VERIFYING -> "was interrupted; call the same command again to go on";
        };
    }

    private String held() {
        String all = tally.held().entrySet().stream()
                .map(hold -> String.format(
                        Locale.ROOT, "%s %.1f s", hold.getKey(), hold.getValue().toMillis() / 1000.0))
                .collect(Collectors.joining(", "));
        return all.isEmpty() ? "not at all" : all;
    }

    private void draw() {
        try (ProgressView view = terminal ? ProgressView.bar() : ProgressView.lines(err)) {
            long shown = timing.nanos();
            while (!timing.await(closed, TERMINAL_PERIOD)) {
                Optional<Lag> lag = look();
                double rate = speed.at(timing.nanos(), tally.scanned());
                if (terminal || timing.since(shown).compareTo(PLAIN_PERIOD) >= 0) {
                    shown = timing.nanos();
                    moment(lag, rate).ifPresent(view::show);
                }
            }
            if (terminal) {
                moment(look(), speed.at(timing.nanos(), tally.scanned())).ifPresent(view::show);
            }
        }
    }

    private Optional<Lag> look() {
        Optional<Lag> lag = sources.lag().get();
        Lag before = worst;
        lag.filter(l -> before == null || l.seconds() > before.seconds()).ifPresent(l -> worst = l);
        return lag;
    }

    private Optional<Moment> moment(Optional<Lag> lag, double rate) {
        return progress()
                .map(progress -> new Moment(
                        progress,
                        outlook(),
                        rate,
                        tally.latestBatch(),
                        new Moment.Around(lag, Optional.ofNullable(standing))));
    }

    private Outlook outlook() {
        try {
            return sources.outlook().apply(run.id()).orElse(Outlook.NONE);
        } catch (RuntimeException e) {
            SqlStates.requireFromDatabase(e);
            return Outlook.NONE;
        }
    }

    private Optional<Progress> progress() {
        try {
            return Optional.of(sources.slices().progress(run.id()));
        } catch (RuntimeException e) {
            SqlStates.requireFromDatabase(e);
            return Optional.empty(); // the run itself says that the database is away
        }
    }

    /** Says what has not just been said. */
    private synchronized void sayOnce(String key, String text) {
        if (!key.equals(lastSaid) || timing.since(lastSaidAt).compareTo(SAID_AGAIN) > 0) {
            lastSaid = key;
            lastSaidAt = timing.nanos();
            say(text);
        }
    }

    private void say(String text) {
        if (!terminal) {
            err.println(text);
            err.flush();
        }
    }
}
