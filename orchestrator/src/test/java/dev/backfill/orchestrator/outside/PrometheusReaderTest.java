package dev.backfill.orchestrator.outside;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.backfill.orchestrator.addresses.LinkLocal;
import dev.backfill.orchestrator.policy.OutsideSignal.Prometheus;
import dev.backfill.orchestrator.testing.PrometheusServer;
import dev.backfill.orchestrator.timing.Timing;
import java.net.URI;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Queries of users to a real Prometheus server. */
class PrometheusReaderTest {

    @TempDir
    private static Path directory;

    private static PrometheusServer server;

    @BeforeAll
    static void start() throws Exception {
        server = PrometheusServer.start(directory);
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @Test
    void one_sample_is_read() throws Exception {
        assertThat(read("up{job=\"itself\"} + 0.5")).isEqualTo(1.5);
        assertThat(read("max(process_start_time_seconds)")).isGreaterThan(1e9);
        assertThat(read("42")).isEqualTo(42);
        assertThat(read("scalar(up) * 2")).isEqualTo(2);
        assertThat(read("max(nothing) or vector(0)")).isZero();
    }

    @Test
    void anything_else_is_none() {
        assertUnreadable("nothing", "answers no sample");
        assertUnreadable("{__name__=~\"go_threads|go_goroutines\"}", "samples, not one");
        assertUnreadable("up / 0", "no finite number");
        assertUnreadable("up * NaN", "no finite number");
        assertUnreadable("\"some text\"", "no instant vector or scalar");
        assertUnreadable("up[1m]", "no instant vector or scalar");
        assertUnreadable("max(", "Prometheus answers 400: its query is not right");
        String longer = "label_replace({__name__=~\".+\"}, \"a\", \"" + "x".repeat(500) + "\", \"\", \"\")";
        assertUnreadable(longer, "answers more than 64 kB");
    }

    private static double read(String query) throws UnreadableException {
        Prometheus asked = new Prometheus(URI.create(server.url()), query, Optional.empty());
        Exchange exchange = new Exchange(new LinkLocal(Set.of()), Timing.system());
        return new PrometheusReader(exchange, asked).read().value();
    }

    private static void assertUnreadable(String query, String why) {
        assertThatThrownBy(() -> read(query))
                .as(query)
                .isInstanceOf(UnreadableException.class)
                .hasMessageContaining(why);
    }
}
