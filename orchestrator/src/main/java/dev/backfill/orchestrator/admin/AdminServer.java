package dev.backfill.orchestrator.admin;

import dev.backfill.orchestrator.access.Gate;
import dev.backfill.orchestrator.admin.Door.Needs;
import dev.backfill.orchestrator.config.DaemonSettings;
import dev.backfill.orchestrator.listen.Listener;
import dev.backfill.orchestrator.page.Page;
import dev.backfill.orchestrator.registry.JobFiles;
import dev.backfill.orchestrator.site.Registrar;
import dev.backfill.orchestrator.site.Sites;
import dev.backfill.orchestrator.stream.Live;
import dev.backfill.orchestrator.timing.Timing;
import io.javalin.Javalin;
import io.javalin.compression.CompressionStrategy;
import io.javalin.config.JavalinConfig;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import io.javalin.http.HttpResponseException;
import io.javalin.router.Endpoint;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Set;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The admin API of a daemon over HTTP. Safe for use by several threads; serves once, from start to close. */
public final class AdminServer implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(AdminServer.class);
    /** Those that paths have, and those that none has but that a path can be asked with, to say which it has. */
    private static final Set<String> METHODS = Set.of("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE");

    private final Door door;
    private final Live live;
    private final Javalin javalin;

    /**
     * What is asked about, and acted on.
     *
     * @param sites the databases
     * @param registrar registers and unregisters jobs
     * @param files reads jobs in the bodies of requests
     */
    public record Realm(Sites sites, Registrar registrar, JobFiles files) {}

    /**
     * Puts the routes together; listens to nothing.
     *
     * @param settings where to listen, and who is let in
     * @param realm what is asked about, and acted on
     * @param probes what machines ask this process about itself
     * @param timing how time passes
     */
    public AdminServer(DaemonSettings.Admin settings, Realm realm, Probes probes, Timing timing) {
        this.door = new Door(settings, timing);
        Databases databases = new Databases(realm.sites());
        this.live = new Live(realm.sites(), new DatabaseRoutes.Words(databases), timing);
        this.javalin = Javalin.create(config -> {
            quiet(config);
            listen(config, new Listener(settings.host(), settings.port(), settings.tls()));
            config.routes.before(this::before).beforeMatched(door::letIn).after(AdminServer::after);
            config.routes.exception(HttpResponseException.class, AdminServer::failed);
            config.routes.exception(Exception.class, AdminServer::failed);
            probes.addTo(config.routes, databases);
            page(config.routes);
            new JobRoutes(databases, realm.registrar(), realm.files()).addTo(config.routes);
            new ControlRoutes(databases).addTo(config.routes);
            new RunRoutes(databases).addTo(config.routes);
            new DatabaseRoutes(databases, live).addTo(config.routes);
        });
    }

    /** The routes as they are served, for the test that asks each of them by each role. */
    List<Endpoint> routes() {
        return javalin.unsafe.internalRouter.allHttpHandlers().stream()
                .map(handler -> handler.endpoint)
                .toList();
    }

    /**
     * Begins to listen.
     *
     * @throws IllegalStateException when the address cannot be had
     */
    public void start() {
        javalin.start();
        live.start();
    }

    /**
     * Where it listens.
     *
     * @return the TCP port; the one that was found free when the settings leave it open
     */
    public int port() {
        return javalin.port();
    }

    /** Stops listening at once; requests under way are cut. */
    @Override
    public void close() {
        live.close();
        javalin.stop();
    }

    private static void quiet(JavalinConfig config) {
        config.startup.showJavalinBanner = false;
        config.startup.showOldJavalinVersionWarning = false;
        config.startup.startupWatcherEnabled = false;
        config.http.compressionStrategy = CompressionStrategy.NONE;
        config.http.prefer405over404 = true;
    }

    private static void listen(JavalinConfig config, Listener listener) {
        config.jetty.threadPool = listener.threads();
        config.jetty.addConnector(listener::open);
        config.jetty.modifyServer(server -> {
            listener.limit(server);
            server.setErrorHandler(AdminServer::malformed);
        });
        config.jetty.modifyServletContextHandler(handler -> handler.setErrorHandler(AdminServer::malformed));
    }

    private static void page(RoutesConfig routes) {
        Page.read()
                .files()
                .forEach((path, file) -> routes.get(
                        path,
                        context -> context.header("Content-Security-Policy", Page.CONTENT_POLICY)
                                .header("Referrer-Policy", "no-referrer")
                                .header("Cross-Origin-Opener-Policy", "same-origin")
                                .contentType(file.type())
                                .result(file.content()),
                        Needs.NOTHING));
    }

    private void before(Context context) {
        context.header("X-Content-Type-Options", "nosniff")
                .header("Cross-Origin-Resource-Policy", "same-origin")
                .header("Cache-Control", "no-store");
        String method = context.req().getMethod();
        if (!METHODS.contains(method) || !method.equals(context.method().name())) {
            // A header can name another method than a proxy before the daemon has seen and let pass.
            context.header("Allow", "GET, POST, PUT, PATCH, DELETE");
            throw HttpProblem.noMethod();
        }
        if (!Probes.isProbe(context.path())) {
            door.lookAt(context);
        }
    }

    private static void after(Context context) {
        if (Gate.changes(context.method().name())) {
            LOG.atInfo()
                    .addKeyValue("who", Door.who(context))
                    .addKeyValue("method", context.method())
                    .addKeyValue("path", context.path())
                    .addKeyValue("status", context.statusCode())
                    .addKeyValue("reason", Asked.reason(context).orElse("").replace('"', '\''))
                    .log("admin call");
        }
    }

    private static void failed(Exception exception, Context context) {
        if (Live.isServed(context)) {
            LOG.atDebug().setCause(exception).log("a stream ended together with its connection");
            return;
        }
        HttpProblem.of(exception, context)
                .orElseGet(() -> {
                    LOG.atError()
                            .addKeyValue("method", context.method())
                            .addKeyValue("path", context.path())
                            .setCause(exception)
                            .log("admin call failed");
                    return HttpProblem.fault();
                })
                .answer(context);
    }

    /** Answers what never comes to be a request. */
    private static boolean malformed(Request request, Response response, Callback callback) {
        HttpProblem problem = HttpProblem.malformed(response.getStatus());
        response.getHeaders().put("Content-Type", HttpProblem.TYPE);
        response.getHeaders().put("X-Content-Type-Options", "nosniff");
        response.getHeaders().put("Cache-Control", "no-store");
        response.write(true, ByteBuffer.wrap(problem.body().bytes()), callback);
        return true;
    }
}
