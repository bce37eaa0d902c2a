package dev.backfill.orchestrator.signals;

import java.util.List;
import java.util.Optional;

/**
 * How each signal is asked. Each query answers rows of a source, a value, a detail and an alarm; those of tables take an
 * array of their oids, and answer an oid for the source. Our own sessions are those whose application_name begins with
 * backfill, whichever process they are of.
 */
final class HealthQueries {

    private static final String OTHERS = "a.application_name !~ '^backfill(/| |$)'";

    private static final String LOCK_STORM = """
            SELECT '', count(*), '', NULL FROM pg_catalog.pg_stat_activity a
            WHERE a.wait_event_type = 'Lock' AND a.datname = pg_catalog.current_database() AND %s
            """.formatted(OTHERS);

    /** By the catalog alone: pg_partition_tree would wait for the very DDL that is looked for. */
    private static final String TREES = """
            WITH RECURSIVE tree(root, oid) AS (
                SELECT o.oid, o.oid FROM pg_catalog.unnest(CAST(? AS oid[])) AS o(oid)
                UNION
                SELECT t.root, i.inhrelid FROM tree t JOIN pg_catalog.pg_inherits i ON i.inhparent = t.oid
            )
            """;

    /** An INSERT that waits behind CREATE INDEX waits for a weaker lock, and is none. */
    private static final String WAITING_DDL = TREES + """
            SELECT CAST(t.root AS text), 0,
                   coalesce(pg_catalog.string_agg('pid ' || l.pid || coalesce(' (' || a.application_name || ')', '')
                       || ' wants ' || l.mode || ' and waits for ' ||
                       (SELECT pg_catalog.string_agg('pid ' || b.pid || coalesce(' (' || h.application_name || ')', ''), ', ')
                        FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids(l.pid)) AS b(pid)
                        LEFT JOIN pg_catalog.pg_stat_activity h ON h.pid = b.pid), ', '), ''),
                   CASE WHEN count(l.pid) > 0 THEN 'DDL waits for the table' END
            FROM tree t
            LEFT JOIN pg_catalog.pg_locks l
              ON NOT l.granted AND l.relation = t.oid
             AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
             AND l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
            LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
            GROUP BY t.root
            """;

    private static final String ACTIVE_SESSIONS = """
            SELECT '', count(*), '', NULL FROM pg_catalog.pg_stat_activity a
            WHERE a.state = 'active' AND a.wait_event_type IS NULL AND a.pid <> pg_catalog.pg_backend_pid()
              AND a.backend_type IN ('client backend', 'parallel worker') AND %s
            """.formatted(OTHERS);

    /** Who waits for one statement for long is in no hurry, and who asks now and then is no application. */
    private static final String FOREGROUND = """
            SELECT '', count(*), '', NULL FROM pg_catalog.pg_stat_activity a
            WHERE a.state_change > pg_catalog.clock_timestamp() - interval '1 second' AND a.pid <> pg_catalog.pg_backend_pid()
              AND a.backend_type = 'client backend' AND %s
            """.formatted(OTHERS);

    private static final String LONG_TRANSACTION = """
            (SELECT '', coalesce(extract(epoch FROM pg_catalog.clock_timestamp() - x.since), 0), coalesce(x.who, ''), NULL
             FROM (SELECT) AS one
             LEFT JOIN (SELECT a.xact_start AS since, 'pid ' || a.pid || ' ' || a.application_name AS who
                        FROM pg_catalog.pg_stat_activity a
                        WHERE a.xact_start IS NOT NULL AND a.backend_type = 'client backend'
                          AND a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid() AND %s
                        UNION ALL
                        SELECT p.prepared, 'prepared transaction ' || p.gid FROM pg_catalog.pg_prepared_xacts p
                        WHERE p.database = pg_catalog.current_database()) AS x ON true
             ORDER BY x.since LIMIT 1)
            """.formatted(OTHERS);

    /** Whoever takes a snapshot takes over the age of the oldest transaction there is: that one is named, and ours last. */
    private static final String XMIN_AGE = """
            (SELECT '', coalesce(x.age, 0), coalesce(x.who, ''), NULL
             FROM (SELECT) AS one
             LEFT JOIN (SELECT greatest(pg_catalog.age(a.backend_xmin), pg_catalog.age(a.backend_xid)) AS age,
                               'pid ' || a.pid || ' ' || a.application_name AS who,
                               CASE WHEN pg_catalog.age(a.backend_xid) >= coalesce(pg_catalog.age(a.backend_xmin), 0) THEN 0
                                    WHEN %s THEN 1 ELSE 2 END AS rank
                        FROM pg_catalog.pg_stat_activity a WHERE a.pid <> pg_catalog.pg_backend_pid()
                        UNION ALL
                        SELECT greatest(pg_catalog.age(s.xmin), pg_catalog.age(s.catalog_xmin)), 'slot ' || s.slot_name, 0
                        FROM pg_catalog.pg_replication_slots s WHERE s.wal_status IS DISTINCT FROM 'lost'
                        UNION ALL
                        SELECT pg_catalog.age(r.backend_xmin), 'standby ' || r.application_name, 0
                        FROM pg_catalog.pg_stat_replication r
                        UNION ALL
                        SELECT pg_catalog.age(p.transaction), 'prepared transaction ' || p.gid, 0
                        FROM pg_catalog.pg_prepared_xacts p) AS x ON x.age IS NOT NULL
             ORDER BY x.age DESC NULLS LAST, x.rank LIMIT 1)
            """.formatted(OTHERS);

    private static final String ARCHIVE_BACKLOG = """
            SELECT '', CASE WHEN s.on_ THEN (SELECT count(*) FROM pg_catalog.pg_ls_archive_statusdir() f
                                             WHERE f.name LIKE '%.ready') ELSE 0 END, '',
                   CASE WHEN s.on_ AND a.last_failed_time > coalesce(a.last_archived_time, '-infinity')
                        THEN 'the archiver fails since ' || date_trunc('second', a.last_failed_time) || ' at '
                             || a.last_failed_wal END
            FROM pg_catalog.pg_stat_archiver a,
                 (SELECT pg_catalog.current_setting('archive_mode') <> 'off') AS s(on_)
            """;

    private static final String SLOT_RETENTION = """
            SELECT s.slot_name, greatest(0, pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(),
                       coalesce(CASE s.slot_type WHEN 'logical' THEN s.confirmed_flush_lsn END, s.restart_lsn))), '',
                   CASE WHEN s.safe_wal_size < least(1024 * 1024 * 1024, m.megabytes * 1024 * 1024 / 2)
                        THEN 'the slot is lost after ' || greatest(0, s.safe_wal_size) || ' bytes more' END
            FROM pg_catalog.pg_replication_slots s,
                 (SELECT CAST(setting AS bigint) FROM pg_catalog.pg_settings WHERE name = 'max_slot_wal_keep_size') AS m(megabytes)
            WHERE NOT s.temporary AND s.restart_lsn IS NOT NULL AND s.wal_status <> 'lost'
            """;

    private static final String AUTOVACUUM = TREES + """
            SELECT CAST(t.root AS text), count(v.pid), coalesce(pg_catalog.string_agg('pid ' || v.pid, ', '), ''),
                   CASE WHEN bool_or(a.query LIKE '%to prevent wraparound%') THEN 'vacuum against wraparound is at work' END
            FROM tree t
            LEFT JOIN pg_catalog.pg_stat_progress_vacuum v
              ON v.datname = pg_catalog.current_database() AND v.relid = t.oid
            LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = v.pid
            GROUP BY t.root
            """;

    private static final String DEAD_TUPLES = TREES + """
            SELECT CAST(t.root AS text),
                   coalesce(sum(s.n_dead_tup) / nullif(sum(s.n_dead_tup + s.n_live_tup), 0), 0), '', NULL
            FROM tree t
            LEFT JOIN pg_catalog.pg_stat_all_tables s ON s.relid = t.oid
            GROUP BY t.root
            """;

    private static final String CHECKPOINTS_UNTIL_16 =
            "SELECT '', checkpoints_req, CAST(checkpoints_timed + checkpoints_req AS text), NULL"
                    + " FROM pg_catalog.pg_stat_bgwriter";
    private static final String CHECKPOINTS =
            "SELECT '', num_requested, CAST(num_timed + num_requested AS text), NULL FROM pg_catalog.pg_stat_checkpointer";

    private static final int CHECKPOINTER_SINCE = 17;

    private HealthQueries() {}

    /** The query over the whole database on a server of this major version; empty when there is none. */
    static Optional<String> ofDatabase(HealthSignal signal, int major) {
        return switch (signal) {
            case LOCK_STORM -> Optional.of(LOCK_STORM);
            case ACTIVE_SESSIONS -> Optional.of(ACTIVE_SESSIONS);
            case FOREGROUND -> Optional.of(FOREGROUND);
            case LONG_TRANSACTION -> Optional.of(LONG_TRANSACTION);
            case XMIN_AGE -> Optional.of(XMIN_AGE);
            case ARCHIVE_BACKLOG -> Optional.of(ARCHIVE_BACKLOG);
            case SLOT_RETENTION -> Optional.of(SLOT_RETENTION);
            case CHECKPOINT_PRESSURE -> Optional.of(major < CHECKPOINTER_SINCE ? CHECKPOINTS_UNTIL_16 : CHECKPOINTS);
            case LOCK_WAITS, AUTOVACUUM, DEAD_TUPLES -> Optional.empty();
        };
    }

    /** The queries over the tables of runs. */
    static List<String> ofTables(HealthSignal signal) {
        return switch (signal) {
            case LOCK_STORM -> List.of(WAITING_DDL);
            case AUTOVACUUM -> List.of(AUTOVACUUM);
            case DEAD_TUPLES -> List.of(DEAD_TUPLES);
            case LOCK_WAITS,
                    ACTIVE_SESSIONS,
                    FOREGROUND,
                    LONG_TRANSACTION,
                    XMIN_AGE,
                    ARCHIVE_BACKLOG,
                    SLOT_RETENTION,
                    CHECKPOINT_PRESSURE -> List.of();
        };
    }
}
