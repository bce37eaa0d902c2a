package dev.backfill.orchestrator.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class TokenTest {

    private static final Caller ANNA = new Caller("anna", Role.OPERATOR);
    private static final Caller BEN = new Caller("ben", Role.VIEWER);

    @Test
    void a_token_has_256_bits_and_is_never_made_again() {
        Set<String> made = new HashSet<>();
        for (int i = 0; i < 1_000; i++) {
            made.add(Token.make());
        }
        assertThat(made).hasSize(1_000).allSatisfy(token -> assertThat(token).matches("bf_[A-Za-z0-9_-]{43}"));
    }

    /** The example of FIPS 180-4. */
    @Test
    void what_is_known_of_it_is_its_sha256() {
        assertThat(Token.sha256("abc")).isEqualTo("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    @Test
    void each_token_is_its_owners_and_nobody_elses() {
        String annas = Token.make();
        String bens = Token.make();
        Tokens tokens = new Tokens(
                List.of(new Tokens.Known(ANNA, Token.sha256(annas)), new Tokens.Known(BEN, Token.sha256(bens))));

        assertThat(tokens.owner(annas)).contains(ANNA);
        assertThat(tokens.owner(bens)).contains(BEN);
        for (String other : List.of("", " " + annas, annas + "x", Token.sha256(annas), Token.make())) {
            assertThat(tokens.owner(other)).as(other).isEmpty();
        }
        assertThat(tokens.toString()).doesNotContain(Token.sha256(annas));
    }

    @Test
    void a_hash_that_is_none_is_refused() {
        for (String hash : List.of("", "ab", "zz".repeat(32), "ab".repeat(33))) {
            assertThatThrownBy(() -> new Tokens.Known(ANNA, hash)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void each_role_may_do_what_those_before_it_may() {
        assertThat(Role.VIEWER.allows(Role.VIEWER)).isTrue();
        assertThat(Role.VIEWER.allows(Role.OPERATOR)).isFalse();
        assertThat(Role.OPERATOR.allows(Role.VIEWER)).isTrue();
        assertThat(Role.OPERATOR.allows(Role.ADMIN)).isFalse();
        assertThat(Role.ADMIN.allows(Role.OPERATOR)).isTrue();
        assertThat(Role.of("operator")).contains(Role.OPERATOR);
        assertThat(Role.of("OPERATOR")).isEmpty();
    }
}
