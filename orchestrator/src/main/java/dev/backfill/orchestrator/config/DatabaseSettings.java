package dev.backfill.orchestrator.config;

import dev.backfill.orchestrator.addresses.DatabaseUrl;
import java.time.Duration;
import java.util.Optional;

/**
 * How one database is reached and used.
 *
 * @param name what it is called in job files and messages
 * @param login where it is and as whom
 * @param own the own tables
 * @param session what holds for every session of a batch
 * @param work how much may be done in it at once
 */
public record DatabaseSettings(String name, Login login, OwnSchema own, Session session, Work work) {

    /** The most workers that one process may have in a database. */
    public static final int MOST_WORKERS = 1_000;

    /**
     * How much may be done in a database at once.
     *
     * @param maxWorkers how many workers of this process work in it at once
     * @param cores how many cores its server has; 0 when that is not known
     * @param throttle what its runs give way to
     * @param monitor who looks at that; empty for the user itself
     */
    public record Work(int maxWorkers, int cores, ThrottleSettings throttle, Optional<Login> monitor) {
        /**
         * Checks the number of workers.
         *
         * @throws IllegalArgumentException when it is not from 1 to {@link #MOST_WORKERS}
         */
        public Work {
            if (maxWorkers < 1 || maxWorkers > MOST_WORKERS) {
                throw new IllegalArgumentException("max-workers must be from 1 to " + MOST_WORKERS);
            }
        }
    }

    /**
     * The own tables.
     *
     * @param schema their schema
     * @param upgrade whether they are created and brought up to date, or only checked
     * @param allTablesPublication whether they may be created under a publication FOR ALL TABLES
     * @param owner who creates them, and where, past a pooler; empty for the user itself
     */
    public record OwnSchema(String schema, boolean upgrade, boolean allTablesPublication, Optional<Login> owner) {
        /**
         * Tables that the user itself creates.
         *
         * @param schema their schema
         * @param upgrade whether they are created and brought up to date, or only checked
         * @param allTablesPublication whether they may be created under a publication FOR ALL TABLES
         */
        public OwnSchema(String schema, boolean upgrade, boolean allTablesPublication) {
            this(schema, upgrade, allTablesPublication, Optional.empty());
        }
    }

    /**
     * Where a database is and as whom it is used.
     *
     * @param url the driver's URL, without credentials
     * @param user the user; empty for the driver's default
     * @param password the password; empty when the server asks for none or a password file has it
     * @param pooled whether a pooler is there that gives each transaction another session of the server
     */
    public record Login(String url, Optional<String> user, Optional<String> password, boolean pooled) {
        /**
         * The server itself.
         *
         * @param url the driver's URL, without credentials
         * @param user the user; empty for the driver's default
         * @param password the password; empty when the server asks for none or a password file has it
         */
        public Login(String url, Optional<String> user, Optional<String> password) {
            this(url, user, password, false);
        }

        @Override
        public String toString() {
            return user.map(u -> u + " at ").orElse("") + DatabaseUrl.withoutSecrets(url);
        }
    }

    /**
     * What holds for every session of a batch.
     *
     * @param timeZone the time zone in which expressions are read
     * @param searchPath the search path; empty for the role's own
     * @param role the role taken on after connecting; empty for none
     * @param idleInTransactionTimeout when the server ends a transaction that waits for us; empty for never
     * @param synchronousCommit whether a batch waits for its WAL
     */
    public record Session(
            String timeZone,
            Optional<String> searchPath,
            Optional<String> role,
            Optional<Duration> idleInTransactionTimeout,
            boolean synchronousCommit) {

        private static final Duration LEAST_FOR_CHECKING = Duration.ofSeconds(10);

        /**
         * The same for a session that checks a job: no lease depends on it, and a slow machine has its time.
         *
         * @return with a time-out of ten seconds at least, unless there is none
         */
        public Session forChecking() {
            Optional<Duration> idle = idleInTransactionTimeout.map(
                    timeout -> timeout.compareTo(LEAST_FOR_CHECKING) < 0 ? LEAST_FOR_CHECKING : timeout);
            return new Session(timeZone, searchPath, role, idle, synchronousCommit);
        }
    }
}
