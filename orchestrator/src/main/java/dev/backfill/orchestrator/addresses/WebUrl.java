package dev.backfill.orchestrator.addresses;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.Locale;
import java.util.Set;

/** URLs that are asked over HTTP. */
public final class WebUrl {

    private static final Set<String> SCHEMES = Set.of("http", "https");
    private static final int LARGEST_PORT = 65_535;

    private WebUrl() {}

    /**
     * Reads a URL.
     *
     * @param url such as {@code https://gate.example/may-i}
     * @return the same, of http or https, with a host
     * @throws IllegalArgumentException when it cannot be asked, or names a user; the message does not repeat the URL, which
     *     may hold a secret
     */
    public static URI parse(String url) {
        URI uri;
        try {
            uri = new URI(url.strip());
        } catch (URISyntaxException e) {
            // Without the cause, whose message holds the URL.
            throw new IllegalArgumentException("it is malformed; it should look like https://host:9090/path");
        }
        String scheme = uri.getScheme();
        if (scheme == null || !SCHEMES.contains(scheme.toLowerCase(Locale.ROOT))) {
            throw new IllegalArgumentException("it has to begin with http:// or https://");
        }
        if (uri.getRawUserInfo() != null
                || String.valueOf(uri.getRawAuthority()).contains("@")) {
            throw new IllegalArgumentException("it names a user: a secret belongs into a token-file");
        }
        if (uri.getHost() == null || uri.getPort() == 0 || uri.getPort() > LARGEST_PORT) {
            throw new IllegalArgumentException("it names no host, or a port that there is not");
        }
        if (uri.getRawFragment() != null) {
            throw new IllegalArgumentException("it has a #, and what comes after it is sent to nobody");
        }
        return uri;
    }

    /**
     * Who is asked, for messages.
     *
     * @param uri a URL
     * @return host and port, without the rest, which may hold a secret
     */
    public static String server(URI uri) {
        return uri.getPort() < 0 ? uri.getHost() : uri.getHost() + ":" + uri.getPort();
    }
}
