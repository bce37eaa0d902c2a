package dev.backfill.orchestrator.engine;

import dev.backfill.orchestrator.batch.SqlChange;
import dev.backfill.orchestrator.db.TableFacts;
import dev.backfill.orchestrator.db.WorkerSessions;
import dev.backfill.orchestrator.engine.RunContext.Limits;
import dev.backfill.orchestrator.engine.RunContext.Means;
import dev.backfill.orchestrator.engine.RunContext.Stores;
import dev.backfill.orchestrator.engine.RunContext.Surroundings;
import dev.backfill.orchestrator.pacing.Ceiling;
import dev.backfill.orchestrator.pacing.Hands;
import dev.backfill.orchestrator.pacing.Shares;
import dev.backfill.orchestrator.pacing.Steering;
import dev.backfill.orchestrator.pacing.Steering.Course;
import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.run.RunState;
import dev.backfill.orchestrator.run.SliceLeases;
import dev.backfill.orchestrator.run.SliceStore;
import dev.backfill.orchestrator.sessions.SessionSettings;
import dev.backfill.orchestrator.sql.KeyColumn;
import dev.backfill.orchestrator.sql.KeyColumns;
import dev.backfill.orchestrator.sql.SqlName;
import dev.backfill.orchestrator.testing.TestJobs;
import dev.backfill.orchestrator.testing.TestStores;
import dev.backfill.orchestrator.throttle.Throttle;
import dev.backfill.orchestrator.throttle.Yielding;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import dev.backfill.orchestrator.wal.OwnWal;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;

/** What the parts of a run share, in a database with the own tables and without the job's own. */
final class ContextFixture implements AutoCloseable {

    static final String RUN = "00000000-0000-7000-8000-000000000001";

    private final TestStores stores = new TestStores();
    private final WorkerSessions sessions;

    ContextFixture() throws SQLException {
        Duration second = Duration.ofSeconds(1);
        sessions = stores.database()
                .openWorkers(
                        new SessionSettings(
                                "test",
                                new SessionSettings.Timeouts(second, second),
                                "UTC",
                                stores.database().settings().session()),
                        1);
    }

    RunContext context(Throttle throttle, RunListener listener, Timing timing) {
        SliceLeases leases = new SliceLeases(stores.database().tables(), "test", Duration.ofSeconds(15));
        return new RunContext(
                RUN,
                statement(),
                new Stores(
                        stores.runs(),
                        stores.transitions(),
                        new SliceStore(stores.database()),
                        leases,
                        stores.events()),
                new Means(sessions, () -> new SqlChange(statement()), Optional::empty, Optional::empty, Map::of),
                new Surroundings(timing, new Random(1), listener, new Stop(timing), limits(throttle, timing)));
    }

    private static Limits limits(Throttle throttle, Timing timing) {
        Course course = new Course(statement().job().execution(), throttle);
        return new Limits(
                new Steering(Optional.empty(), course, tuned -> course),
                new Ceiling(timing, new OwnWal(timing)),
                new Shares(timing, () -> false).begin(RUN),
                Hands.of(1),
                new Yielding(timing, "backfill/fill"));
    }

    /** The run, which has not begun; there is no such table as it is for. */
    Run pending() throws SQLException {
        stores.addRun("fill", RUN, RunState.PENDING);
        return stores.runs().find(RUN);
    }

    private static JobStatement statement() {
        TableFacts table = new TableFacts(
                new TableFacts.Identity(1, 1, new SqlName(Optional.of("public"), "orders"), TableFacts.Kind.TABLE),
                List.of(),
                List.of(),
                new TableFacts.Publication(List.of(), true),
                new TableFacts.Size(Optional.empty(), 0));
        KeyColumns key = new KeyColumns(List.of(new KeyColumn("id", "bigint", false)), true, true);
        return new JobStatement(TestJobs.job("fill").definition(), table, key);
    }

    @Override
    public void close() throws SQLException {
        sessions.close();
        stores.close();
    }
}
