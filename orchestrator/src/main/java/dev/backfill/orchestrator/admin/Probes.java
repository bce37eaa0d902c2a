package dev.backfill.orchestrator.admin;

import dev.backfill.orchestrator.admin.Door.Needs;
import dev.backfill.orchestrator.site.Dispatcher;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import io.javalin.http.Handler;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * What machines ask a daemon about itself.
 *
 * @param metrics the metrics as Prometheus reads them, in its text format 0.0.4
 * @param notReady why the daemon is not ready: it starts, it stops, or no database can be used; empty when it is
 */
public record Probes(Supplier<String> metrics, Supplier<Optional<String>> notReady) {

    private static final String PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8";

    /** The paths that are answered whatever name they are asked by: scrapers and orchestrators have their own. */
    static boolean isProbe(String path) {
        return path.equals("/metrics") || path.equals("/health/live") || path.equals("/health/ready");
    }

    void addTo(RoutesConfig routes, Databases databases) {
        Handler scrape = context -> {
            String page = metrics.get();
            context.contentType(PROMETHEUS_TEXT).result(page);
        };
        routes.get("/metrics", scrape, Needs.PROBE);
        routes.get("/health/live", context -> Json.of("status", "up").answer(context), Needs.PROBE);
        routes.get("/health/ready", context -> ready(context, databases), Needs.PROBE);
    }

    private void ready(Context context, Databases databases) {
        Optional<String> obstacle = notReady.get();
        context.status(obstacle.isPresent() ? 503 : 200);
        Json.of("status", obstacle.isPresent() ? "not-ready" : "ready")
                .put("detail", obstacle.orElse(""))
                .put("databases", databases.all().stream().map(Probes::standing).toList())
                .answer(context);
    }

    private static Json standing(Dispatcher dispatcher) {
        return Json.of("database", dispatcher.site().name())
                .put("status", dispatcher.standing().status().name().toLowerCase(Locale.ROOT))
                .put("detail", dispatcher.standing().detail());
    }
}
