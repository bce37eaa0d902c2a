package dev.backfill.api.processor;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The options of a job's processor. Each is asked for by its name; names that are never asked for are {@link #unknown}.
 *
 * <p>Not safe for use by several threads.
 */
public final class Options {

    private final Map<String, @Nullable Object> values;
    private final Set<String> asked = new LinkedHashSet<>();

    /** An option is missing or is not what it should be. */
    public static final class Refusal extends IllegalArgumentException {

        private static final long serialVersionUID = 1L;

        private final String option;

        /**
         * Refuses an option.
         *
         * @param option its name
         * @param message what is wrong with it, without its name
         */
        public Refusal(String option, String message) {
            super(message);
            this.option = option;
        }

        /**
         * Which one.
         *
         * @return the option's name
         */
        public String option() {
            return option;
        }
    }

    /**
     * Takes options as YAML and JSON have them.
     *
     * @param values by name: {@link String}, {@link Boolean}, {@link Long}, {@link java.math.BigInteger},
     *     {@link java.math.BigDecimal}, null, or a {@link List} or {@link Map} of these
     */
    public Options(Map<String, ?> values) {
        this.values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
    }

    /**
     * A text that must be there.
     *
     * @param name the option
     * @return the text, not blank
     * @throws Refusal when it is missing or no text
     */
    public String text(String name) {
        return optionalText(name).orElseThrow(() -> new Refusal(name, "is missing"));
    }

    /**
     * A text that may be left out.
     *
     * @param name the option
     * @return the text, not blank; empty when it is left out
     * @throws Refusal when it is no text
     */
    public Optional<String> optionalText(String name) {
        @Nullable Object value = value(name);
        if (value == null) {
            return Optional.empty();
        }
        if (value instanceof String text && !text.isBlank()) {
            return Optional.of(text);
        }
        throw new Refusal(name, "must be a text");
    }

    /**
     * A whole number.
     *
     * @param name the option
     * @param least the least that is allowed
     * @param most the most that is allowed
     * @return the number; empty when it is left out
     * @throws Refusal when it is no whole number, or out of bounds
     */
    public Optional<Long> number(String name, long least, long most) {
        @Nullable Object value = value(name);
        if (value == null) {
            return Optional.empty();
        }
        if (value instanceof Long number && number >= least && number <= most) {
            return Optional.of(number);
        }
        throw new Refusal(name, "must be a whole number from " + least + " to " + most);
    }

    /**
     * Yes or no.
     *
     * @param name the option
     * @return true or false; empty when it is left out
     * @throws Refusal when it is neither
     */
    public Optional<Boolean> flag(String name) {
        @Nullable Object value = value(name);
        if (value == null) {
            return Optional.empty();
        }
        if (value instanceof Boolean flag) {
            return Optional.of(flag);
        }
        throw new Refusal(name, "must be true or false");
    }

    /**
     * A list of texts.
     *
     * @param name the option
     * @return the texts in their order; empty when it is left out
     * @throws Refusal when it is no list, or one of its elements no text
     */
    public List<String> texts(String name) {
        @Nullable Object value = value(name);
        if (value == null) {
            return List.of();
        }
        if (value instanceof List<?> list && list.stream().allMatch(String.class::isInstance)) {
            return list.stream().map(String.class::cast).toList();
        }
        throw new Refusal(name, "must be a list of texts");
    }

    /**
     * An option of any form.
     *
     * @param name the option
     * @return its value as the job file has it; null when it is left out
     */
    public @Nullable Object value(String name) {
        asked.add(name);
        return values.get(name);
    }

    /**
     * What the job file says and nobody has asked for.
     *
     * @return names, in the file's order
     */
    public Set<String> unknown() {
        Set<String> unknown = new LinkedHashSet<>(values.keySet());
        unknown.removeAll(asked);
        return Collections.unmodifiableSet(unknown);
    }

    /**
     * What was asked for.
     *
     * @return names, in the order in which they were first asked for
     */
    public Set<String> known() {
        return Collections.unmodifiableSet(asked);
    }
}
