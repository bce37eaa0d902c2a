package dev.backfill.orchestrator.admin;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.control.JobView;
import dev.backfill.orchestrator.control.RunView;
import dev.backfill.orchestrator.registration.RegisteredJob;
import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.run.RunState;
import dev.backfill.orchestrator.throttle.SignalReading;
import dev.backfill.orchestrator.throttle.SignalReading.Verdict;
import dev.backfill.orchestrator.throttle.SignalState;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class ShapesTest {

    private static final Shapes SHAPES = new Shapes((database, job) -> List.of(new SignalState(
            "replication-lag",
            Optional.of(Duration.ZERO),
            true,
            List.of(
                    new SignalReading("replication-lag", "a", 2, OptionalDouble.of(5), Verdict.GO),
                    new SignalReading("replication-lag", "b", 7.00049, OptionalDouble.of(5), Verdict.HOLD)))));
    private static final Instant TIME = Instant.parse("2026-01-02T03:04:05Z");

    @Test
    void a_schedule_is_shown_as_it_was_written() {
        String yaml = AdminServerTest.JOB.formatted("fill")
                + "schedule: { start: { cron: 0 0 1 * * ? }, zone: Europe/Berlin }";
        LoadedJob job =
                AdminFixture.files().read("f", yaml.getBytes(UTF_8)).jobs().get(0);
        RegisteredJob registered =
                new RegisteredJob(job, 3, "file", TIME, new RegisteredJob.Plan(TIME, Optional.empty()));

        assertThat(text(SHAPES.job(List.of(new JobView("main", registered, Optional.empty())))))
                .isEqualTo(
                        "{\"job\":\"fill\",\"description\":\"Adds one\","
                                + "\"labels\":{\"link\":\"https://wiki.example/x\",\"team\":\"billing\"},"
                                + "\"revision\":3,\"origin\":\"file\",\"registered\":\"2026-01-02T03:04:05Z\","
                                + "\"schedule\":{\"start\":{\"cron\":\"0 0 1 * * ?\"},\"zone\":\"Europe/Berlin\"},\"runs\":[]}");
    }

    @Test
    void progress_is_rounded_down_so_that_1_means_all() {
        assertThat(text(SHAPES.run(run(99_999, 100_000)))).contains("\"progress\":0.9999,", "\"remaining\":1}");
        assertThat(text(SHAPES.run(run(12_345, 100_000)))).contains("\"progress\":0.1234,");
        assertThat(text(SHAPES.run(run(0, 100_000)))).contains("\"progress\":0.0,");
    }

    @Test
    void a_run_is_shown_whole() {
        assertThat(text(SHAPES.runOfJob(run(1, 4))))
                .isEqualTo("{\"job\":\"fill\",\"id\":\"some-id\",\"database\":\"main\",\"revision\":2,"
                        + "\"state\":\"RUNNING\",\"hold\":{\"reason\":\"window\",\"since\":\"2026-01-02T03:04:05Z\","
                        + "\"signal\":null,\"value\":null,\"limit\":null,\"detail\":\"closed\"},\"progress\":0.25,"
                        + "\"rows\":{\"scanned\":1,\"changed\":0,\"quarantined\":0,\"remaining\":3},\"eta\":61,\"eta-range\":[50,90],"
                        + "\"created\":\"2026-01-02T03:04:05Z\",\"scheduled-for\":null,"
                        + "\"started\":\"2026-01-02T03:04:05Z\",\"finished\":null,\"reason\":null}");
    }

    @Test
    void a_hold_by_a_signal_has_its_worst_reading() {
        assertThat(text(SHAPES.run(run(1, 4, "replication-lag"))))
                .contains("\"signal\":\"replication-lag\",\"value\":7.0,\"limit\":5.0,");
        assertThat(text(SHAPES.run(run(1, 4, "standby-stale"))))
                .contains("\"signal\":\"standby-stale\",\"value\":null,\"limit\":null,");
    }

    private static RunView run(long scanned, long all) {
        return run(scanned, all, "window");
    }

    private static RunView run(long scanned, long all, String hold) {
        return new RunView(
                new RunView.Id("some-id", "fill", 2, "main"),
                new RunView.Status(
                        RunState.RUNNING, Optional.empty(), Optional.of(new RunView.Held(hold, TIME, "closed"))),
                new RunView.Times(TIME, Optional.empty(), Optional.of(TIME), Optional.empty()),
                new RunView.Rows(scanned, scanned, 0, 0, new RunView.Whole(Optional.of(all), Optional.empty())),
                Optional.of(new RunView.Eta(Duration.ofSeconds(61), Duration.ofSeconds(50), Duration.ofSeconds(90))));
    }

    private static String text(Json json) {
        return new String(json.bytes(), UTF_8);
    }
}
