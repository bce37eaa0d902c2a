package dev.backfill.orchestrator.site;

import dev.backfill.orchestrator.pacing.Hands;
import dev.backfill.orchestrator.processor.Plugins;
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
 * @param library what jobs are made of
 * @param hands the workers that may work at once
 */
public record Host(String name, String user, Timing timing, Library library, Hands hands) {

    /**
     * What jobs are made of.
     *
     * @param files reads job files
     * @param plugins the custom processors
     */
    public record Library(JobFiles files, Plugins plugins) {}

    /**
     * This process on this machine.
     *
     * @param timing how time passes
     * @param library what jobs are made of
     * @param workers how many workers may work at once
     * @return all hands free
     */
    public static Host here(Timing timing, Library library, int workers) {
        return new Host(hostName(), System.getProperty("user.name", "unknown"), timing, library, Hands.of(workers));
    }

    /**
     * Reads job files.
     *
     * @return safe for use by several threads
     */
    public JobFiles files() {
        return library.files();
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
