package dev.backfill.orchestrator.registration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.registration.Sighting.Meaning;
import dev.backfill.orchestrator.registration.Sighting.Registered;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SightingTest {

    @ParameterizedTest(name = "seen {0}, registered {1} ({2}), now \"new\": {3}")
    @CsvSource(
            nullValues = "-",
            value = {
                "-,   -,     -,     REGISTER",
                "-,   new,   true,  SAME",
                "-,   new,   false, OTHER_COPY",
                "-,   other, true,  OTHER_COPY",
                "-,   other, false, OTHER_COPY",
                "new, -,     -,     UNCHANGED",
                "new, new,   true,  UNCHANGED",
                "new, new,   false, UNCHANGED",
                "new, other, true,  UNCHANGED",
                "new, other, false, UNCHANGED",
                "old, -,     -,     REGISTER",
                "old, new,   true,  SAME",
                "old, new,   false, REGISTER",
                "old, other, true,  REGISTER",
                "old, other, false, REGISTER",
                "old, old,   true,  REGISTER",
                "old, old,   false, REGISTER",
            })
    void a_file_counts_when_it_is_seen_to_change(String seen, String checksum, Boolean active, Meaning meaning) {
        Optional<Registered> registered =
                Optional.ofNullable(checksum).map(c -> new Registered(c, Boolean.TRUE.equals(active)));

        assertThat(Sighting.of(Optional.ofNullable(seen), registered, "new")).isEqualTo(meaning);
    }
}
