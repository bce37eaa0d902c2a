package dev.backfill.orchestrator.admin;

import static java.util.Objects.requireNonNull;

import dev.backfill.orchestrator.access.Admission;
import dev.backfill.orchestrator.config.DaemonSettings;
import dev.backfill.orchestrator.config.DatabaseSettings;
import dev.backfill.orchestrator.config.DatabaseSettings.Login;
import dev.backfill.orchestrator.config.Settings;
import dev.backfill.orchestrator.config.SettingsReader;
import dev.backfill.orchestrator.processor.Plugins;
import dev.backfill.orchestrator.registry.JobFiles;
import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.schedule.CronTimes;
import dev.backfill.orchestrator.site.Dispatcher;
import dev.backfill.orchestrator.site.Ears;
import dev.backfill.orchestrator.site.Host;
import dev.backfill.orchestrator.site.Host.Library;
import dev.backfill.orchestrator.site.Registrar;
import dev.backfill.orchestrator.site.Site;
import dev.backfill.orchestrator.site.Sites;
import dev.backfill.orchestrator.timing.Timing;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A real admin server over real databases, spoken to by HTTP. */
final class AdminFixture implements AutoCloseable {

    static final String NOWHERE = "jdbc:postgresql://127.0.0.1:1/nowhere?sslmode=disable";

    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private volatile Supplier<String> metrics = () -> "# none\n";
    private volatile Optional<String> notReady = Optional.empty();
    private final HttpClient client = HttpClient.newHttpClient();
    private final Sites sites;
    private final AdminServer server;

    /** An answer. */
    record Answer(int status, String text, HttpResponse<String> response) {

        JsonNode json() {
            return JsonMapper.shared().readTree(text);
        }

        String header(String name) {
            return response.headers().firstValue(name).orElse("");
        }

        /** A text in the body. */
        String at(String pointer) {
            JsonNode node = json().at(pointer);
            return node.isString() ? node.asString() : node.toString();
        }
    }

    private AdminFixture(Map<String, String> urls, Admission admission) {
        JobFiles files = files();
        Host host = Host.here(Timing.system(), new Library(files, new Plugins(Path.of("plugins"))), 4);
        this.sites = new Sites(new TreeMap<>(urls)
                .entrySet().stream()
                        .map(database -> dispatcher(host, database.getKey(), database.getValue()))
                        .toList());
        this.server = new AdminServer(
                new DaemonSettings.Admin("127.0.0.1", 0, List.of("backfill.example"), admission, Optional.empty()),
                new AdminServer.Realm(sites, new Registrar(sites, (dispatcher, job) -> {}), files),
                new Probes(() -> metrics.get(), () -> notReady),
                Timing.system());
    }

    /** A reader of jobs. */
    static JobFiles files() {
        return new JobFiles(CronTimes::problem);
    }

    /** Databases by their names and URLs, whose runs are worked. */
    static AdminFixture working(Map<String, String> urls) {
        return working(urls, Admission.EVERYBODY);
    }

    /** The same, for those who are let in. */
    static AdminFixture working(Map<String, String> urls, Admission admission) {
        AdminFixture fixture = new AdminFixture(urls, admission);
        fixture.sites.all().forEach(Dispatcher::start);
        fixture.sites.all().forEach(dispatcher -> dispatcher.awaitFirstTry(PATIENCE));
        fixture.server.start();
        return fixture;
    }

    /** The same, but nobody works the runs: each stays in the state that it was brought to. */
    static AdminFixture standing(Map<String, String> urls) {
        AdminFixture fixture = working(urls);
        fixture.sites.all().forEach(Dispatcher::requestStop);
        return fixture;
    }

    /** Databases that nobody has tried yet. */
    static AdminFixture untried(Map<String, String> urls) {
        return untried(urls, Admission.EVERYBODY);
    }

    /** The same, for those who are let in. */
    static AdminFixture untried(Map<String, String> urls, Admission admission) {
        AdminFixture fixture = new AdminFixture(urls, admission);
        fixture.server.start();
        return fixture;
    }

    private static Dispatcher dispatcher(Host host, String name, String url) {
        Settings one = SettingsReader.forDatabase(new Login(url, Optional.empty(), Optional.empty()));
        DatabaseSettings main = requireNonNull(one.databases().get("main"));
        DatabaseSettings target = new DatabaseSettings(name, main.login(), main.own(), main.session(), main.work());
        return new Dispatcher(new Site(host, one, target), new Silence(), () -> {});
    }

    void metrics(Supplier<String> page) {
        metrics = page;
    }

    void notReady(Optional<String> why) {
        notReady = why;
    }

    AdminServer server() {
        return server;
    }

    Answer get(String path) {
        return send("GET", path, "");
    }

    Answer put(String job, String body) {
        return send("PUT", "/api/v1/jobs/" + job, body);
    }

    Answer post(String path, String body) {
        return send("POST", path, body);
    }

    /** Carries out a verb. */
    Answer verb(String job, String verb) {
        return post("/api/v1/jobs/" + job + "/" + verb, "");
    }

    Answer send(String method, String path, String body, String... headers) {
        return send(method, path, body.getBytes(StandardCharsets.UTF_8), headers);
    }

    Answer send(String method, String path, byte[] body, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path))
                .timeout(PATIENCE)
                .method(method, body.length == 0 ? BodyPublishers.noBody() : BodyPublishers.ofByteArray(body));
        for (int i = 0; i < headers.length; i += 2) {
            request.header(headers[i], headers[i + 1]);
        }
        try {
            HttpResponse<String> response = client.send(request.build(), BodyHandlers.ofString());
            return new Answer(response.statusCode(), response.body(), response);
        } catch (IOException e) {
            throw new AssertionError(method + " " + path + " got no answer", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    /** Sends lines as they are, and reads whatever comes until the connection is closed. */
    String raw(String... lines) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
            socket.setSoTimeout((int) PATIENCE.toMillis());
            String request = String.join("\r\n", lines) + "\r\nConnection: close\r\n\r\n";
            socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
        }
    }

    @Override
    public void close() {
        server.close();
        sites.all().forEach(Dispatcher::requestStop);
        sites.all().forEach(dispatcher -> dispatcher.site().close());
    }

    private static final class Silence implements Ears {
        @Override
        public RunListener listener(String job, String database) {
            return new RunListener() {};
        }

        @Override
        public void held(String job, String database, String reason, Duration duration) {}
    }
}
