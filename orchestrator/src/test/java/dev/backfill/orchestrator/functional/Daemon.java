package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.BackfillProcess;
import dev.backfill.orchestrator.testing.TestDatabase;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A real daemon in a process of its own, spoken to over real HTTP. Its directory holds its configuration, and its job
 * files in {@code jobs}. Closing it kills the process.
 */
public final class Daemon implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Pattern ADDRESS = Pattern.compile("address=\"?(http://127\\.0\\.0\\.1:[0-9]+)");

    private final BackfillProcess process;
    private final HttpClient client = HttpClient.newHttpClient();
    private String address = "";

    private Daemon(BackfillProcess process) {
        this.process = process;
    }

    /** An answer over HTTP. */
    public record Answer(int status, JsonNode body, Map<String, List<String>> headers) {}

    /** A look at a run, which may ask the database too. */
    public interface Look {
        boolean shows(JsonNode run) throws Exception;
    }

    /** A daemon on one database called {@code main}, with the defaults and a short lease; ready when this returns. */
    static Daemon start(Path directory, TestDatabase database) throws IOException {
        return start(directory, Map.of("main", database.jdbcUrl()), "lease = 2s");
    }

    /** A daemon on these databases, by their names and URLs, with these lines in its configuration; ready on return. */
    public static Daemon start(Path directory, Map<String, String> urls, String... lines) throws IOException {
        return start(directory, UnaryOperator.identity(), urls, lines);
    }

    /** The same, with a process that was prepared. */
    static Daemon start(
            Path directory, UnaryOperator<BackfillProcess.Builder> prepared, Map<String, String> urls, String... lines)
            throws IOException {
        Daemon daemon = startUnready(directory, prepared, urls, lines);
        try {
            daemon.awaitReady();
            return daemon;
        } catch (RuntimeException | Error e) {
            daemon.close();
            throw new AssertionError("the daemon is not ready" + daemon.process, e);
        }
    }

    /** A daemon of which only the process has begun. */
    static Daemon startUnready(
            Path directory, UnaryOperator<BackfillProcess.Builder> prepared, Map<String, String> urls, String... lines)
            throws IOException {
        Files.createDirectories(directory.resolve("jobs"));
        Path file = directory.resolve("orchestrator.conf");
        List<String> config = new ArrayList<>(List.of("jobs = jobs", "admin.port = 0"));
        urls.forEach((name, url) -> config.add("databases.\"" + name + "\".url = \"" + url + "\""));
        config.addAll(List.of(lines));
        Files.write(file, config);
        return new Daemon(prepared.apply(BackfillProcess.builder("serve", "--config", file.toString()))
                .start());
    }

    /** Its process. */
    BackfillProcess process() {
        return process;
    }

    /** Waits until it says that it is ready. */
    void awaitReady() {
        await().dontCatchUncaughtExceptions()
                .atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(20))
                .until(() -> {
                    assertThat(process.isAlive())
                            .as("the daemon lives%s", process)
                            .isTrue();
                    return isReady();
                });
    }

    /** Whether it answers that it is ready. */
    boolean isReady() {
        Matcher said = ADDRESS.matcher(process.errors());
        if (!said.find()) {
            return false;
        }
        address = said.group(1);
        return get("/health/ready").status() == 200;
    }

    /** Where it listens, such as {@code http://127.0.0.1:40001}. */
    String address() {
        return address;
    }

    /** Asks for what is there. */
    public Answer get(String path) {
        return send(request(path).GET().build());
    }

    Answer put(String path, String body) {
        return send(request(path).PUT(BodyPublishers.ofString(body)).build());
    }

    /** Changes what is there. */
    public Answer patch(String path, String body) {
        return send(request(path).method("PATCH", BodyPublishers.ofString(body)).build());
    }

    Answer delete(String path) {
        return send(request(path).DELETE().build());
    }

    Answer delete(String path, String body) {
        return send(
                request(path).method("DELETE", BodyPublishers.ofString(body)).build());
    }

    /** Says something without a body. */
    public Answer post(String path) {
        return send(request(path).POST(BodyPublishers.noBody()).build());
    }

    /** Says something. */
    public Answer post(String path, String body) {
        return send(request(path).POST(BodyPublishers.ofString(body)).build());
    }

    /** The page that Prometheus reads. */
    public String metrics() throws IOException, InterruptedException {
        return client.send(request("/metrics").build(), BodyHandlers.ofString()).body();
    }

    /** The names of its threads. */
    List<String> threads() throws IOException, InterruptedException {
        Process jcmd = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                        Long.toString(process.pid()),
                        "Thread.print")
                .redirectErrorStream(true)
                .start();
        List<String> lines = jcmd.inputReader().lines().toList();
        assertThat(jcmd.waitFor(10, TimeUnit.SECONDS)).isTrue();
        List<String> names = lines.stream()
                .filter(line -> line.startsWith("\""))
                .map(line -> line.substring(1, line.lastIndexOf('"')))
                .toList();
        assertThat(names).contains("main");
        return names;
    }

    /** Registers a job by its YAML. */
    public void register(String job, String yaml) {
        Answer answer = put("/api/v1/jobs/" + job, yaml);
        assertThat(answer.status()).as("%s", answer.body()).isIn(200, 201);
    }

    /** Says a verb to a job, which has to be allowed; answers the job's latest run. */
    public JsonNode say(String verb, String job) {
        Answer answer = post("/api/v1/jobs/" + job + "/" + verb);
        assertThat(answer.status()).as("%s", answer.body()).isEqualTo(200);
        return answer.body().path("runs").path(0);
    }

    /** The latest run of a job; a missing node when there is none, or no such job. */
    public JsonNode run(String job) {
        return get("/api/v1/jobs/" + job).body().path("runs").path(0);
    }

    /** The state of the latest run of a job; empty when there is none. */
    public String state(String job) {
        return run(job).path("state").asString("");
    }

    /** What the latest run of a job waits for, by its word; empty when it is not held. */
    public String heldBy(String job) {
        return run(job).path("hold").path("reason").asString("");
    }

    /** What is read of a signal of the only database, of its first source; a missing node when nothing is. */
    public JsonNode signal(String word) {
        JsonNode first = JsonMapper.shared().missingNode();
        for (JsonNode signal :
                get("/api/v1/databases").body().path("databases").path(0).path("signals")) {
            if (first.isMissingNode() && signal.path("signal").asString("").equals(word)) {
                first = signal;
            }
        }
        return first;
    }

    /** Waits until the latest run of a job is in a state. */
    public void awaitState(String job, String state) {
        awaitRun(job, run -> run.path("state").asString("").equals(state));
    }

    /** Waits until the latest run of a job is as it should be. */
    public void awaitRun(String job, Look wanted) {
        try {
            await().dontCatchUncaughtExceptions()
                    .atMost(PATIENCE)
                    .pollInterval(Duration.ofMillis(100))
                    .until(() -> wanted.shows(run(job)));
        } catch (org.awaitility.core.ConditionTimeoutException e) {
            throw new AssertionError("job " + job + " is " + get("/api/v1/jobs/" + job) + process, e);
        }
    }

    /** Writes a job file at once, as an editor that renames does. */
    void jobFile(Path directory, String name, String content) throws IOException {
        Path temporary = directory.resolve(name + ".part");
        Files.writeString(temporary, content);
        Files.move(
                temporary,
                directory.resolve("jobs").resolve(name),
                java.nio.file.StandardCopyOption.ATOMIC_MOVE,
                java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(address + path)).timeout(PATIENCE);
    }

    private Answer send(HttpRequest request) {
        try {
            HttpResponse<String> response = client.send(request, BodyHandlers.ofString());
            String type = response.headers().firstValue("content-type").orElse("");
            JsonNode body = type.contains("json")
                    ? JsonMapper.shared().readTree(response.body())
                    : JsonMapper.shared().getNodeFactory().stringNode(response.body());
            return new Answer(response.statusCode(), body, response.headers().map());
        } catch (IOException e) {
            throw new AssertionError(request + " got no answer" + process, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() {
        process.close();
    }
}
