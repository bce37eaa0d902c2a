package dev.backfill.orchestrator.sessions;

import dev.backfill.orchestrator.config.DatabaseSettings;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What a session of a batch is set to.
 *
 * @param applicationName what {@code pg_stat_activity} shows, such as {@code backfill/orders-total-cents}
 * @param timeouts how long it may wait
 * @param timeZone the time zone in which expressions are read
 * @param session what the configuration says for every session of this database
 */
public record SessionSettings(
        String applicationName, Timeouts timeouts, String timeZone, DatabaseSettings.Session session) {

    /**
     * How long a session may wait.
     *
     * @param lock for one lock
     * @param statement for one statement
     */
    public record Timeouts(Duration lock, Duration statement) {
        /**
         * The longest that one batch can live: its statement, the wait for its checkpoint's row, and some slack.
         *
         * @return the sum of both and 5 s
         */
        public Duration batch() {
            return statement.plus(lock).plusSeconds(5);
        }
    }

    private static final int CONNECTION_CHECK_SINCE = 14;
    private static final int TRANSACTION_TIMEOUT_SINCE = 17;

    /**
     * All of it.
     *
     * @param serverVersion the server's major version
     * @return what it knows
     */
    public Parameters parameters(int serverVersion) {
        Map<String, String> settings = new LinkedHashMap<>();
        session.role().ifPresent(role -> settings.put("role", role));
        settings.put("application_name", applicationName);
        settings.put("lock_timeout", Parameters.milliseconds(timeouts.lock()));
        settings.put("statement_timeout", Parameters.milliseconds(timeouts.statement()));
        settings.put(
                "idle_in_transaction_session_timeout",
                session.idleInTransactionTimeout().map(Parameters::milliseconds).orElse("0"));
        if (serverVersion >= TRANSACTION_TIMEOUT_SINCE
                && session.idleInTransactionTimeout().isPresent()) {
            settings.put("transaction_timeout", Parameters.milliseconds(timeouts.batch()));
        }
        if (serverVersion >= CONNECTION_CHECK_SINCE) {
            settings.put("client_connection_check_interval", "1s");
        }
        settings.put("tcp_keepalives_idle", "5");
        settings.put("tcp_keepalives_interval", "5");
        settings.put("tcp_keepalives_count", "3");
        settings.put("row_security", "off");
        settings.put("synchronous_commit", session.synchronousCommit() ? "on" : "off");
        settings.put("default_transaction_isolation", "read committed");
        settings.put("standard_conforming_strings", "on");
        settings.put("DateStyle", "ISO");
        settings.put("extra_float_digits", "3");
        settings.put("bytea_output", "hex");
        settings.put("quote_all_identifiers", "off");
        settings.put("TimeZone", timeZone);
        Optional<String> path = session.searchPath();
        path.ifPresent(p -> settings.put("search_path", p));
        return new Parameters(settings);
    }
}
