package dev.backfill.orchestrator.run;

import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.db.Stored;
import dev.backfill.orchestrator.run.Slice.Bounds;
import dev.backfill.orchestrator.sql.Key;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.PreparedBatch;

/** The slices of all runs, from outside of a batch. Safe for use by several threads. */
public final class SliceStore {

    /**
     * A slice that a worker is on.
     *
     * @param run the run's id
     * @param number the slice's
     * @param bounds where it lies
     * @param checkpoint the last key committed
     */
    public record Working(String run, int number, Bounds bounds, Optional<Key> checkpoint) {
        /**
         * Where the worker stands.
         *
         * @return the checkpoint, before the first one the slice's start
         */
        public Optional<Key> position() {
            return checkpoint.or(bounds::from);
        }
    }

    /**
     * Somebody else's right to a slice or to a check.
     *
     * @param owner the process
     * @param seconds until the right ends
     */
    public record Foreign(String owner, long seconds) {}

    /**
     * How far a run is, as the sums over its slices.
     *
     * @param rows what was done to rows
     * @param batches how many batches were committed
     * @param slices how many slices the present pass has
     * @param done how many of these are done
     */
    public record Progress(Rows rows, long batches, int slices, int done) {

        /**
         * What was done to rows.
         *
         * @param scanned keys gone over, in all passes
         * @param scannedInPass keys gone over in the present pass
         * @param changed rows changed, as the server counted them
         * @param quarantined keys in quarantine now
         */
        public record Rows(long scanned, long scannedInPass, long changed, long quarantined) {}

        /**
         * Whether every slice of the present pass is done.
         *
         * @return true when no slice is left
         */
        public boolean isDone() {
            return done == slices;
        }
    }

    private static final String RENEW = """
            UPDATE backfill.slice SET lease_until = clock_timestamp() + CAST(:lease AS interval)
            WHERE (run, number) IN (
                SELECT s.run, s.number FROM backfill.slice s
                JOIN unnest(CAST(:runs AS text[]), CAST(:numbers AS integer[]), CAST(:fences AS bigint[]))
                     AS mine(run, number, fence) ON mine.run = s.run AND mine.number = s.number AND mine.fence = s.fence
                WHERE s.owner = :owner AND s.state = 'RUNNING'
                FOR NO KEY UPDATE OF s SKIP LOCKED)
            """;

    private final Database database;
    private final Quarantine quarantine;

    /**
     * Over a database.
     *
     * @param database where the own tables are
     */
    public SliceStore(Database database) {
        this.database = database;
        this.quarantine = new Quarantine(database);
    }

    /**
     * What was passed over.
     *
     * @return the keys whose data cannot be processed
     */
    public Quarantine quarantine() {
        return quarantine;
    }

    /**
     * Adds the slices of a pass, inside the transaction that begins it.
     *
     * @param handle the transaction
     * @param run the run's id
     * @param pass which pass, from 1
     * @param bounds where they lie, in order
     */
    void insert(Handle handle, String run, int pass, List<Bounds> bounds) {
        if (bounds.isEmpty()) {
            return;
        }
        String sql = """
                INSERT INTO backfill.slice (run, number, pass, "from", "to")
                SELECT :run, coalesce(max(number), 0) + 1, :pass,
                       to_jsonb(CAST(:from AS text[])), to_jsonb(CAST(:to AS text[]))
                FROM backfill.slice WHERE run = :run
                """;
        PreparedBatch batch = handle.prepareBatch(database.tables().sql(sql));
        for (Bounds slice : bounds) {
            batch.bind("run", run)
                    .bind("pass", pass)
                    .bind("from", Stored.literal(slice.from().orElse(null)))
                    .bind("to", Stored.literal(slice.to()))
                    .add();
        }
        batch.execute();
    }

    /** Forgets which slices were taken from workers that were gone: a person has looked at them. */
    void forgetAttempts(Handle handle, String run) {
        String sql = "UPDATE backfill.slice SET attempts = 0 WHERE run = :run AND attempts > 0";
        handle.createUpdate(database.tables().sql(sql)).bind("run", run).execute();
    }

    /**
     * Prolongs the leases of this process's slices. A slice that its own batch has locked is passed over: the batch
     * prolongs it itself.
     *
     * @param leases which, and for how long
     * @param slices the slices that are being worked
     */
    public void renew(SliceLeases leases, Collection<Slice> slices) {
        if (slices.isEmpty()) {
            return;
        }
        database.jdbi()
                .useHandle(handle -> handle.createUpdate(database.tables().sql(RENEW))
                        .bind("lease", Stored.interval(leases.lease()))
                        .bind("owner", leases.owner())
                        .bind(
                                "runs",
                                array(slices.stream().map(s -> s.id().run()).toList()))
                        .bind(
                                "numbers",
                                array(slices.stream().map(s -> s.id().number()).toList()))
                        .bind(
                                "fences",
                                array(slices.stream()
                                        .map(s -> s.lease().fence())
                                        .toList()))
                        .execute());
    }

    /**
     * How far a run is.
     *
     * @param run the run's id
     * @return sums over its slices
     */
    public Progress progress(String run) {
        String sql = """
                SELECT coalesce(sum(rows_scanned), 0) AS scanned,
                       coalesce(sum(rows_scanned) FILTER (WHERE s.pass = newest.pass), 0) AS scanned_in_pass,
                       coalesce(sum(rows_changed), 0) AS changed,
                       (SELECT count(*) FROM backfill.quarantine WHERE run = :run) AS quarantined,
                       coalesce(sum(batches), 0) AS batches,
                       count(*) FILTER (WHERE s.pass = newest.pass) AS slices,
                       count(*) FILTER (WHERE s.pass = newest.pass AND s.state = 'DONE') AS done
                FROM backfill.slice s, (SELECT max(pass) AS pass FROM backfill.slice WHERE run = :run) AS newest
                WHERE s.run = :run
                """;
        return database.jdbi()
                .withHandle(handle -> handle.createQuery(database.tables().sql(sql))
                        .bind("run", run)
                        .map((row, context) -> new Progress(
                                new Progress.Rows(
                                        row.getLong("scanned"),
                                        row.getLong("scanned_in_pass"),
                                        row.getLong("changed"),
                                        row.getLong("quarantined")),
                                row.getLong("batches"),
                                row.getInt("slices"),
                                row.getInt("done")))
                        .one());
    }

    /**
     * The slices that workers are on, over all processes.
     *
     * @param run the run's id
     * @return in order
     */
    public List<Working> working(String run) {
        String sql = """
                SELECT number, %s AS "from", %s AS "to", %s AS checkpoint
                FROM backfill.slice s WHERE run = :run AND state = 'RUNNING' AND (%s) ORDER BY number
                """.formatted(
                        Stored.select("\"from\""),
                        Stored.select("\"to\""),
                        Stored.select("checkpoint"),
                        Stored.live("lease_until", "backend_pid", "s.backend_start"));
        return database.jdbi()
                .withHandle(handle -> handle.createQuery(database.tables().sql(sql))
                        .bind("run", run)
                        .map((row, context) -> new Working(
                                run,
                                row.getInt("number"),
                                new Bounds(
                                        Stored.read(row, "from"),
                                        Stored.read(row, "to").orElseThrow()),
                                Stored.read(row, "checkpoint")))
                        .list());
    }

    /**
     * Cuts a slice in two: the first part stays with its worker, the second is free. The batch that its worker has
     * under way will find the end moved and roll back.
     *
     * @param slice as it was seen
     * @param middle the new end of the first part
     * @return false when the slice is no longer as it was seen, and nothing was changed
     */
    public boolean split(Working slice, Key middle) {
        String cut = """
                UPDATE backfill.slice SET "to" = to_jsonb(CAST(:middle AS text[]))
                WHERE run = :run AND number = :number AND state = 'RUNNING'
                  AND "to" = to_jsonb(CAST(:to AS text[]))
                  AND checkpoint IS NOT DISTINCT FROM to_jsonb(CAST(:checkpoint AS text[]))
                RETURNING pass
                """;
        String lock = "SELECT id FROM backfill.run WHERE id = :run AND state = 'RUNNING' FOR NO KEY UPDATE";
        return database.jdbi().inTransaction(handle -> {
            if (handle.createQuery(database.tables().sql(lock))
                    .bind("run", slice.run())
                    .mapTo(String.class)
                    .findOne()
                    .isEmpty()) {
                return false;
            }
            Optional<Integer> pass = handle.createQuery(database.tables().sql(cut))
                    .bind("run", slice.run())
                    .bind("number", slice.number())
                    .bind("middle", Stored.literal(middle))
                    .bind("to", Stored.literal(slice.bounds().to()))
                    .bind("checkpoint", Stored.literal(slice.checkpoint().orElse(null)))
                    .mapTo(Integer.class)
                    .findOne();
            pass.ifPresent(p -> insert(
                    handle,
                    slice.run(),
                    p,
                    List.of(new Bounds(Optional.of(middle), slice.bounds().to()))));
            return pass.isPresent();
        });
    }

    /**
     * The process that others wait for, when all slices left are somebody's.
     *
     * @param run the run's id
     * @param owner this process
     * @return another process with a lease that still holds, and for how long
     */
    public Optional<Foreign> foreignLease(String run, String owner) {
        String sql = """
                SELECT owner, greatest(0, ceil(extract(epoch FROM lease_until - clock_timestamp()))) AS seconds
                FROM backfill.slice
                WHERE run = :run AND state = 'RUNNING' AND owner <> :owner AND lease_until >= clock_timestamp()
                ORDER BY number LIMIT 1
                """;
        return database.jdbi()
                .withHandle(handle -> handle.createQuery(database.tables().sql(sql))
                        .bind("run", run)
                        .bind("owner", owner)
                        .map((row, context) -> new Foreign(row.getString("owner"), row.getLong("seconds")))
                        .findOne());
    }

    private static String array(List<?> values) {
        return values.toString().replace('[', '{').replace(']', '}').replace(" ", "");
    }
}
