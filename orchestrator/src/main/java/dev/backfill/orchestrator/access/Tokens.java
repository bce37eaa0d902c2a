package dev.backfill.orchestrator.access;

import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/**
 * The tokens that the daemon knows. Immutable; shows no hash.
 *
 * @param known each with its owner
 */
public record Tokens(List<Known> known) {

    /** No token at all. */
    public static final Tokens NONE = new Tokens(List.of());

    private static final int BYTES = 32;

    /** What is known of one token. */
    public static final class Known {

        private final Caller owner;
        private final byte[] sha256;

        /**
         * A token.
         *
         * @param owner who has it
         * @param sha256 its SHA-256 in hexadecimal digits
         * @throws IllegalArgumentException when these are not 64 hexadecimal digits
         */
        public Known(Caller owner, String sha256) {
            this.owner = owner;
            this.sha256 = HexFormat.of().parseHex(sha256);
            if (this.sha256.length != BYTES) {
                throw new IllegalArgumentException("a SHA-256 has 64 hexadecimal digits");
            }
        }

        /**
         * Who has the token.
         *
         * @return its owner
         */
        public Caller owner() {
            return owner;
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Known known && known.owner.equals(owner) && Arrays.equals(known.sha256, sha256);
        }

        @Override
        public int hashCode() {
            return 31 * owner.hashCode() + Arrays.hashCode(sha256);
        }

        @Override
        public String toString() {
            return owner.toString();
        }
    }

    /** Copies. */
    public Tokens {
        known = List.copyOf(known);
    }

    /**
     * Whose token it is. Takes as long for a token that is nearly right as for any other.
     *
     * @param token as it was sent
     * @return empty when nobody's
     */
    public Optional<Caller> owner(String token) {
        byte[] digest = Token.digest(token);
        Optional<Caller> owner = Optional.empty();
        for (Known each : known) {
            if (MessageDigest.isEqual(each.sha256, digest)) {
                owner = Optional.of(each.owner);
            }
        }
        return owner;
    }

    /**
     * Whether there is none.
     *
     * @return whether nobody has a token
     */
    public boolean isEmpty() {
        return known.isEmpty();
    }
}
