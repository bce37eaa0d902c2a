package dev.backfill.orchestrator.admin;

import java.util.Collection;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Keeps out what a page of another site has a browser ask: names that were made to resolve to this machine, and changes
 * that come from elsewhere. Pure.
 */
final class Gate {

    private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]");
    private static final Set<String> HARMLESS = Set.of("GET", "HEAD", "OPTIONS");
    private static final Pattern AUTHORITY = Pattern.compile("(\\[[0-9a-f:.]+]|[^:\\[\\]/@]+)(?::([0-9]{1,5}))?");
    private static final Pattern ORIGIN = Pattern.compile("(https?)://(.+)");

    private final Set<String> names = new HashSet<>(LOOPBACK);

    /** Lets in who asks for the loopback interface or one of these names. */
    Gate(Collection<String> allowedHosts) {
        allowedHosts.forEach(name -> names.add(name.toLowerCase(Locale.ROOT)));
    }

    /** Whether a request of this method may change anything. */
    static boolean changes(String method) {
        return !HARMLESS.contains(method);
    }

    /**
     * Looks at a request.
     *
     * @param header the first header of a name; null when there is none
     * @throws HttpProblem when it is kept out
     */
    void check(String method, UnaryOperator<@Nullable String> header) {
        String host = header.apply("Host");
        Matcher authority = AUTHORITY.matcher(lower(host));
        if (!authority.matches() || !names.contains(authority.group(1))) {
            throw HttpProblem.forbidden("the Host header names " + (host == null ? "nothing" : "`" + host + "`")
                    + "; ask for localhost, or add the name to admin.allowed-hosts");
        }
        if (!changes(method)) {
            return;
        }
        String origin = header.apply("Origin");
        if (origin != null && !isSame(origin, authority)) {
            throw HttpProblem.forbidden("the request comes from a page of another origin, `" + origin + "`");
        }
        if (lower(header.apply("Sec-Fetch-Site")).equals("cross-site")) {
            throw HttpProblem.forbidden("the request comes from a page of another site");
        }
    }

    private static boolean isSame(String origin, Matcher host) {
        Matcher parts = ORIGIN.matcher(lower(origin));
        if (!parts.matches()) {
            return false;
        }
        Matcher from = AUTHORITY.matcher(parts.group(2));
        String usual = parts.group(1).equals("https") ? "443" : "80";
        return from.matches()
                && from.group(1).equals(host.group(1))
                && port(from, usual).equals(port(host, usual));
    }

    private static String port(Matcher authority, String usual) {
        return authority.group(2) == null ? usual : authority.group(2);
    }

    private static String lower(@Nullable String text) {
        return text == null ? "" : text.toLowerCase(Locale.ROOT);
    }
}
