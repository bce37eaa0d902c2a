package dev.backfill.orchestrator.engine;

import dev.backfill.api.BatchLimits;
import dev.backfill.api.Verification;
import dev.backfill.orchestrator.batch.BatchSizer;
import dev.backfill.orchestrator.batch.KeySearch;
import dev.backfill.orchestrator.batch.Statements;
import dev.backfill.orchestrator.engine.Patience.Hopeless;
import dev.backfill.orchestrator.engine.Patience.Stopped;
import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.run.Run.FrozenRange;
import dev.backfill.orchestrator.run.Run.Proof;
import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.run.RunListener.Hold;
import dev.backfill.orchestrator.run.RunState;
import dev.backfill.orchestrator.run.RunStore;
import dev.backfill.orchestrator.run.SliceLeases;
import dev.backfill.orchestrator.slicing.Slicer;
import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.sql.KeyRange;
import dev.backfill.orchestrator.sql.SqlFragment;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
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
     */
    record Finding(Optional<Proof> proof, List<Key> firstKeys) {}

    private static final Logger LOG = LoggerFactory.getLogger(Verifier.class);
    private static final BatchLimits COUNTING = new BatchLimits(10_000, 1_000, 500_000, Duration.ofMillis(500));
    private static final Duration LOOK = Duration.ofMillis(100);
    private static final Duration ATTENTION = Duration.ofSeconds(1);
    private static final String BEFORE = "transactions that began before the last batch committed are still open: ";
    private static final int KEYS_SHOWN = 5;

    private static final String OPEN = """
            SELECT coalesce(string_agg(who, ', '), 'whose, a role with pg_monitor can see') FROM (
                SELECT 'pid ' || pid || coalesce(' (' || nullif(application_name, '') || ')', '') AS who
                FROM pg_catalog.pg_stat_activity
                WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()
                UNION ALL SELECT 'prepared ' || gid FROM pg_catalog.pg_prepared_xacts LIMIT 10) AS open
            """;

    private final RunContext context;
    private final Run run;
    private final RunStore runs;
    private final SliceLeases leases;
    private final KeySearch search;
    private final Timing timing;
    private final Session session;
    private final Pacer pacer;
    private volatile long lastClaim;
    private boolean lost;

    Verifier(RunContext context, Run run) {
        this.context = context;
        this.run = run;
        this.runs = context.stores().runs();
        this.leases = context.stores().leases();
        this.search = new KeySearch(
                context.statement().tableName(), context.statement().key());
        this.timing = context.around().timing();
        this.session = new Session(context.sessions());
        this.pacer = new Pacer(context);
    }

    @Override
    public void close() {
        pacer.release();
        session.close();
    }

    /** Waits for the horizon and counts; empty when the run is no longer this process's to check. */
    Optional<Finding> verify() throws Hopeless, Stopped {
        String horizon = context.patience().call(() -> one("SELECT pg_snapshot_xmax(pg_current_snapshot())::text"));
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
                runs.keepVerification(run.id(), leases.owner(), leases.lease());
            }
        } catch (RuntimeException e) {
            LOG.atDebug().setCause(e).log("the right to check was not prolonged this time");
        }
    }

    private Optional<Finding> check(String horizon) throws Hopeless, Stopped {
        if (context.statement().job().verification() instanceof Verification.None) {
            return Optional.of(new Finding(Optional.empty(), List.of()));
        }
        FrozenRange range = run.details().range().orElseThrow();
        Count count = new Count();
        boolean mine = true;
        if (range.end().isPresent()) {
            mine = count(count, new KeyRange(Slicer.lower(range), range.end().get()));
        }
        if (mine && range.nulls().isPresent()) {
            mine = count(
                    count,
                    new KeyRange(new KeyRange.After(Key.NULLS), range.nulls().get()));
        }
        return mine
                ? Optional.of(new Finding(Optional.of(new Proof(horizon, count.rows)), count.keys))
                : Optional.empty();
    }

    private static final class Count {
        private long rows;
        private final List<Key> keys = new ArrayList<>();
    }

    private boolean waitFor(String horizon) throws Hopeless, Stopped {
        String reached = "SELECT pg_snapshot_xmin(pg_current_snapshot()) >= '" + horizon + "'::xid8";
        RunListener listener = context.around().listener();
        boolean held = false;
        while (!context.patience().call(() -> one(reached)).equals("t")) {
            String open = context.patience().call(() -> one(OPEN));
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

    private boolean count(Count count, KeyRange whole) throws Hopeless, Stopped {
        BatchSizer sizer = new BatchSizer(COUNTING);
        KeyRange rest = whole;
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
            KeyRange range = rest;
            long start = timing.nanos();
            Optional<KeySearch.End> counted = context.patience().call(() -> {
                try {
                    return lost
                            ? Optional.empty()
                            : Optional.of(session.use(open -> countBatch(open, count, range, sizer.next())));
                } catch (SQLException e) {
                    sizer.halve();
                    lost = !claimAtOnce();
                    throw e;
                }
            });
            if (counted.isEmpty()) {
                return false;
            }
            KeySearch.End end = counted.get();
            sizer.committed(end.keys(), timing.since(start));
            if (end.key().equals(whole.upTo())) {
                return true;
            }
            if (!claim()) {
                return false;
            }
            rest = new KeyRange(new KeyRange.After(end.key()), whole.upTo());
        }
    }

    private KeySearch.End countBatch(Connection connection, Count count, KeyRange rest, int size) throws SQLException {
        KeySearch.End end = search.find(connection, rest, size);
        KeyRange batch = new KeyRange(rest.lower(), end.key());
        String started = run.details().started().orElseThrow();
        long rows = Statements.queryLong(
                connection, context.statement().remaining(batch, started).orElseThrow());
        if (rows > 0 && count.keys.size() < KEYS_SHOWN) {
            count.keys.addAll(keys(connection, batch, started, KEYS_SHOWN - count.keys.size()));
        }
        count.rows += rows;
        return end;
    }

    private List<Key> keys(Connection connection, KeyRange batch, String started, int limit) throws SQLException {
        SqlFragment sql =
                context.statement().remainingKeys(batch, started, limit).orElseThrow();
        List<Key> keys = new ArrayList<>();
        try (PreparedStatement query = Statements.prepare(connection, sql);
                ResultSet row = query.executeQuery()) {
            while (row.next()) {
                keys.add(Statements.key(row));
            }
        }
        return keys;
    }

    /** Keeps the right to check this run, and sees when it is paused; asks the database once a second at most. */
    private boolean claim() throws Hopeless, Stopped {
        Duration third = leases.lease().dividedBy(3);
        Duration often = third.compareTo(ATTENTION) < 0 ? third : ATTENTION;
        boolean recent = lastClaim != 0 && timing.since(lastClaim).compareTo(often) < 0;
        return recent || context.patience().call(this::claimNow);
    }

    private boolean claimNow() throws SQLException {
        lastClaim = timing.nanos();
        return session.use(open -> runs.claimVerification(open, run.id(), leases.owner(), leases.lease()));
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
                runs.releaseVerification(run.id(), leases.owner());
                return true;
            });
        } catch (Hopeless | Stopped e) {
            LOG.atDebug().setCause(e).log("could not give up the right to check");
        }
    }

    private String one(String query) throws SQLException {
        return session.use(open -> {
            try (PreparedStatement statement = open.prepareStatement(query);
                    ResultSet row = statement.executeQuery()) {
                row.next();
                String value = row.getString(1);
                return value == null ? "" : value;
            }
        });
    }

    /** The state that a finding leads to, when no further pass is right. */
    static RunState verdict(Finding finding) {
        return finding.proof().filter(p -> p.remaining() > 0).isPresent() ? RunState.FAILED : RunState.SUCCEEDED;
    }
}
