package dev.backfill.orchestrator.registration;

import java.util.Optional;

/**
 * What a job in a file means, by what was seen and registered before: a file counts only when this daemon sees it change,
 * so that daemons with old and new copies of it do not undo each other's registrations.
 */
public final class Sighting {

    /** What to do about a job in a file. */
    public enum Meaning {
        /** The file says what it said last; nothing is to be done. */
        UNCHANGED,
        /** The file says what is registered; only that it was seen is to be remembered. */
        SAME,
        /** The file's content is to be registered. */
        REGISTER,
        /** An older or newer copy of what is registered, or of what was unregistered; it counts once it changes. */
        OTHER_COPY
    }

    /**
     * The latest revision of a job.
     *
     * @param checksum of its content
     * @param active false once the job was unregistered
     */
    public record Registered(String checksum, boolean active) {}

    private Sighting() {}

    /**
     * What it means that a file holds a job.
     *
     * @param seen the checksum of what this daemon saw of the job in files last; empty when it saw none
     * @param registered the job's latest revision; empty when it was never registered
     * @param checksum of what the file says now
     * @return what to do about it
     */
    public static Meaning of(Optional<String> seen, Optional<Registered> registered, String checksum) {
        if (seen.filter(checksum::equals).isPresent()) {
            return Meaning.UNCHANGED;
        }
        boolean isRegistered = registered
                .filter(Registered::active)
                .filter(r -> r.checksum().equals(checksum))
                .isPresent();
        if (isRegistered) {
            return Meaning.SAME;
        }
        return seen.isPresent() || registered.isEmpty() ? Meaning.REGISTER : Meaning.OTHER_COPY;
    }
}
