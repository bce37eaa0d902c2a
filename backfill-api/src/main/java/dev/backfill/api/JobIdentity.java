package dev.backfill.api;

import static java.util.Objects.requireNonNull;

import java.util.Map;
import java.util.regex.Pattern;

/**
 * How people name and find a job.
 *
 * @param name unique, made of {@code [a-z0-9-]}, beginning with a letter or digit, at most 63 characters
 * @param description a sentence for whoever reads a dashboard; may be empty
 * @param labels free key and value pairs, such as the team that owns the job
 */
public record JobIdentity(String name, String description, Map<String, String> labels) {

    private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9-]{0,62}");

    /**
     * Checks the name and copies the labels.
     *
     * @throws IllegalArgumentException when the name has another form
     */
    public JobIdentity {
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException("job must be made of a-z, 0-9 and -, at most 63 characters: " + name);
        }
        requireNonNull(description, "description");
        labels = Map.copyOf(labels);
    }
}
