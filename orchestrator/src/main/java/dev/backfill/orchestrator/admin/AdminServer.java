package dev.backfill.orchestrator.admin;

import dev.backfill.orchestrator.config.DaemonSettings;
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
import io.javalin.http.HandlerType;
import io.javalin.http.HttpResponseException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.LowResourceMonitor;
import org.eclipse.jetty.server.NetworkConnectionLimit;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The admin API of a daemon over HTTP. Safe for use by several threads; serves once, from start to close. */
public final class AdminServer implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(AdminServer.class);
    private static final int MOST_THREADS = 328;
    private static final int MOST_CONNECTIONS = 300;
    private static final Duration SLOWEST_CLIENT = Duration.ofSeconds(10);
    private static final int LEAST_THREADS = 2;
    private static final Duration IDLE_THREAD = Duration.ofMinutes(1);
    private static final Duration THREADS_TO_END = Duration.ofMillis(100);

    private final DaemonSettings.Admin settings;
    private final Gate gate;
    private final Live live;
    private final Javalin javalin;

    /**
     * Puts the routes together; listens to nothing.
     *
     * @param settings where to listen
     * @param sites the databases
     * @param registrar registers and unregisters jobs
     * @param files reads jobs in the bodies of requests
     * @param probes what machines ask this process about itself
     */
    public AdminServer(DaemonSettings.Admin settings, Sites sites, Registrar registrar, JobFiles files, Probes probes) {
        this.settings = settings;
        this.gate = new Gate(settings.allowedHosts());
        Databases databases = new Databases(sites);
        this.live = new Live(sites, new DatabaseRoutes.Words(databases), Timing.system());
        this.javalin = Javalin.create(config -> {
            quiet(config);
            jetty(config);
            config.routes.before(this::before).after(AdminServer::after);
            config.routes.exception(HttpResponseException.class, AdminServer::failed);
            config.routes.exception(Exception.class, AdminServer::failed);
            probes.addTo(config.routes, databases);
            page(config.routes);
            new JobRoutes(databases, registrar, files).addTo(config.routes);
            new ControlRoutes(databases).addTo(config.routes);
            new RunRoutes(databases).addTo(config.routes);
            new DatabaseRoutes(databases, live).addTo(config.routes);
        });
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

    private void jetty(JavalinConfig config) {
        QueuedThreadPool threads = new QueuedThreadPool(MOST_THREADS, LEAST_THREADS, (int) IDLE_THREAD.toMillis());
        threads.setName("admin");
        threads.setDaemon(true);
        threads.setReservedThreads(0);
        threads.setStopTimeout(THREADS_TO_END.toMillis());
        config.jetty.threadPool = threads;
        config.jetty.addConnector(this::listen);
        config.jetty.modifyServer(server -> {
            server.removeBean(server.getBean(LowResourceMonitor.class));
            server.addBean(fewerThanThreads(server));
            server.setErrorHandler(AdminServer::malformed);
        });
        config.jetty.modifyServletContextHandler(handler -> handler.setErrorHandler(AdminServer::malformed));
    }

    /**
     * A slow client holds a thread at most, so there are always threads for the others; too many are soon dropped. A stream
     * holds none, and is told to often enough not to be one of these.
     */
    private static NetworkConnectionLimit fewerThanThreads(Server server) {
        NetworkConnectionLimit limit = new NetworkConnectionLimit(MOST_CONNECTIONS, server);
        limit.setEndPointIdleTimeout(Duration.ofSeconds(1).toMillis());
        return limit;
    }

    /** Opens the port before the server starts, so that nothing has begun when it cannot be had. */
    private Connector listen(Server server, HttpConfiguration configuration) {
        configuration.setSendServerVersion(false);
        // Without a thread that accepts, stopping to accept and going on may close the port for good.
        ServerConnector connector = new ServerConnector(server, 1, 1, new HttpConnectionFactory(configuration));
        connector.setHost(settings.host());
        connector.setPort(settings.port());
        connector.setIdleTimeout(SLOWEST_CLIENT.toMillis());
        try {
            connector.open();
            return connector;
        } catch (IOException e) {
            throw new IllegalStateException(
                    "the admin API cannot listen on " + settings.host() + ":" + settings.port() + ": " + reason(e)
                            + "; stop what listens there, or set admin.port or admin.host",
                    e);
        }
    }

    private static String reason(IOException e) {
        Throwable cause = e.getCause() == null ? e : e.getCause();
        return cause.getMessage() == null ? "the host is not known" : cause.getMessage();
    }

    private static void page(RoutesConfig routes) {
        Page.read()
                .files()
                .forEach((path, file) -> routes.get(
                        path,
                        context -> context.header("Content-Security-Policy", Page.CONTENT_POLICY)
                                .header("Referrer-Policy", "no-referrer")
                                .contentType(file.type())
                                .result(file.content())));
    }

    private void before(Context context) {
        if (HandlerType.HEAD.equals(context.method())) {
            throw HttpProblem.onlyGet();
        }
        context.header("X-Content-Type-Options", "nosniff").header("Cache-Control", "no-store");
        if (!Probes.isProbe(context.path())) {
            gate.check(context.method().name(), context::header);
        }
    }

    private static void after(Context context) {
        if (Gate.changes(context.method().name())) {
            LOG.atInfo()
                    .addKeyValue("who", Asked.who(context))
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
