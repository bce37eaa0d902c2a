package dev.backfill.orchestrator.access;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** What somebody may do. Each may do what those before it may. */
public enum Role {

    /** Looks at everything. */
    VIEWER,

    /** Steers runs too: starts, stops and tunes them. */
    OPERATOR,

    /** Registers jobs too, whose SQL the daemon then runs. */
    ADMIN;

    /**
     * The role of a word.
     *
     * @param word such as {@code operator}
     * @return empty when there is no role of that name
     */
    public static Optional<Role> of(String word) {
        return Arrays.stream(values()).filter(role -> role.word().equals(word)).findFirst();
    }

    /**
     * The role as it is written.
     *
     * @return its name in small letters
     */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * Whether somebody of this role may do what needs another.
     *
     * @param needed what is needed at least
     * @return whether it does
     */
    public boolean allows(Role needed) {
        return compareTo(needed) >= 0;
    }
}
