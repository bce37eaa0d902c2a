package dev.backfill.orchestrator.wal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What batches write, on real servers beside others who write, too. */
class WalMeterTest {

    private static final String SMALL = "INSERT INTO t SELECT g, repeat('x', 100) FROM generate_series(1, 1000) AS g";
    private static final String LARGE = "INSERT INTO t SELECT g, repeat('x', 100) FROM generate_series(1, 20000) AS g";
    private static final long LEAST_OF_SMALL = 100_000;
    private static final long LEAST_OF_LARGE = 2_000_000;

    private final WalMeter meter = new WalMeter();

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void every_batch_is_measured_also_one_that_was_rolled_back(int major) throws Exception {
        with(major, (session, other) -> {
            for (int i = 0; i < 3; i++) {
                meter.begin(session, true);
                write(session, SMALL, i != 1);
                assertThat(meter.end(session).bytes()).isBetween(LEAST_OF_SMALL, LEAST_OF_LARGE);
            }
            meter.begin(session, true);
            assertThat(meter.end(session).bytes()).as("nothing was written").isLessThan(LEAST_OF_SMALL / 100);
        });
    }

    @Test
    void since_version_18_what_others_write_meanwhile_does_not_count() throws Exception {
        with(18, (session, other) -> {
            meter.begin(session, true);
            write(session, SMALL, true);
            write(other, LARGE, true);
            Written written = meter.end(session);

            assertThat(written.isOwn()).isTrue();
            assertThat(written.bytes()).isBetween(LEAST_OF_SMALL, LEAST_OF_LARGE / 4);
        });
    }

    @Test
    void before_it_does_and_what_two_batches_have_seen_counts_once() throws Exception {
        with(14, (session, other) -> {
            WalMeter second = new WalMeter();
            meter.begin(session, true);
            second.begin(other, true);
            write(session, SMALL, true);
            write(other, LARGE, true);
            Written one = meter.end(session);
            Written two = second.end(other);

            assertThat(one.bytes()).isGreaterThan(LEAST_OF_LARGE);
            assertThat(two.bytes()).isGreaterThan(LEAST_OF_LARGE);
            Written.Sum sum = new Written.Sum();
            assertThat(sum.add(one) + sum.add(two))
                    .isBetween(LEAST_OF_SMALL + LEAST_OF_LARGE, one.bytes() + two.bytes() / 4);
        });
    }

    @Test
    void of_a_session_that_is_gone_nothing_is_known() throws Exception {
        with(18, (session, other) -> {
            meter.begin(session, true);
            session.close();
            assertThat(meter.end(session)).isEqualTo(Written.UNKNOWN);
            assertThat(new Written.Sum().add(Written.UNKNOWN)).isZero();

            meter.begin(other, true);
            write(other, SMALL, true);
            assertThat(meter.end(other).bytes()).isGreaterThan(LEAST_OF_SMALL);
        });
    }

    @Test
    void what_a_batch_wrote_that_went_unmeasured_is_no_other_s() throws Exception {
        with(18, (session, other) -> {
            meter.begin(session, true);
            write(session, SMALL, true);
            meter.end(session);

            meter.forget();
            write(session, LARGE, true);
            meter.begin(session, true);
            write(session, SMALL, true);
            assertThat(meter.end(session).bytes()).isBetween(LEAST_OF_SMALL, LEAST_OF_LARGE / 4);
        });
    }

    @Test
    void where_a_pooler_may_hand_out_another_session_the_log_itself_counts() throws Exception {
        with(18, (session, other) -> {
            meter.begin(session, false);
            write(other, LARGE, true);
            Written written = meter.end(session);

            assertThat(written.isOwn()).isFalse();
            assertThat(written.bytes()).isGreaterThan(LEAST_OF_LARGE);
        });
    }

    @Test
    void where_a_server_does_not_say_how_much_nothing_is_known() throws Exception {
        with(14, (session, other) -> {
            String role = "writer_" + System.nanoTime();
            write(session, "CREATE ROLE " + role, true);
            write(session, "REVOKE EXECUTE ON FUNCTION pg_current_wal_insert_lsn() FROM PUBLIC", true);
            try {
                write(other, "SET ROLE " + role, true);
                assertThatThrownBy(() -> meter.begin(other, true)).hasMessageContaining("pg_current_wal_insert_lsn");
                assertThat(meter.end(other)).isEqualTo(Written.UNKNOWN);
            } finally {
                write(other, "RESET ROLE", true);
                write(session, "DROP ROLE " + role, true);
            }
        });
    }

    private interface Check {
        void run(Connection session, Connection other) throws Exception;
    }

    private static void with(int major, Check check) throws Exception {
        try (TestDatabase database = TestPostgres.version(major).newDatabase();
                Connection session = database.connect();
                Connection other = database.connect()) {
            database.execute("CREATE TABLE t (id int, note text)");
            check.run(session, other);
        }
    }

    private static void write(Connection session, String sql, boolean isCommitted) throws SQLException {
        session.setAutoCommit(false);
        try (Statement statement = session.createStatement()) {
            statement.execute(sql);
        }
        if (isCommitted) {
            session.commit();
        } else {
            session.rollback();
        }
        session.setAutoCommit(true);
    }
}
