package dev.backfill.orchestrator.client;

import dev.backfill.orchestrator.client.RefusedException.Fault;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which daemon is asked. */
final class ServerOptions {

    private static final Duration TIMEOUT = Duration.ofSeconds(30);

    @Option(
            names = "--server",
            paramLabel = "URL",
            defaultValue = "http://127.0.0.1:8642",
            description =
                    "The daemon's admin API. Default: ${DEFAULT-VALUE}. BACKFILL_TOKEN is sent as its bearer token.")
    @SuppressWarnings("NullAway.Init")
    private String server;

    /** A client of that daemon. */
    AdminClient client() throws RefusedException {
        @Nullable String token = System.getenv("BACKFILL_TOKEN");
        try {
            URI uri = URI.create(server.strip().replaceFirst("/+$", ""));
            boolean web = "http".equalsIgnoreCase(uri.getScheme()) || "https".equalsIgnoreCase(uri.getScheme());
            if (web && uri.getHost() != null && uri.getRawPath().isEmpty()) {
                return new AdminClient(
                        uri,
                        Optional.ofNullable(token).filter(t -> !t.isBlank()).map(String::strip),
                        TIMEOUT);
            }
        } catch (IllegalArgumentException e) {
            throw notAnAddress();
        }
        throw notAnAddress();
    }

    private RefusedException notAnAddress() {
        String message = "--server " + server + " is no address of a daemon; such as http://127.0.0.1:8642";
        return new RefusedException(Fault.ASKED_WRONGLY, message);
    }
}
