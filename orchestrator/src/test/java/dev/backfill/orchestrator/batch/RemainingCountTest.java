package dev.backfill.orchestrator.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.registry.LiveCheck;
import dev.backfill.orchestrator.registry.LiveCheck.Accepted;
import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.sql.KeyRange;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestJobs;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** How the rows are counted that are still to do. */
class RemainingCountTest {

    /** Rows that simple index scans have fetched for entries of an index, which a bitmap does not add to. */
    private static final String FETCHED =
            "SELECT coalesce(sum(idx_tup_fetch), 0) FROM pg_stat_user_indexes WHERE relname = '%s'";

    private static final String READ =
            "SELECT coalesce(sum(idx_tup_read), 0) FROM pg_stat_user_indexes WHERE relname = '%s'";

    private TestDatabase database;

    @BeforeEach
    void create() throws SQLException {
        database = TestPostgres.newest().newDatabase();
        database.execute(
                "CREATE TABLE t (id bigint PRIMARY KEY, n int, other int)",
                "CREATE TABLE done (id bigint PRIMARY KEY)",
                "INSERT INTO t SELECT g, CASE WHEN g > 19990 THEN NULL ELSE 0 END, g FROM generate_series(1, 20000) AS g",
                "INSERT INTO done SELECT generate_series(1, 19995)",
                "VACUUM ANALYZE t",
                "ANALYZE done",
                "UPDATE t SET other = 0");
    }

    @AfterEach
    void drop() throws SQLException {
        database.close();
    }

    @Test
    void what_a_row_itself_says_is_read_page_by_page_and_the_session_is_as_it_was() throws Exception {
        try (Connection session = database.connect()) {
            assertThat(counted(session, "n IS NULL")).isEqualTo(10);

            assertThat(session.getAutoCommit()).isTrue();
            assertThat(database.queryStrings("SHOW enable_indexscan")).containsExactly("on");
            try (var setting = session.createStatement().executeQuery("SHOW enable_indexscan")) {
                assertThat(setting.next()).isTrue();
                assertThat(setting.getString(1)).isEqualTo("on");
            }
        }
        awaitStatistics("t");
        assertThat(database.queryLong(FETCHED.formatted("t")))
                .as("rows by index scans: those of the first keys alone")
                .isLessThan(5_000);
    }

    @Test
    void what_has_to_be_looked_up_elsewhere_is_found_by_an_index() throws Exception {
        String elsewhere = "NOT EXISTS (SELECT FROM done d WHERE d.id = t.id)";
        try (Connection session = database.connect()) {
            assertThat(counted(session, elsewhere)).isEqualTo(5);
        }
        awaitStatistics("t");
        assertThat(database.queryLong(FETCHED.formatted("t"))).isPositive();
    }

    /** A fifth of the table, and what its first rows are. */
    private long counted(Connection session, String remaining) throws SQLException {
        RemainingCount count = new RemainingCount(statement(remaining), "2026-01-01T00:00:00Z");
        KeyRange range = new KeyRange(new KeyRange.After(Key.of("16000")), Key.of("20000"));
        KeySearch.End end = count.next(session, new KnownPart(range, 4_000), 10_000);
        assertThat(end).isEqualTo(new KeySearch.End(Key.of("20000"), 4_000));
        assertThat(count.firstKeys()).hasSize(5);
        return count.rows();
    }

    private JobStatement statement(String remaining) throws SQLException {
        String work = "sql: UPDATE t SET n = 1 WHERE :range\nverify: { remaining: \"" + remaining + "\" }";
        try (Connection checking = database.connect()) {
            checking.setAutoCommit(false);
            return ((Accepted) LiveCheck.check(TestJobs.on("t", "{ by: id }", work), checking)).statement();
        }
    }

    private void awaitStatistics(String table) {
        await().atMost(Duration.ofSeconds(20)).until(() -> database.queryLong(READ.formatted(table)) > 0);
    }
}
