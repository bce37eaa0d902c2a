package dev.backfill.orchestrator.functional;

import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.TestDatabase;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;

/** The sessions that work jobs. */
final class Sessions {

    private Sessions() {}

    /** Waits until no session works this job. */
    static void awaitNone(TestDatabase database, String job) {
        await().dontCatchUncaughtExceptions()
                .atMost(Duration.ofSeconds(10))
                .pollInterval(Duration.ofMillis(20))
                .until(() -> of(database, job).isEmpty());
    }

    /** The sessions that work this job, by what they do. */
    static List<String> of(TestDatabase database, String job) throws SQLException {
        return database.queryStrings(
                "SELECT state FROM pg_stat_activity WHERE application_name = 'backfill/" + job + "'");
    }

    /** Waits until no session that works this job has a transaction. */
    static void awaitNoTransaction(TestDatabase database, String job) {
        await().dontCatchUncaughtExceptions()
                .atMost(Duration.ofSeconds(10))
                .pollInterval(Duration.ofMillis(20))
                .until(() -> of(database, job).stream().allMatch("idle"::equals));
    }
}
