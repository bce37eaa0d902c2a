package dev.backfill.api;

import static java.util.Objects.requireNonNull;

/**
 * What is to be done: one revision of a job, as its file says it.
 *
 * @param identity how people name and find the job
 * @param target the table and the part of it that the job goes through
 * @param work the change that each batch makes
 * @param verification how the run proves that nothing is left
 * @param execution how fast and how patiently
 */
public record JobDefinition(
        JobIdentity identity, JobTarget target, Work work, Verification verification, Execution execution) {

    /** Checks that no part is missing. */
    public JobDefinition {
        requireNonNull(identity, "identity");
        requireNonNull(target, "target");
        requireNonNull(work, "work");
        requireNonNull(verification, "verification");
        requireNonNull(execution, "execution");
    }

    /**
     * The name under which the job is registered, unique in a database.
     *
     * @return the name, made of {@code [a-z0-9-]}
     */
    public String name() {
        return identity.name();
    }
}
