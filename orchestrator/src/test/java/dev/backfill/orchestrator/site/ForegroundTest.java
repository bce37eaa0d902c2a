package dev.backfill.orchestrator.site;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.control.Cause;
import dev.backfill.orchestrator.control.RunView;
import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.registry.LiveCheck.Accepted;
import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.run.RunState;
import dev.backfill.orchestrator.testing.TestJobs;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ForegroundTest {

    private static final Duration PATIENCE = Duration.ofSeconds(20);

    /** So that its time counts in what is said of the time left. */
    @Test
    void a_run_in_the_foreground_is_seen_to_be_held() throws Exception {
        try (SitesFixture sites = new SitesFixture()) {
            Site site = sites.ready("main").site();
            site.stopEverything(true, new Cause("ann", "a release"));
            LoadedJob job = TestJobs.on("orders", "{ by: id }", "update: { set: { cents: 1 }, where: cents IS NULL }");
            JobStatement statement = ((Accepted) site.check(job)).statement();
            Run run = site.start(job).orElseThrow();
            Stop stop = new Stop(Timing.system());

            CompletableFuture<Run> ended = CompletableFuture.supplyAsync(() -> {
                try {
                    return site.driveInForeground(run, statement, new RunListener() {}, stop);
                } catch (java.sql.SQLException e) {
                    throw new IllegalStateException(e);
                }
            });
            await().atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(hold(site, run)).contains("stopped"));

            site.stopEverything(false, new Cause("ann", "it is out"));
            assertThat(ended.get(PATIENCE.toSeconds(), TimeUnit.SECONDS).state())
                    .isEqualTo(RunState.SUCCEEDED);
        }
    }

    private static Optional<String> hold(Site site, Run run) {
        return site.board().run(run.id()).orElseThrow().status().hold().map(RunView.Held::reason);
    }
}
