package dev.backfill.orchestrator.access;

import java.util.Collection;
import java.util.HashSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Keeps out what a page of another site has a browser ask: names that were made to resolve to this machine, changes that
 * come from elsewhere, and the bodies that a browser sends anywhere without asking first. Pure.
 */
public final class Gate {

    private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]");
    private static final Set<String> HARMLESS = Set.of("GET", "HEAD", "OPTIONS");
    private static final Set<String> TYPES =
            Set.of("application/json", "application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml");
    private static final Pattern AUTHORITY = Pattern.compile("(\\[[0-9a-f:.]+]|[^:\\[\\]/@]+)(?::([0-9]{1,5}))?");
    private static final Pattern ORIGIN = Pattern.compile("(https?)://(.+)");

    private final Set<String> names = new HashSet<>(LOOPBACK);

    /**
     * Lets in who asks for the loopback interface or one of these names.
     *
     * @param allowedHosts names and addresses, these of IPv6 in brackets
     */
    public Gate(Collection<String> allowedHosts) {
        allowedHosts.forEach(name -> names.add(name.toLowerCase(Locale.ROOT)));
    }

    /**
     * Whether a request may change anything.
     *
     * @param method its method
     * @return whether it is none of those that change nothing
     */
    public static boolean changes(String method) {
        return !HARMLESS.contains(method);
    }

    /**
     * Looks where a request comes from and what it asks for.
     *
     * @param method its method
     * @param header the first header of a name; null when there is none
     * @return why it is kept out; empty when it may pass
     */
    public Optional<String> refusal(String method, UnaryOperator<@Nullable String> header) {
        String host = header.apply("Host");
        Matcher authority = AUTHORITY.matcher(lower(host));
        if (!authority.matches() || !names.contains(authority.group(1))) {
            return Optional.of("the Host header names " + (host == null ? "nothing" : "`" + host + "`")
                    + "; ask for localhost, or add the name to admin.allowed-hosts");
        }
        if (!changes(method)) {
            return Optional.empty();
        }
        String origin = header.apply("Origin");
        if (origin != null && !isSame(origin, authority)) {
            return Optional.of("the request comes from a page of another origin, `" + origin + "`");
        }
        if (lower(header.apply("Sec-Fetch-Site")).equals("cross-site")) {
            return Optional.of("the request comes from a page of another site");
        }
        return Optional.empty();
    }

    /**
     * Looks at the type of a body.
     *
     * @param header the first header of a name; null when there is none
     * @return what is wrong with it; empty when it may be read. Only who is no browser may leave the type out
     */
    public static Optional<String> wrongType(UnaryOperator<@Nullable String> header) {
        String type = lower(header.apply("Content-Type")).split(";", 2)[0].strip();
        boolean empty = header.apply("Transfer-Encoding") == null
                && Set.of("", "0")
                        .contains(lower(header.apply("Content-Length")).strip());
        if (empty || TYPES.contains(type) || (type.isEmpty() && header.apply("Origin") == null)) {
            return Optional.empty();
        }
        return Optional.of("the body is " + (type.isEmpty() ? "of no type" : "`" + type + "`")
                + "; send it as application/json or application/yaml, with curl by --json or"
                + " -H 'Content-Type: application/json'");
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
