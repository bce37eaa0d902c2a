package dev.backfill.orchestrator.client;

import dev.backfill.orchestrator.client.RefusedException.Fault;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import dev.backfill.orchestrator.tls.CertificateFiles;
import dev.backfill.orchestrator.tls.UnusableFileException;
import java.net.URI;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which daemon is asked. */
public final class ServerOptions {

    private static final String TOKEN = "BACKFILL_TOKEN";
    private static final int HIGHEST_PORT = 65_535;

    @Option(
            names = "--server",
            paramLabel = "URL",
            defaultValue = "http://127.0.0.1:8642",
            description =
                    "The daemon's admin API. Default: ${DEFAULT-VALUE}. BACKFILL_TOKEN is sent as its bearer token.")
    @SuppressWarnings("NullAway.Init")
    private String server;

    @Option(
            names = "--ca-file",
            paramLabel = "FILE",
            description =
                    "Certificates in PEM of those who vouch for the daemon's own. Default: those that Java trusts.")
    private @Nullable Path authorities;

    /**
     * A client of that daemon.
     *
     * @param stop ends its calls
     * @return it has connected to nothing yet
     * @throws RefusedException when the options name no daemon, or the environment no token
     */
    public AdminClient client(Stop stop) throws RefusedException {
        Optional<String> token = token(System.getenv(TOKEN));
        try {
            URI uri = URI.create(server.strip().replaceFirst("/+$", ""));
            if (isAddress(uri)) {
                AdminClient client = new AdminClient(uri, token, AdminClient.Limits.USUAL, Timing.system(), stop);
                return authorities == null ? client : client.trusting(CertificateFiles.trusting(authorities));
            }
        } catch (IllegalArgumentException e) {
            throw notAnAddress();
        } catch (UnusableFileException e) {
            throw new RefusedException(Fault.ASKED_WRONGLY, "--ca-file " + e.getMessage());
        }
        throw notAnAddress();
    }

    /**
     * The token that a value of the environment is. No message shows any of it.
     *
     * @param value null when it is not set
     */
    static Optional<String> token(@Nullable String value) throws RefusedException {
        if (value == null || value.isBlank()) {
            return Optional.empty();
        }
        String token = value.strip();
        for (int i = 0; i < token.length(); i++) {
            if (token.charAt(i) <= ' ' || token.charAt(i) > '~') {
                int place = value.indexOf(token) + i + 1;
                String message = TOKEN + " is no token: its character " + place + " of " + value.length()
                        + " is none that a token has; they are visible ASCII, without spaces and line breaks";
                throw new RefusedException(Fault.ASKED_WRONGLY, message);
            }
        }
        return Optional.of(token);
    }

    private static boolean isAddress(URI uri) {
        boolean web = "http".equalsIgnoreCase(uri.getScheme()) || "https".equalsIgnoreCase(uri.getScheme());
        return web
                && uri.getHost() != null
                && uri.getPort() <= HIGHEST_PORT
                && uri.getRawUserInfo() == null
                && uri.getRawPath().isEmpty()
                && uri.getRawQuery() == null
                && uri.getRawFragment() == null;
    }

    private RefusedException notAnAddress() {
        String message = "--server " + server + " is no address of a daemon; such as http://127.0.0.1:8642";
        return new RefusedException(Fault.ASKED_WRONGLY, message);
    }
}
