package dev.backfill.orchestrator.engine;

import dev.backfill.api.BatchLimits;
import dev.backfill.api.Verification;
import dev.backfill.orchestrator.batch.BatchSizer;
import dev.backfill.orchestrator.batch.KeySearch;
import dev.backfill.orchestrator.batch.KnownPart;
import dev.backfill.orchestrator.batch.RemainingCount;
import dev.backfill.orchestrator.db.Horizon;
import dev.backfill.orchestrator.engine.Patience.Hopeless;
import dev.backfill.orchestrator.engine.Patience.Stopped;
import dev.backfill.orchestrator.pacing.Pacer;
import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.run.Run.FrozenRange;
import dev.backfill.orchestrator.run.Run.Proof;
import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.run.RunListener.Hold;
import dev.backfill.orchestrator.run.RunState;
import dev.backfill.orchestrator.run.SliceLeases;
import dev.backfill.orchestrator.slicing.Slicer;
import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.sql.KeyRange;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Proves that nothing is left: waits until no transaction that wrote behind a checkpoint can still commit, then counts
 * the rows that are still to do, in batches, never in one long snapshot.
 */
final class Verifier implements AutoCloseable {

    /**
     * What a check found.
     *
     * @param proof the count and its horizon; empty when the job wants none
     * @param firstKeys some of the rows left
     * @param beyond how many rows that came in beyond the end of the range are still to do; not counted
     */
    record Finding(Optional<Proof> proof, List<Key> firstKeys, long beyond) {

        /** What was found, in a line; empty when there is nothing to say. */
        String reason() {
            if (proof.isEmpty()) {
                return "unverified: the job says verify: none";
            }
            long remaining = proof.get().remaining();
            String left = "%d rows still meet `remaining`, the first at %s"
                    .formatted(remaining, firstKeys.stream().map(Key::toString).collect(Collectors.joining(", ")));
            String after = "%d rows beyond the end of the range, which came in since the start, meet `remaining` and"
                    + " are not counted";
            return Stream.of(remaining > 0 ? left : "", beyond > 0 ? after.formatted(beyond) : "")
                    .filter(part -> !part.isEmpty())
                    .collect(Collectors.joining("; "));
        }

        /** The same of a run that has set so many keys aside. */
        String reason(long aside) {
            String found = reason();
            return aside == 0
                    ? found
                    : "%d keys are in quarantine%s".formatted(aside, found.isEmpty() ? "" : "; " + found);
        }
    }

    private static final Logger LOG = LoggerFactory.getLogger(Verifier.class);
    private static final BatchLimits COUNTING = new BatchLimits(100_000, 1_000, 2_000_000, Duration.ofMillis(500));
    private static final Duration LOOK = Duration.ofMillis(100);
    private static final Duration ATTENTION = Duration.ofSeconds(1);
    private static final String BEFORE = "transactions that had written when the last batch committed are still open: ";

    private final RunContext context;
    private final Run run;
    private final SliceLeases leases;
    private final Timing timing;
    private final Session session;
    private final Pacer pacer;
    private volatile long lastClaim;
    private boolean lost;

    Verifier(RunContext context, Run run) {
        this.context = context;
        this.run = run;
        this.leases = context.stores().leases();
        this.timing = context.around().timing();
        this.session = new Session(context.sessions());
        this.pacer = context.pacer();
    }

    @Override
    public void close() {
        pacer.release();
        session.close();
    }

    /** Waits for the horizon and counts; empty when the run is no longer this process's to check. */
    Optional<Finding> verify() throws Hopeless, Stopped {
        String horizon = context.patience().call(() -> session.use(Horizon::now));
        if (!claim()) {
            return Optional.empty();
        }
        Stop keeping = new Stop(timing);
        startKeeping(keeping);
        try {
            return waitFor(horizon) ? check(horizon) : Optional.empty();
        } catch (Hopeless | Stopped e) {
            release();
            throw e;
        } finally {
            keeping.request();
        }
    }

    /** Keeps the right to check while one statement lasts. */
    private void startKeeping(Stop keeping) {
        Duration third = leases.lease().dividedBy(3);
        Runnable loop = () -> {
            while (!keeping.sleep(third)) {
                keep();
            }
        };
        WorkCrew.start("backfill " + run.revision().job() + " check", loop);
    }

    /** Prolongs it, but no longer than one statement can last: what hangs loses it. */
    private void keep() {
        var errors = context.execution().errors();
        Duration longest = errors.statementTimeout().plus(errors.lockTimeout()).plusSeconds(5);
        try {
            if (timing.since(lastClaim).compareTo(longest) < 0) {
                context.stores().runs().keepVerification(run.id(), leases.owner(), leases.lease());
            }
        } catch (RuntimeException e) {
            LOG.atDebug().setCause(e).log("the right to check was not prolonged this time");
        }
    }

    private Optional<Finding> check(String horizon) throws Hopeless, Stopped {
        JobStatement statement = context.statement();
        if (statement.job().verification() instanceof Verification.None) {
            return Optional.of(new Finding(Optional.empty(), List.of(), 0));
        }
        FrozenRange range = run.details().range().orElseThrow();
        Optional<KeyRange> nulls = range.nulls().map(end -> new KeyRange(new KeyRange.After(Key.NULLS), end));
        String started = run.details().started().orElseThrow();
        RemainingCount inside = new RemainingCount(statement, started);
        RemainingCount beyond = new RemainingCount(statement.ascending(), started);
        RemainingCount below = new RemainingCount(statement, started);
        Slicer slicer = new Slicer(statement);
        Optional<KeyRange> rows = slicer.rows(range);
        boolean mine = (rows.isEmpty() || count(inside, slices(rows.get()))) && count(inside, nulls);
        if (mine) {
            for (KeyRange cameIn : context.patience().call(() -> beyond(range, started))) {
                mine = mine && count(beyond, Optional.of(cameIn));
            }
        }
        Optional<KeyRange> under = context.patience().call(() -> session.use(open -> slicer.below(open, range)));
        mine = mine && count(below, under);
        if (!mine) {
            return Optional.empty();
        }
        Proof proof = new Proof(horizon, inside.rows());
        return Optional.of(new Finding(Optional.of(proof), inside.firstKeys(), beyond.rows() + below.rows()));
    }

    private List<KeyRange> beyond(FrozenRange range, String started) throws SQLException {
        return session.use(open -> new Slicer(context.statement().ascending()).beyond(open, range, started));
    }

    private boolean waitFor(String horizon) throws Hopeless, Stopped {
        RunListener listener = context.around().listener();
        boolean held = false;
        while (!context.patience().call(() -> session.use(open -> Horizon.isReached(open, horizon)))) {
            String open = context.patience().call(() -> session.use(Horizon::open));
            listener.held(run.id(), Hold.OPEN_TRANSACTIONS, BEFORE + open);
            held = true;
            if (context.around().stop().sleep(LOOK)) {
                throw new Stopped();
            }
            if (!claim()) {
                return false;
            }
        }
        if (held) {
            listener.released(run.id(), Hold.OPEN_TRANSACTIONS);
        }
        return true;
    }

    private boolean count(RemainingCount count, Optional<KeyRange> whole) throws Hopeless, Stopped {
        return count(count, whole.map(KnownPart::unknown).stream().toList());
    }

    private List<KnownPart> slices(KeyRange whole) throws Hopeless, Stopped {
        return context.patience().call(() -> session.use(open -> KnownPart.of(leases.tables(), open, run, whole)));
    }

    private boolean count(RemainingCount count, List<KnownPart> parts) throws Hopeless, Stopped {
        BatchSizer sizer = new BatchSizer(COUNTING);
        for (KnownPart part : parts) {
            if (!count(count, part, sizer)) {
                return false;
            }
        }
        return true;
    }

    private boolean count(RemainingCount count, KnownPart part, BatchSizer sizer) throws Hopeless, Stopped {
        KnownPart rest = part;
        while (true) {
            if (context.around().stop().isRequested()) {
                throw new Stopped();
            }
            if (!pacer.await(context.around().stop(), ATTENTION)) {
                if (!claim()) {
                    return false;
                }
                continue;
            }
            KnownPart left = rest;
            long start = timing.nanos();
            Optional<KeySearch.End> counted = context.patience().call(() -> next(count, left, sizer));
            if (counted.isEmpty()) {
                return false;
            }
            KeySearch.End end = counted.get();
            Duration took = timing.since(start);
            sizer.committed(end.keys(), took, took);
            boolean through = end.key().equals(part.range().upTo());
            if (through || !claim()) {
                return through;
            }
            rest = rest.behind(end);
        }
    }

    /** One batch of a count; empty when the run is no longer this process's to check. */
    private Optional<KeySearch.End> next(RemainingCount count, KnownPart rest, BatchSizer sizer) throws SQLException {
        try {
            Session.Use<KeySearch.End> batch = open -> count.next(open, rest, sizer.next());
            return lost
                    ? Optional.empty()
                    : Optional.of(session.useGivingWay(context.limits().yielding(), batch));
        } catch (SQLException e) {
            sizer.halve();
            lost = !claimAtOnce();
            throw e;
        }
    }

    /** Keeps the right to check this run, and sees when it is paused; asks the database once a second at most. */
    private boolean claim() throws Hopeless, Stopped {
        Duration third = leases.lease().dividedBy(3);
        Duration often = third.compareTo(ATTENTION) < 0 ? third : ATTENTION;
        boolean recent = lastClaim != 0 && timing.since(lastClaim).compareTo(often) < 0;
        return recent || context.tuned(this::claimNow);
    }

    private boolean claimNow() throws SQLException {
        lastClaim = timing.nanos();
        return session.use(
                open -> context.stores().runs().claimVerification(open, run.id(), leases.owner(), leases.lease()));
    }

    /** With a session that failed goes, for the others, who checks: the right is taken anew before any wait. */
    private boolean claimAtOnce() {
        try {
            return claimNow();
        } catch (SQLException e) {
            return true; // the database is away for all; whose the right is shows at the next claim
        }
    }

    /** Lets another process check at once; tried once, for the right runs out by itself. */
    private void release() {
        Stop atOnce = new Stop(timing);
        atOnce.request();
        try {
            context.patience(atOnce).call(() -> {
                context.stores().runs().releaseVerification(run.id(), leases.owner());
                return true;
            });
        } catch (Hopeless | Stopped e) {
            LOG.atDebug().setCause(e).log("could not give up the right to check");
        }
    }

    /** The state that a finding leads to, when no further pass is right. */
    static RunState verdict(Finding finding) {
        return finding.proof().filter(p -> p.remaining() > 0).isPresent() ? RunState.FAILED : RunState.SUCCEEDED;
    }
}
