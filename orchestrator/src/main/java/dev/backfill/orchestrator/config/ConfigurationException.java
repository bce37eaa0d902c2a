package dev.backfill.orchestrator.config;

import java.util.List;

/** A configuration that cannot be used; carries every problem that was found. */
public final class ConfigurationException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    @SuppressWarnings("serial") // an immutable list of strings is serializable
    private final List<String> problems;

    /**
     * Gathers the problems.
     *
     * @param problems at least one, each a sentence with its place
     */
    public ConfigurationException(List<String> problems) {
        super(String.join("\n", problems));
        this.problems = List.copyOf(problems);
    }

    /**
     * What is wrong.
     *
     * @return the problems in the order of the file
     */
    public List<String> problems() {
        return problems;
    }
}
