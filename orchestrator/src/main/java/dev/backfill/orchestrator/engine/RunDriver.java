package dev.backfill.orchestrator.engine;

import dev.backfill.orchestrator.batch.BatchRunner.Timeouts;
import dev.backfill.orchestrator.batch.SameTable;
import dev.backfill.orchestrator.db.TableFacts.Identity;
import dev.backfill.orchestrator.db.WorkerSessions;
import dev.backfill.orchestrator.engine.Patience.Hopeless;
import dev.backfill.orchestrator.engine.Patience.Stopped;
import dev.backfill.orchestrator.engine.Verifier.Finding;
import dev.backfill.orchestrator.pacing.Pacer;
import dev.backfill.orchestrator.run.Passes;
import dev.backfill.orchestrator.run.Passes.Followed;
import dev.backfill.orchestrator.run.Passes.Occupant;
import dev.backfill.orchestrator.run.Passes.Plan;
import dev.backfill.orchestrator.run.Passes.Rows;
import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.run.Run.Details;
import dev.backfill.orchestrator.run.Run.FrozenRange;
import dev.backfill.orchestrator.run.Run.TableWish;
import dev.backfill.orchestrator.run.RunListener.Hold;
import dev.backfill.orchestrator.run.RunState;
import dev.backfill.orchestrator.run.Slice.Bounds;
import dev.backfill.orchestrator.run.SliceStore;
import dev.backfill.orchestrator.slicing.Following;
import dev.backfill.orchestrator.slicing.Slicer;
import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Drives one run from whatever state it is in to its end, together with any other process that does the same. */
public final class RunDriver {

    private static final int MOST_PASSES = 3;
    private static final Duration LOOK = Duration.ofMillis(200);
    private static final Duration LOOK_AT_STATE = Duration.ofSeconds(1);

    private final RunContext context;
    private final Pacer pacer;
    private final SameTable table;
    private @Nullable Hold waitsFor;

    /**
     * For one run.
     *
     * @param context what its parts share
     */
    public RunDriver(RunContext context) {
        this.context = context;
        this.pacer = context.pacer();
        this.table = new SameTable(context.stores().leases().tables(), context.statement());
    }

    /**
     * Drives the run until it has ended, is paused, or work is asked to stop.
     *
     * @param seen the run as it was seen last
     * @return the run as it is then
     */
    public Run drive(Run seen) {
        Run run = seen;
        try {
            run = context.found();
            while (!context.around().stop().isRequested() && run.state().isMoving()) {
                if (pacer.await(context.around().stop(), LOOK_AT_STATE)) {
                    step(run);
                }
                run = told(run, context.found());
            }
            return run;
        } catch (Stopped e) {
            return run;
        } catch (Hopeless e) {
            return told(run, pausedBy(e));
        } finally {
            pacer.release();
        }
    }

    /**
     * Checks the range of an ended run again: a new proof, and no other state.
     *
     * @param run the run
     */
    public void check(Run run) {
        try (Verifier verifier = new Verifier(context, run)) {
            onItsTable(run);
            Optional<Finding> finding = verifier.verify();
            if (finding.isPresent()) {
                onItsTable(run); // counted was in what has the name
                String found = finding.get().reason();
                String reason = found.isEmpty() ? "no row meets `remaining`" : found;
                context.patience().call(() -> {
                    context.stores()
                            .transitions()
                            .concludeCheck(run, finding.get().proof(), reason);
                    return true;
                });
            }
        } catch (Stopped e) {
            return; // still asked for; whoever comes next checks
        } catch (Hopeless e) {
            context.stores().transitions().concludeCheck(run, Optional.empty(), String.valueOf(e.getMessage()));
        }
    }

    private Run told(Run before, Run after) {
        if (after.state() != before.state()) {
            context.around().listener().stateChanged(after);
        }
        return after;
    }

    private void step(Run run) throws Hopeless, Stopped {
        switch (run.state()) {
            case PENDING -> begin(run);
            case RUNNING -> work(onItsTable(run));
            case VERIFYING -> verify(onItsTable(run));
            case PAUSED, SUCCEEDED, FAILED, CANCELLED -> throw new IllegalStateException("nothing to do for " + run);
        }
    }

    /** Requires that the run has the table before it that it began with, and answers it. */
    private Run onItsTable(Run run) throws Hopeless, Stopped {
        return context.briefly(connection -> {
            table.require(connection, run.id());
            return run;
        });
    }

    private void begin(Run run) throws Hopeless, Stopped {
        if (isHeldBack(run, wish(List.of()))) {
            context.around().stop().sleep(LOOK_AT_STATE);
            return;
        }
        Slicer slicer = new Slicer(context.statement());
        context.briefly(connection -> {
            FrozenRange range = slicer.freeze(connection);
            long rows = slicer.estimate(connection, range);
            List<Bounds> slices = slicer.cut(connection, range, rows);
            TableWish wish = wish(table.key(connection));
            table.requireUnchanged(connection); // frozen was what has the name
            return passes().begin(run, new Plan(range, slices, new Rows(rows, Optional.empty())), wish);
        });
    }

    private TableWish wish(List<String> key) {
        Identity identity = context.statement().table().identity();
        boolean shared = context.statement().job().target().shareTable();
        return new TableWish(identity.root(), identity.oid(), shared, key);
    }

    /** Whether other jobs, or another run on the table, keep the run from beginning. */
    private boolean isHeldBack(Run run, TableWish wish) throws Hopeless, Stopped {
        Optional<String> unmet = context.patience().call(context.means().unmet()::get);
        Optional<String> busy = unmet.isPresent()
                ? unmet
                : context.patience()
                        .call(() -> passes().occupant(run.id(), wish).map(Occupant::display));
        Hold before = waitsFor;
        waitsFor = busy.isEmpty() ? null : unmet.isPresent() ? Hold.DEPENDS_ON : Hold.TABLE_BUSY;
        if (waitsFor != null) {
            context.around().listener().held(run.id(), waitsFor, busy.get());
        } else if (before != null) {
            context.around().listener().released(run.id(), before);
        }
        return waitsFor != null;
    }

    private Passes passes() {
        return context.stores().transitions().passes();
    }

    private void work(Run run) throws Hopeless, Stopped {
        Canary canary = canary(run);
        if (canary.isReached()) {
            context.patience().call(() -> {
                context.pauseAtCanary();
                return true;
            });
            return;
        }
        new WorkCrew(context, run, timeouts(), canary).work();
        boolean follows = context.statement().job().target().range().course().follow() && run.pass() == 1;
        if (!follows || context.around().stop().isRequested() || !context.briefly(this::follow)) {
            context.patience().call(() -> context.stores().transitions().beginVerifying(run.id()));
        }
    }

    /** One more round over the rows that came in meanwhile; false when there is none to make. */
    private boolean follow(Connection connection) throws SQLException {
        Optional<Followed> next = Following.next(passes().followed(context.run()));
        Run now = context.stores().runs().find(context.run()); // after that: no round can have been added since
        if (next.isEmpty() || now.state() != RunState.RUNNING) {
            return false;
        }
        Optional<Plan> plan = new Slicer(context.statement())
                .following(connection, now.details().range().orElseThrow());
        return plan.isPresent() && passes().follow(now, plan.get(), next.get());
    }

    /** The part after which the job wants the run to pause, unless it has been there. */
    private Canary canary(Run run) throws Hopeless, Stopped {
        Optional<BigDecimal> part = context.execution().schedule().pauseAfter();
        if (part.isEmpty()
                || run.pass() > 1
                || context.patience().call(() -> context.stores().runs().canaryPassed(run.id()))) {
            return Canary.none();
        }
        long all = run.details().estimatedRows().orElse(0L);
        long scanned = context.patience()
                .call(() -> context.stores().slices().progress(run.id()).rows().scanned());
        return Canary.after(part.get().multiply(BigDecimal.valueOf(all)).longValue(), scanned);
    }

    private void verify(Run run) throws Hopeless, Stopped {
        if (isCheckedElsewhere(run)) {
            context.around().stop().sleep(LOOK_AT_STATE);
            return;
        }
        Optional<Finding> finding;
        try (Verifier verifier = new Verifier(context, run)) {
            finding = verifier.verify();
        }
        if (finding.isEmpty()) {
            context.around().stop().sleep(LOOK);
            return;
        }
        onItsTable(run); // counted was in what has the name
        long remaining = finding.get().proof().map(Run.Proof::remaining).orElse(0L);
        long aside = context.patience()
                .call(() -> context.stores().slices().quarantine().count(run.id()));
        if (remaining > aside && context.patience().call(() -> deservesAnotherPass(run, remaining))) {
            nextPass(run, remaining);
            return;
        }
        context.patience()
                .call(() -> context.stores()
                        .transitions()
                        .conclude(
                                run,
                                aside > 0 ? RunState.FAILED : Verifier.verdict(finding.get()),
                                finding.get().proof(),
                                finding.get().reason(aside)));
    }

    private boolean isCheckedElsewhere(Run run) throws Hopeless, Stopped {
        String owner = context.stores().leases().owner();
        Optional<SliceStore.Foreign> other =
                context.patience().call(() -> context.stores().runs().foreignVerifier(run.id(), owner));
        other.ifPresent(f -> context.around().listener().waitingFor(run.id(), f.owner(), f.seconds()));
        return other.isPresent();
    }

    /**
     * Where the change may be made again, at most three times, and only while it helps. When exactly as many rows are left
     * as the first pass changed, the change does not end its own condition, and doing it again would do it twice.
     */
    private boolean deservesAnotherPass(Run run, long remaining) {
        long before = run.pass() > 1
                ? run.details().remaining().orElse(Long.MAX_VALUE)
                : context.stores().slices().progress(run.id()).rows().changed();
        boolean helped = run.pass() > 1 ? remaining < before : remaining != before;
        return context.statement().job().work().repeatable() && run.pass() < MOST_PASSES && helped;
    }

    private void nextPass(Run run, long remaining) throws Hopeless, Stopped {
        Details details = run.details();
        FrozenRange range = details.range().orElseThrow();
        long rows = details.estimatedRows().orElse(0L);
        context.briefly(connection -> {
            List<Bounds> slices = new Slicer(context.statement()).cut(connection, range, rows);
            return passes().beginAgain(run, new Plan(range, slices, new Rows(rows, Optional.of(remaining))));
        });
    }

    /** What cannot be mended by waiting pauses the run, with the message. */
    private Run pausedBy(Hopeless reason) {
        String message = String.valueOf(reason.getMessage());
        try {
            context.patience().call(() -> {
                context.pause(message, Optional.empty(), reason.failure());
                return true;
            });
            return context.found();
        } catch (Hopeless | Stopped e) {
            throw new IllegalStateException(message, reason);
        }
    }

    private Timeouts timeouts() throws Hopeless, Stopped {
        return Timeouts.of(context.execution().errors(), context.briefly(WorkerSessions::deadlockTimeout));
    }
}
