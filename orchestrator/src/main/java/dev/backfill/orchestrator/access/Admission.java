package dev.backfill.orchestrator.access;

import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Who is let in.
 *
 * @param tokens those who have one
 * @param anonymous what somebody without a token may do; empty for nothing
 * @param openProbes whether metrics and health are told to everybody
 */
public record Admission(Tokens tokens, Optional<Role> anonymous, boolean openProbes) {

    /** Everybody may do everything: what holds on the loopback interface while there are no tokens. */
    public static final Admission EVERYBODY = new Admission(Tokens.NONE, Optional.of(Role.ADMIN), true);

    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._@-]{1,63}");

    /**
     * Whether a token's owner may be called so.
     *
     * @param name such as {@code anna} or {@code anna@shop.example}
     * @return whether it is short, and made of letters, digits and {@code . _ @ -}
     */
    public static boolean isName(String name) {
        return NAME.matcher(name).matches();
    }
}
