package dev.backfill.orchestrator.testing;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/**
 * Prometheus, from Debian's package {@code prometheus}, on the loopback interface. It reads its own metrics once a second.
 * Closing it ends it.
 */
public final class PrometheusServer implements AutoCloseable {

    private static final String PROGRAM = "/usr/bin/prometheus";
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final int port;
    private final Process process;

    private PrometheusServer(int port, Process process) {
        this.port = port;
        this.process = process;
    }

    /**
     * Starts one; it has read its metrics when this returns.
     *
     * @param directory an empty one, for its files
     */
    public static PrometheusServer start(Path directory) throws IOException {
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        Path config = Files.writeString(directory.resolve("prometheus.yml"), """
                global: { scrape_interval: 1s, evaluation_interval: 1s }
                scrape_configs:
                  - job_name: itself
                    static_configs: [{ targets: ["127.0.0.1:%d"] }]
                """.formatted(port));
        Path log = directory.resolve("log");
        Process process = new ProcessBuilder(
                        PROGRAM,
                        "--config.file=" + config,
                        "--storage.tsdb.path=" + directory.resolve("data"),
                        "--web.listen-address=127.0.0.1:" + port)
                .redirectErrorStream(true)
                .redirectOutput(Redirect.to(log.toFile()))
                .start();
        PrometheusServer server = new PrometheusServer(port, process);
        try {
            await("Prometheus has read itself; its log is " + log)
                    .atMost(PATIENCE)
                    .until(server::hasReadItself);
            return server;
        } catch (RuntimeException e) {
            server.close();
            throw e;
        }
    }

    /** Where it is, such as {@code http://127.0.0.1:40001}. */
    public String url() {
        return "http://127.0.0.1:" + port;
    }

    private boolean hasReadItself() throws InterruptedException {
        try {
            URI uri = URI.create(url() + "/api/v1/query?query=up");
            return HttpClient.newHttpClient()
                    .send(HttpRequest.newBuilder(uri).build(), BodyHandlers.ofString())
                    .body()
                    .contains("\"1\"");
        } catch (IOException e) {
            if (!process.isAlive()) {
                throw new UncheckedIOException("Prometheus has ended", e);
            }
            return false;
        }
    }

    @Override
    public void close() {
        process.destroyForcibly();
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
