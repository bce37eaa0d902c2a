package dev.backfill.orchestrator.run;

import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.db.Stored;
import dev.backfill.orchestrator.run.Run.FrozenRange;
import dev.backfill.orchestrator.run.Run.TableWish;
import dev.backfill.orchestrator.run.Slice.Bounds;
import dev.backfill.orchestrator.sql.Key;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.Update;

/**
 * How a run takes its table, begins, follows the rows that come in, and goes over its range again. Each is one transaction
 * that wins or changes nothing. Safe for use by several threads.
 */
public final class Passes {

    /**
     * What a pass goes over.
     *
     * @param range the frozen range
     * @param slices in which parts
     * @param rows what is known of their number
     */
    public record Plan(FrozenRange range, List<Bounds> slices, Rows rows) {
        /** Copies the list. */
        public Plan {
            slices = List.copyOf(slices);
        }
    }

    /**
     * What is known of the rows of a pass.
     *
     * @param estimated the planner's figure for the range
     * @param remaining how many the check before it found still to do; empty before the first pass
     */
    public record Rows(long estimated, Optional<Long> remaining) {}

    /**
     * A run that another waits for.
     *
     * @param run its id
     * @param job its job
     * @param state its state
     */
    public record Occupant(String run, String job, RunState state) {
        /**
         * The run in a line.
         *
         * @return which it is and how it stands
         */
        public String display() {
            return "run %s of job %s, which is %s, has the table".formatted(run, job, state);
        }
    }

    /**
     * How far a run has followed the rows that come in.
     *
     * @param rounds how many rounds were begun
     * @param present for how long the present one has lasted, without the first pass
     * @param shortest the shortest round so far
     * @param noShorter how many rounds since then were no shorter
     */
    public record Followed(int rounds, Duration present, Duration shortest, int noShorter) {}

    /** A run has its table's rows and those of all that inherits from it; partitions are in pg_inherits too. */
    private static final String OTHERS = """
            WITH RECURSIVE own(oid) AS (
                SELECT unnest(CAST(ARRAY[:root, :table] AS oid[]))
                UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN own ON i.inhparent = own.oid
            ), other(run, oid) AS (
                SELECT r.id, unnest(ARRAY[r.table_oid, CAST("range"->>'table' AS oid)]) FROM backfill.run r
                WHERE r.table_oid IS NOT NULL AND r.id <> :id AND r.started IS NOT NULL
                  AND r.state IN ('RUNNING', 'PAUSED', 'VERIFYING')
                UNION SELECT other.run, i.inhrelid FROM pg_catalog.pg_inherits i JOIN other ON i.inhparent = other.oid
            )
            SELECT o.id, o.job, o.state FROM backfill.run o
            WHERE o.id IN (SELECT other.run FROM other JOIN own USING (oid))
            ORDER BY o.started LIMIT 1
            """;

    private static final String FREEZE = """
            "range" = jsonb_strip_nulls(jsonb_build_object('table', "range"->'table', 'key', "range"->'key'))
                || jsonb_build_object('from', CAST(:from AS text), 'start', to_jsonb(CAST(:start AS text[])), 'end', to_jsonb(CAST(:end AS text[])),
                'nulls', to_jsonb(CAST(:nulls AS text[])))
            """;

    private final Database database;
    private final SliceStore slices;
    private final EventStore events;

    Passes(Database database, SliceStore slices, EventStore events) {
        this.database = database;
        this.slices = slices;
        this.events = events;
    }

    /**
     * The run that has the table of another, which has not begun.
     *
     * @param run the other's id
     * @param wish its wish
     * @return the run that it waits for; empty when it need not wait
     */
    public Optional<Occupant> occupant(String run, TableWish wish) {
        return database.jdbi().withHandle(handle -> occupant(handle, run, wish));
    }

    /**
     * The run that has the table of one that has begun before.
     *
     * @param run the run, which has ended
     * @return the run that it would have to wait for; empty when it need not wait
     */
    public Optional<Occupant> occupant(Run run) {
        return database.jdbi().withHandle(handle -> wish(handle, run).flatMap(w -> occupant(handle, run.id(), w)));
    }

    /**
     * Begins a run: takes its table, freezes the range, adds the slices, and makes it RUNNING, all or nothing.
     *
     * @param run the run, PENDING
     * @param plan what it goes over
     * @param wish its wish for its table
     * @return false when the run is no longer in that state, or another has its table, and nothing was changed
     */
    public boolean begin(Run run, Plan plan, TableWish wish) {
        String sql = """
                UPDATE backfill.run SET table_oid = CAST(:root AS oid), shared = :shared,
                    "range" = "range" || jsonb_build_object('table', :table, 'key', to_jsonb(CAST(:key AS text[])))
                WHERE id = :id
                """;
        return database.jdbi().inTransaction(handle -> {
            lock(handle);
            if (occupant(handle, run.id(), wish).isPresent()) {
                return false;
            }
            return begin(handle, run, plan)
                    && handle.createUpdate(database.tables().sql(sql))
                                    .bind("root", wish.root())
                                    .bind("table", wish.table())
                                    .bind("shared", wish.shared())
                                    .bind("key", Stored.literal(new Key(wish.key())))
                                    .bind("id", run.id())
                                    .execute()
                            > 0;
        });
    }

    /**
     * Begins a further pass: all or nothing.
     *
     * @param run the run, VERIFYING
     * @param plan what it goes over again
     * @return false when the run is no longer in that state, and nothing was changed
     */
    public boolean beginAgain(Run run, Plan plan) {
        return database.jdbi().inTransaction(handle -> begin(handle, run, plan));
    }

    private boolean begin(Handle handle, Run run, Plan plan) {
        String sql = """
                UPDATE backfill.run SET state = 'RUNNING', pass = pass + 1, hold = NULL, quarantine_spent = 0,
                    started = coalesce(started, clock_timestamp()), estimated_rows = :estimate,
                    rows_remaining = :remaining,
                    verifier = NULL, verifier_until = NULL,
                """ + FREEZE + " WHERE id = :id AND state = :state AND pass = :pass";
        RunTransitions.requireLegal(run.state(), RunState.RUNNING);
        Update update = handle.createUpdate(database.tables().sql(sql))
                .bind("estimate", plan.rows().estimated())
                .bind("remaining", plan.rows().remaining().orElse(null))
                .bind("state", run.state().name())
                .bind("pass", run.pass());
        boolean changed = freeze(update, run, plan.range()) > 0;
        if (changed) {
            slices.quarantine().clear(handle, run.id());
            slices.insert(handle, run.id(), run.pass() + 1, plan.slices());
            events.stateChanged(handle, run.id(), Optional.of(run.state()), RunState.RUNNING, "");
        }
        return changed;
    }

    /**
     * How far a run has followed the rows that come in.
     *
     * @param run the run's id
     * @return no round before the first
     */
    public Followed followed(String run) {
        String sql = """
                SELECT coalesce(CAST(follow->>'rounds' AS integer), 0) AS rounds,
                       coalesce(CAST(extract(epoch FROM clock_timestamp() - CAST(follow->>'since' AS timestamptz)) * 1000
                           AS bigint), 0) AS present,
                       coalesce(CAST(follow->>'shortest' AS bigint), 0) AS shortest,
                       coalesce(CAST(follow->>'no-shorter' AS integer), 0) AS no_shorter
                FROM backfill.run WHERE id = :id
                """;
        return database.jdbi()
                .withHandle(handle -> handle.createQuery(database.tables().sql(sql))
                        .bind("id", run)
                        .map((row, context) -> new Followed(
                                row.getInt("rounds"),
                                Duration.ofMillis(row.getLong("present")),
                                Duration.ofMillis(row.getLong("shortest")),
                                row.getInt("no_shorter")))
                        .one());
    }

    /**
     * Adds the rows that came in beyond the end of a run whose slices are all done.
     *
     * @param run the run, RUNNING in its first pass, as it was seen
     * @param plan its range with the new end, the slices that are new, and how many rows these have
     * @param after how far it has followed with this round
     * @return false when it is no longer as it was seen, and nothing was changed
     */
    public boolean follow(Run run, Plan plan, Followed after) {
        String sql = """
                UPDATE backfill.run AS r SET estimated_rows = coalesce(estimated_rows, 0) + :estimate,
                    follow = jsonb_build_object('rounds', CAST(:rounds AS integer), 'since', clock_timestamp(),
                        'shortest', CAST(:shortest AS bigint), 'no-shorter', CAST(:no_shorter AS integer)),
                """ + FREEZE + """
                WHERE id = :id AND state = 'RUNNING' AND pass = :pass
                  AND coalesce(CAST(follow->>'rounds' AS integer), 0) = CAST(:rounds AS integer) - 1
                  AND NOT EXISTS (SELECT FROM backfill.slice WHERE run = r.id AND state <> 'DONE')
                """;
        return database.jdbi().inTransaction(handle -> {
            RunTransitions.lockRun(database.tables(), handle, run.id());
            Update update = handle.createUpdate(database.tables().sql(sql))
                    .bind("estimate", plan.rows().estimated())
                    .bind("rounds", after.rounds())
                    .bind("shortest", after.shortest().toMillis())
                    .bind("no_shorter", after.noShorter())
                    .bind("pass", run.pass());
            boolean changed = freeze(update, run, plan.range()) > 0;
            if (changed) {
                slices.insert(handle, run.id(), run.pass(), plan.slices());
            }
            return changed;
        });
    }

    /** Whether a run that has ended may have its table again; nobody takes any from then on in this transaction. */
    boolean mayTakeTable(Handle handle, Run run) {
        Optional<TableWish> wish = wish(handle, run);
        wish.ifPresent(w -> lock(handle));
        return wish.flatMap(w -> occupant(handle, run.id(), w)).isEmpty();
    }

    private Optional<TableWish> wish(Handle handle, Run run) {
        String sql = """
                SELECT CAST(table_oid AS bigint) AS root, shared,
                       coalesce(CAST("range"->>'table' AS bigint), CAST(table_oid AS bigint)) AS own
                FROM backfill.run WHERE id = :id AND table_oid IS NOT NULL
                """;
        return handle.createQuery(database.tables().sql(sql))
                .bind("id", run.id())
                .map((row, context) ->
                        new TableWish(row.getLong("root"), row.getLong("own"), row.getBoolean("shared"), List.of()))
                .findOne();
    }

    /**
     * Two that begin at the same moment would not see each other. One lock for all tables: which of them have rows in
     * common is only known while nobody else begins.
     */
    private void lock(Handle handle) {
        handle.createQuery("SELECT pg_advisory_xact_lock(hashtextextended(:own, 0)) IS NULL")
                .bind("own", "backfill " + database.tables().schema())
                .mapTo(Boolean.class)
                .one();
    }

    private Optional<Occupant> occupant(Handle handle, String run, TableWish wish) {
        if (wish.shared()) {
            return Optional.empty();
        }
        return handle.createQuery(database.tables().sql(OTHERS))
                .bind("root", wish.root())
                .bind("table", wish.table())
                .bind("id", run)
                .map((row, context) -> new Occupant(
                        row.getString("id"), row.getString("job"), RunState.valueOf(row.getString("state"))))
                .findOne();
    }

    private static int freeze(Update update, Run run, FrozenRange range) {
        return update.bind("from", range.from().orElse(null))
                .bind("start", Stored.literal(range.start().orElse(null)))
                .bind("end", Stored.literal(range.end().orElse(null)))
                .bind("nulls", Stored.literal(range.nulls().orElse(null)))
                .bind("id", run.id())
                .execute();
    }
}
