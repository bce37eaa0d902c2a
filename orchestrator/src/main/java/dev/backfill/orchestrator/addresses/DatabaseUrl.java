package dev.backfill.orchestrator.addresses;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.postgresql.Driver;

/**
 * Where a database is, in the driver's form, with what a {@code postgresql://} URL says of the user taken out.
 *
 * @param jdbc the URL for the driver, without credentials
 * @param user the user, when the URL named one
 * @param password the password, when the URL held one
 */
public record DatabaseUrl(String jdbc, Optional<String> user, Optional<String> password) {

    private static final Pattern LIBPQ = Pattern.compile("postgres(?:ql)?://(?:([^:@/]*)(?::([^@/]*))?@)?(.*)");
    private static final Pattern SECRET = Pattern.compile("(?i)(password=)[^&]*");
    private static final Pattern AT_SIGN_IN_HOST = Pattern.compile("jdbc:postgresql:[^?]*@.*");
    private static final Pattern CREDENTIAL = Pattern.compile("([?&])(user|password)=([^&]*)");

    /**
     * Reads a URL.
     *
     * @param url {@code jdbc:postgresql://...} or {@code postgresql://...}
     * @return its parts
     * @throws IllegalArgumentException when it is neither; the message does not repeat the URL, which may hold a
     *     password
     */
    public static DatabaseUrl parse(String url) {
        if (url.startsWith("jdbc:postgresql:")) {
            return withParameters(url, Optional.empty(), Optional.empty());
        }
        Matcher libpq = LIBPQ.matcher(url);
        if (!libpq.matches()) {
            throw new IllegalArgumentException(
                    "a database URL begins with jdbc:postgresql:// or postgresql://, such as postgresql://user@host:5432/name");
        }
        return withParameters("jdbc:postgresql://" + libpq.group(3), decoded(libpq.group(1)), decoded(libpq.group(2)));
    }

    private static DatabaseUrl withParameters(String jdbc, Optional<String> user, Optional<String> password) {
        String rest = jdbc;
        Optional<String> foundUser = user;
        Optional<String> foundPassword = password;
        Matcher credential = CREDENTIAL.matcher(jdbc);
        while (credential.find()) {
            if (credential.group(2).equals("user")) {
                foundUser = decoded(credential.group(3));
            } else {
                foundPassword = decoded(credential.group(3));
            }
        }
        rest = CREDENTIAL
                .matcher(rest)
                .replaceAll("$1")
                .replaceAll("&{2,}", "&")
                .replaceAll("\\?&", "?");
        String url = rest.replaceAll("[?&]+$", "");
        if (AT_SIGN_IN_HOST.matcher(url).matches()) {
            throw new IllegalArgumentException("the database URL has an @ in its host: write %40 for one in a user or"
                    + " password; jdbc:postgresql:// takes these only as ?user=...&password=...");
        }
        if (Driver.parseURL(url, null) == null) {
            throw new IllegalArgumentException(
                    "the database URL is malformed; it should look like postgresql://user@host:5432/name");
        }
        return new DatabaseUrl(url, foundUser, foundPassword);
    }

    /**
     * A URL as it may be printed.
     *
     * @param url the driver's
     * @return the same without the password of a key that it names
     */
    public static String withoutSecrets(String url) {
        return SECRET.matcher(url).replaceAll("$1...");
    }

    @SuppressWarnings("NullAway") // a group that did not match is null
    private static Optional<String> decoded(String text) {
        return Optional.ofNullable(text).filter(t -> !t.isEmpty()).map(t -> {
            try {
                return URLDecoder.decode(t.replace("+", "%2B"), StandardCharsets.UTF_8);
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException("the database URL holds a malformed %-escape", e);
            }
        });
    }

    @Override
    public String toString() {
        return withoutSecrets(jdbc);
    }
}
