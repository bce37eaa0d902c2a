package dev.backfill.orchestrator.console;

import dev.backfill.orchestrator.db.SqlStates;
import dev.backfill.orchestrator.run.Checkpoints;
import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.run.RunProgress;
import dev.backfill.orchestrator.run.RunState;
import dev.backfill.orchestrator.run.RunStore;
import dev.backfill.orchestrator.run.Slice;
import dev.backfill.orchestrator.run.SliceStore;
import dev.backfill.orchestrator.timing.Timing;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What an operator sees of a run in the foreground: a bar where there is a terminal, plain lines elsewhere. */
public final class RunConsole implements RunListener, AutoCloseable {

    private static final Pattern NUMBER = Pattern.compile("[0-9.]+");
    private static final Duration TERMINAL_PERIOD = Duration.ofMillis(500);
    private static final Duration PLAIN_PERIOD = Duration.ofSeconds(5);
    private static final Duration SAID_AGAIN = Duration.ofSeconds(30);

    private final RunStore runs;
    private final SliceStore slices;
    private final Timing timing;
    private final Run run;
    private final PrintWriter err;
    private final boolean terminal;
    private final long start;
    private final CountDownLatch closed = new CountDownLatch(1);
    private final AtomicLong batches = new AtomicLong();
    private final AtomicLong retries = new AtomicLong();
    private final AtomicLong fenced = new AtomicLong();
    private final AtomicLong scanned = new AtomicLong();
    private volatile @Nullable String standing;
    private @Nullable String lastSaid;
    private long lastSaidAt;
    private @Nullable Thread drawing;

    /**
     * For one run.
     *
     * @param runs where its state is
     * @param slices where its progress is
     * @param timing how time passes
     * @param run the run
     * @param err where progress is written
     */
    public RunConsole(RunStore runs, SliceStore slices, Timing timing, Run run, PrintWriter err) {
        this.runs = runs;
        this.slices = slices;
        this.timing = timing;
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
                drawing.join(TERMINAL_PERIOD.multipliedBy(4).toMillis());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void batchCommitted(Slice slice, Checkpoints.Batch batch, Duration duration) {
        batches.incrementAndGet();
        scanned.addAndGet(batch.scanned());
        standing = null;
    }

    @Override
    public void batchRolledBack(Slice slice, Outcome outcome, String why) {
        retries.incrementAndGet();
        standing = "trying again: " + why;
    }

    @Override
    public void commitFenced(Slice slice) {
        fenced.incrementAndGet();
        say("slice %d had gone to another worker: the late commit was fenced off and rolled back"
                .formatted(slice.id().number()));
    }

    @Override
    public void held(String heldRun, Hold hold, String detail) {
        String text = "held: " + hold.word() + ": " + detail + "; " + hold.next();
        standing = text;
        sayOnce(NUMBER.matcher(text).replaceAll("0"), text);
    }

    @Override
    public void released(String heldRun, Hold hold) {
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
            say("every slice is done; checking that nothing is left");
        } else if (now.state() == RunState.RUNNING && now.pass() > 1) {
            say("pass %d over the rows that were left".formatted(now.pass()));
        }
    }

    /**
     * The last words: what became of the run and what to do next.
     *
     * @param ended the run as it is now
     * @param out where they are written
     */
    public void summarize(Run ended, PrintWriter out) {
        Optional<RunProgress> progress = progress();
        double seconds = Math.max(0.001, timing.since(start).toMillis() / 1000.0);
        String what = switch (ended.state()) {
            case SUCCEEDED ->
                "succeeded" + ended.details().reason().map(r -> " (" + r + ")").orElse("");
            case FAILED ->
                "failed: " + ended.details().reason().orElse("no reason given")
                        + "\nSee to these rows and call the same command again, which checks again;"
                        + " --again goes over the whole range in a new run";
            case CANCELLED -> "was cancelled";
            case PAUSED ->
                "is paused: " + ended.details().reason().orElse("no reason given")
                        + "\nMend it and call the same command again; nothing that was committed is done twice";
            case PENDING, RUNNING, VERIFYING -> "was interrupted; call the same command again to go on";
        };
        out.println("run %s of job %s %s".formatted(ended.id(), ended.revision().job(), what));
        progress.ifPresent(p -> out.println(String.format(
                Locale.ROOT,
                "%,d rows scanned, %,d changed, %,d batches in all; here %,d batches, %,d retries, %,d fenced commits,"
                        + " %.1f s, %,.0f rows/s",
                p.rows().scanned(),
                p.rows().changed(),
                p.batches(),
                batches.get(),
                retries.get(),
                fenced.get(),
                seconds,
                scanned.get() / seconds)));
        progress.filter(p -> p.rows().changed() > p.rows().scanned())
                .ifPresent(p -> out.println("warning: more rows were changed than scanned; the statement changes rows"
                        + " outside of :range, or rows more than once"));
        if (ended.state() == RunState.SUCCEEDED && ended.details().remaining().isPresent()) {
            out.println("proof: 0 rows left to do in the whole range");
        }
        out.flush();
    }

    private void draw() {
        try (ProgressView view = terminal ? ProgressView.bar(run.revision().job()) : ProgressView.lines(err)) {
            Duration period = terminal ? TERMINAL_PERIOD : PLAIN_PERIOD;
            while (!timing.await(closed, period)) {
                progress().ifPresent(p -> view.show(p, estimate(), timing.since(start), scanned.get(), standing));
            }
        }
    }

    private long estimate() {
        try {
            return runs.find(run.id()).details().estimatedRows().orElse(0L);
        } catch (RuntimeException e) {
            SqlStates.requireFromDatabase(e);
            return 0;
        }
    }

    private Optional<RunProgress> progress() {
        try {
            return Optional.of(slices.progress(run.id()));
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
