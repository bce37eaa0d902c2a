package dev.backfill.orchestrator.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What only the daemon needs to know.
 *
 * @param jobs the directory of job files that is watched; empty for none
 * @param stopFile while a file of this name exists, nothing moves here; empty for none
 * @param workers how many workers of this daemon work at once, over all runs and databases
 * @param scheduler the name of the database that holds the scheduler's tables; empty when no database is configured
 * @param admin where the admin API listens
 */
public record DaemonSettings(
        Optional<Path> jobs, Optional<Path> stopFile, int workers, Optional<String> scheduler, Admin admin) {

    /**
     * Where the admin API listens.
     *
     * @param host an address of the loopback interface
     * @param port a TCP port; 0 for any that is free
     * @param allowedHosts names in the {@code Host} header that are answered beside those of the loopback interface
     */
    public record Admin(String host, int port, List<String> allowedHosts) {
        /** Copies the names. */
        public Admin {
            allowedHosts = List.copyOf(allowedHosts);
        }
    }
}
