package dev.backfill.orchestrator.access;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.HexFormat;

/**
 * Bearer tokens: 256 random bits that their owner keeps. The daemon knows only their SHA-256, which needs no salt and no
 * slow hash, since nobody can try all of them.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6750">RFC 6750, Bearer Token Usage</a>
 */
public final class Token {

    /** What every token begins with, so that scanners for secrets find those that were lost. */
    public static final String PREFIX = "bf_";

    private static final int BYTES = 32;

    private Token() {}

    /**
     * Makes a token.
     *
     * @return the token; nobody else has it
     */
    public static String make() {
        byte[] bits = new byte[BYTES];
        new SecureRandom().nextBytes(bits);
        return PREFIX + Base64.getUrlEncoder().withoutPadding().encodeToString(bits);
    }

    /**
     * What the daemon is told of a token.
     *
     * @param token the token
     * @return its SHA-256 in 64 hexadecimal digits
     */
    public static String sha256(String token) {
        return HexFormat.of().formatHex(digest(token));
    }

    static byte[] digest(String token) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(token.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
