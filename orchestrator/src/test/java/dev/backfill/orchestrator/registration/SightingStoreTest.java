package dev.backfill.orchestrator.registration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.testing.AtOnce;
import dev.backfill.orchestrator.testing.TestJobs;
import dev.backfill.orchestrator.testing.TestStores;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SightingStoreTest {

    private static final LoadedJob ONE = TestJobs.job("fill");
    private static final LoadedJob TWO = TestJobs.job("fill", "parallelism: 2");

    private TestStores stores;
    private SightingStore sightings;

    @BeforeAll
    void create() throws SQLException {
        stores = new TestStores();
        sightings = new SightingStore(stores.database());
    }

    @BeforeEach
    void clear() throws SQLException {
        stores.clear();
    }

    @AfterAll
    void drop() throws SQLException {
        stores.close();
    }

    @Test
    void what_was_seen_last_is_remembered() {
        assertThat(sightings.sighting("here", "fill")).isEmpty();

        sightings.seen("here", ONE);
        assertThat(sightings.sighting("here", "fill")).contains(ONE.checksum());

        sightings.seen("here", TWO);
        assertThat(sightings.sighting("here", "fill")).contains(TWO.checksum());
    }

    @Test
    void each_directory_and_each_job_has_its_own_sighting() {
        sightings.seen("here", ONE);
        sightings.seen("there", TWO);

        assertThat(sightings.sighting("here", "fill")).contains(ONE.checksum());
        assertThat(sightings.sighting("there", "fill")).contains(TWO.checksum());
        assertThat(sightings.sighting("here", "other")).isEmpty();
    }

    @Test
    void many_who_see_the_same_at_once_do_not_disturb_each_other() throws Exception {
        AtOnce.call(8, number -> {
            sightings.seen("here", number % 2 == 0 ? ONE : TWO);
            return number;
        });

        assertThat(sightings.sighting("here", "fill").orElseThrow()).isIn(ONE.checksum(), TWO.checksum());
        assertThat(stores.server().queryLong("SELECT count(*) FROM backfill.file_sighting"))
                .isEqualTo(1);
    }
}
