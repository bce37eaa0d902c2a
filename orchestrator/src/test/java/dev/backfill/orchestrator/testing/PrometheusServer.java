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

    private final Path directory;
    private final int port;
    private Process process;

    private PrometheusServer(Path directory, int port, Process process) {
        this.directory = directory;
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
        Files.writeString(directory.resolve("prometheus.yml"), """
                global: { scrape_interval: 1s, evaluation_interval: 1s }
                scrape_configs:
                  - job_name: itself
                    static_configs: [{ targets: ["127.0.0.1:%d"] }]
                """.formatted(port));
        PrometheusServer server = new PrometheusServer(directory, port, process(directory, port));
        server.awaitReady();
        return server;
    }

    private static Process process(Path directory, int port) throws IOException {
        return new ProcessBuilder(
                        PROGRAM,
                        "--config.file=" + directory.resolve("prometheus.yml"),
                        "--storage.tsdb.path=" + directory.resolve("data"),
                        "--web.listen-address=127.0.0.1:" + port)
                .redirectErrorStream(true)
                .redirectOutput(Redirect.appendTo(directory.resolve("log").toFile()))
                .start();
    }

    private void awaitReady() {
        try {
            await("Prometheus has read itself; its log is " + directory.resolve("log"))
                    .atMost(PATIENCE)
                    .until(this::hasReadItself);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /** Makes it stand still, as a machine that hangs does: it takes connections, and answers none. */
    public void freeze() throws IOException, InterruptedException {
        ServerProcess.run("kill", "-STOP", Long.toString(process.pid()));
    }

    /** Lets it go on. */
    public void thaw() throws IOException, InterruptedException {
        ServerProcess.run("kill", "-CONT", Long.toString(process.pid()));
    }

    /** Starts it after it was closed, where it was; it has read its metrics when this returns. */
    public void startAgain() throws IOException {
        process = process(directory, port);
        awaitReady();
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
