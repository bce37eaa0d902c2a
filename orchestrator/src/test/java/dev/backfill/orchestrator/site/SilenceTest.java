package dev.backfill.orchestrator.site;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.site.Dispatcher.Status;
import java.sql.Connection;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A database in which a statement waits for its answer: whoever asks how it stands hears so before the wait is over. */
class SilenceTest {

    private final SitesFixture sites = new SitesFixture();

    @AfterEach
    void close() throws Exception {
        sites.close();
    }

    @Test
    void a_database_that_is_silent_is_away_long_before_the_statement_gives_up() throws Exception {
        Dispatcher dispatcher = sites.ready("main");
        try (Connection other = sites.server(0).connect()) {
            other.setAutoCommit(false);
            other.createStatement().execute("LOCK TABLE backfill.switch");
            assertThat(dispatcher.standing().status()).isEqualTo(Status.READY);

            // The statement itself waits for 10 s.
            await().atMost(Duration.ofSeconds(9))
                    .until(() -> dispatcher.standing().status() == Status.AWAY);

            assertThat(dispatcher.standing().detail()).matches("no answer for [67] s");
            other.rollback();
        }
        await().atMost(Duration.ofSeconds(3)).until(() -> dispatcher.standing().status() == Status.READY);
    }
}
