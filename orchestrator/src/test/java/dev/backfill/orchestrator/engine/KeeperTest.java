package dev.backfill.orchestrator.engine;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.config.DatabaseSettings.Login;
import dev.backfill.orchestrator.config.SettingsReader;
import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.run.Slice;
import dev.backfill.orchestrator.run.Slice.Bounds;
import dev.backfill.orchestrator.run.Slice.Lease;
import dev.backfill.orchestrator.run.SliceLeases;
import dev.backfill.orchestrator.run.SliceStore;
import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.timing.Timing;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class KeeperTest {

    private static final Duration LEASE = Duration.ofSeconds(15);

    @Test
    void a_slice_is_watched_until_the_worker_of_the_newest_fence_has_left_it() {
        Login nowhere = new Login("jdbc:postgresql://127.0.0.1:1/none", Optional.empty(), Optional.empty());
        try (Database database = new Database(
                requireNonNull(SettingsReader.forDatabase(nowhere).databases().get("main")))) {
            SliceLeases leases = new SliceLeases(database.tables(), "us", LEASE);
            Keeper keeper = new Keeper(new SliceStore(database), leases, Timing.system(), LEASE);
            assertThat(keeper.isIdle()).isTrue();

            keeper.sign(slice(1));
            keeper.sign(slice(2));
            keeper.leave(slice(1));
            assertThat(keeper.isIdle()).as("an older worker left").isFalse();

            keeper.leave(slice(2));
            assertThat(keeper.isIdle()).as("the worker itself left").isTrue();
        }
    }

    private static Slice slice(long fence) {
        return new Slice(
                new Slice.Id("run", 1),
                new Lease("us", fence, 0),
                new Bounds(Optional.empty(), Key.of("9")),
                Optional.empty(),
                1);
    }
}
