package dev.backfill.orchestrator;

import dev.backfill.orchestrator.timing.Timing;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/** Which file counts where a job stands in several: the one that had it first, as long as it has it. One thread. */
final class FileOwners {

    /** An editor may take a file away for a moment. */
    private static final Duration GONE_FOR_GOOD = Duration.ofSeconds(3);

    private record Owner(String file, long seen) {}

    private final Timing timing;
    private final Predicate<String> isThere;
    private final Map<String, Set<String>> jobsOfFiles = new HashMap<>();
    private final Map<String, Owner> owners = new HashMap<>();

    /**
     * Of no file yet.
     *
     * @param timing measures how long a file is gone
     * @param isThere whether a file is there
     */
    FileOwners(Timing timing, Predicate<String> isThere) {
        this.timing = timing;
        this.isThere = isThere;
    }

    /** A file was read, and holds these jobs. */
    void holds(String file, Set<String> jobs) {
        jobsOfFiles.put(file, Set.copyOf(jobs));
    }

    /** From now on this file counts for a job. */
    void own(String job, String file) {
        owners.put(job, new Owner(file, timing.nanos()));
    }

    /** Whether some file counts for a job, or did. */
    boolean isOwned(String job) {
        return owners.containsKey(job);
    }

    /** The file that counts for a job; empty when there is none, or none any more. */
    Optional<String> of(String job) {
        Owner owner = owners.get(job);
        if (owner != null && isThere.test(owner.file())) {
            owner = new Owner(owner.file(), timing.nanos());
            owners.put(job, owner);
        }
        return Optional.ofNullable(owner)
                .filter(o -> timing.since(o.seen()).compareTo(GONE_FOR_GOOD) < 0)
                .map(Owner::file)
                .filter(file -> jobsOfFiles.getOrDefault(file, Set.of()).contains(job));
    }
}
