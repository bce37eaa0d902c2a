package dev.backfill.orchestrator.wal;

import static org.assertj.core.api.Assertions.assertThat;

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
                meter.begin(session);
                write(session, SMALL, i != 1);
                assertThat(meter.end(session).bytes()).isBetween(LEAST_OF_SMALL, LEAST_OF_LARGE);
            }
            meter.begin(session);
            assertThat(meter.end(session).bytes()).as("nothing was written").isLessThan(LEAST_OF_SMALL / 100);
        });
    }

    @Test
    void since_version_18_what_others_write_meanwhile_does_not_count() throws Exception {
        with(18, (session, other) -> {
            meter.begin(session);
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
            meter.begin(session);
            second.begin(other);
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
            meter.begin(session);
            session.close();
            assertThat(meter.end(session)).isEqualTo(Written.UNKNOWN);
            assertThat(new Written.Sum().add(Written.UNKNOWN)).isZero();

            meter.begin(other);
            write(other, SMALL, true);
            assertThat(meter.end(other).bytes()).isGreaterThan(LEAST_OF_SMALL);
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
