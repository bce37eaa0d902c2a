package dev.backfill.orchestrator.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

@EnabledIf("dev.backfill.orchestrator.testing.ClockedServer#isPossible")
class ClockedServerTest {

    @Test
    void its_clock_is_what_it_was_set_to_and_goes_on_in_every_session(@TempDir Path directory) throws Exception {
        Instant autumn = Instant.parse("2060-10-31T00:59:50Z");
        Instant spring = Instant.parse("2061-03-27T00:59:50Z");
        try (ClockedServer server = ClockedServer.start(directory, autumn);
                TestDatabase database = server.postgres().newDatabase();
                var connection = database.connect();
                var statement = connection.createStatement()) {
            assertThat(time(database)).isCloseTo(autumn, within(20, ChronoUnit.SECONDS));

            server.setClock(spring);

            assertThat(time(database)).isCloseTo(spring, within(5, ChronoUnit.SECONDS));
            var row = statement.executeQuery("SELECT extract(epoch FROM clock_timestamp())::bigint, pg_sleep(1.1),"
                    + " extract(epoch FROM clock_timestamp())::bigint");
            row.next();
            assertThat(row.getLong(1)).as("an open session").isGreaterThanOrEqualTo(spring.getEpochSecond());
            assertThat(row.getLong(3) - row.getLong(1)).as("seconds slept").isBetween(1L, 4L);
        }
    }

    private static Instant time(TestDatabase database) throws Exception {
        return Instant.ofEpochSecond(database.queryLong("SELECT extract(epoch FROM clock_timestamp())::bigint"));
    }
}
