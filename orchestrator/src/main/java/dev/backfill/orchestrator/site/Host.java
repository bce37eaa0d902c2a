package dev.backfill.orchestrator.site;

import dev.backfill.orchestrator.engine.Hands;
import dev.backfill.orchestrator.registry.JobFiles;
import dev.backfill.orchestrator.timing.Timing;
import java.net.InetAddress;
import java.net.UnknownHostException;

/**
 * What all databases of this process share.
 *
 * @param name of this machine
 * @param user in whose name this process runs
 * @param timing how time passes
 * @param files reads job files
 * @param hands the workers that may work at once
 */
public record Host(String name, String user, Timing timing, JobFiles files, Hands hands) {

    /**
     * This process on this machine.
     *
     * @param timing how time passes
     * @param files reads job files
     * @param workers how many workers may work at once
     * @return all hands free
     */
    public static Host here(Timing timing, JobFiles files, int workers) {
        return new Host(hostName(), System.getProperty("user.name", "unknown"), timing, files, Hands.of(workers));
    }

    /**
     * In whose name this process writes.
     *
     * @return user and machine
     */
    public String who() {
        return user + "@" + name;
    }

    private static String hostName() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return "localhost";
        }
    }
}
