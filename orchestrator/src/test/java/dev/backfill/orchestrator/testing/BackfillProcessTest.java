package dev.backfill.orchestrator.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class BackfillProcessTest {

    private static final Duration PATIENCE = Duration.ofSeconds(10);

    @Test
    void gathers_what_is_written_and_the_exit_code() throws Exception {
        try (BackfillProcess process = shell("echo said; echo complained >&2; exit 3")) {
            assertThat(process.waitFor(PATIENCE)).isEqualTo(3);
            assertThat(process.output()).isEqualTo("said\n");
            assertThat(process.errors()).isEqualTo("complained\n");
        }
    }

    @Test
    void stands_still_and_goes_on() throws Exception {
        try (BackfillProcess process = shell("while :; do echo tick; sleep 0.05; done")) {
            await().atMost(PATIENCE).until(() -> process.output().contains("tick"));
            process.sigstop();
            await().atMost(PATIENCE).until(() -> standsStill(process));
            int stopped = process.output().length();

            process.sigcont();

            await().atMost(PATIENCE).until(() -> process.output().length() > stopped);
        }
    }

    @Test
    void passes_signals_on() throws Exception {
        try (BackfillProcess asked = shell("trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done");
                BackfillProcess killed = shell("trap '' TERM INT; echo ready; while :; do sleep 0.05; done")) {
            await().atMost(PATIENCE)
                    .until(() ->
                            asked.output().contains("ready") && killed.output().contains("ready"));
            asked.sigterm();
            killed.sigterm();
            killed.kill9();

            assertThat(asked.waitFor(PATIENCE)).isEqualTo(7);
            assertThat(killed.waitFor(PATIENCE)).isEqualTo(128 + 9);
        }
    }

    @Test
    void leaves_nothing_running() throws Exception {
        BackfillProcess process = shell("exec sleep 60");
        process.sigstop();

        process.close();

        assertThat(process.isAlive()).isFalse();
    }

    private static BackfillProcess shell(String script) throws Exception {
        return BackfillProcess.of(new ProcessBuilder("/bin/sh", "-c", script));
    }

    private static boolean standsStill(BackfillProcess process) throws InterruptedException {
        int before = process.output().length();
        Thread.sleep(300);
        return process.output().length() == before;
    }
}
