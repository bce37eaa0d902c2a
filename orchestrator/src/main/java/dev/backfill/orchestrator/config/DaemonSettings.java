package dev.backfill.orchestrator.config;

import dev.backfill.orchestrator.access.Admission;
import dev.backfill.orchestrator.tls.CertificateFiles;
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
 * @param admin where the admin API listens, and who is let in
 */
public record DaemonSettings(
        Optional<Path> jobs, Optional<Path> stopFile, int workers, Optional<String> scheduler, Admin admin) {

    /** The most workers that a daemon may have. */
    public static final int MOST_WORKERS = 1_000;

    /** The highest number of a TCP port. */
    public static final int HIGHEST_PORT = 65_535;

    /**
     * Checks the number of workers.
     *
     * @throws IllegalArgumentException when it is not from 1 to {@link #MOST_WORKERS}
     */
    public DaemonSettings {
        if (workers < 1 || workers > MOST_WORKERS) {
            throw new IllegalArgumentException("workers must be from 1 to " + MOST_WORKERS);
        }
    }

    /**
     * Where the admin API listens, and who is let in.
     *
     * @param host an address, or a name of one
     * @param port a TCP port; 0 for any that is free
     * @param allowedHosts names in the {@code Host} header that are answered beside those of the loopback interface
     *     and the host itself; in small letters
     * @param admission who is let in
     * @param tls the certificate; empty for HTTP without TLS
     */
    public record Admin(
            String host, int port, List<String> allowedHosts, Admission admission, Optional<CertificateFiles> tls) {
        /**
         * Checks the port and copies the names.
         *
         * @throws IllegalArgumentException when there is no such port
         */
        public Admin {
            if (port < 0 || port > HIGHEST_PORT) {
                throw new IllegalArgumentException("port must be from 0 to " + HIGHEST_PORT);
            }
            allowedHosts = List.copyOf(allowedHosts);
        }
    }
}
