package dev.backfill.orchestrator.signals;

import dev.backfill.orchestrator.policy.Policy;
import java.sql.Connection;
import java.util.LinkedHashMap;
import java.util.Map;

/** Whether who looks may read the signals of the database's health. */
public final class SignalRights {

    private SignalRights() {}

    /**
     * Tries the signals that a run would give way to.
     *
     * @param connection as whoever looks, in autocommit mode
     * @param policy what it gives way to
     * @return what the server says of those that may not be read, by their words; nothing of what is wrong otherwise
     */
    public static Map<String, String> denied(Connection connection, Policy policy) {
        HealthProbe probe = new HealthProbe(connection, new Trend(0));
        Map<String, String> denied = new LinkedHashMap<>();
        policy.levels()
                .keySet()
                .forEach(word -> HealthSignal.of(word).flatMap(probe::denied).ifPresent(why -> denied.put(word, why)));
        return denied;
    }
}
