package dev.backfill.orchestrator.config;

import dev.backfill.orchestrator.addresses.LinkLocal;
import dev.backfill.orchestrator.addresses.WebUrl;
import dev.backfill.orchestrator.policy.Outside;
import dev.backfill.orchestrator.policy.OutsideSignal;
import dev.backfill.orchestrator.policy.OutsideSignal.Asked;
import dev.backfill.orchestrator.policy.OutsideSignal.Http;
import dev.backfill.orchestrator.policy.OutsideSignal.Prometheus;
import dev.backfill.orchestrator.policy.OutsideSignal.Sql;
import java.net.InetAddress;
import java.net.URI;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.postgresql.core.Parser;

/** Reads the signals that a configuration defines by names, all but their limits. */
final class OutsideReader {

    /** Whom signals ask. */
    enum Kind {
        /** The database itself. */
        SQL("sql", Set.of("query")),
        /** A Prometheus server. */
        PROMETHEUS("prometheus", Set.of("url", "query", "token-file")),
        /** Any server. */
        HTTP("http", Set.of("url", "token-file"));

        private final String word;
        private final Set<String> keys;

        Kind(String word, Set<String> own) {
            this.word = word;
            Set<String> all = new HashSet<>(own);
            all.addAll(Set.of("every", "stale-after"));
            if (hasLimits()) {
                all.addAll(ThrottleReader.NUMBERS);
            }
            this.keys = Set.copyOf(all);
        }

        /** Whether a number is answered. */
        boolean hasLimits() {
            return !word.equals("http");
        }

        /** The signals of this kind that something is said of. */
        Section of(Section throttle) {
            return throttle.section(word);
        }
    }

    /** The keys beside those of the signals that there are always. */
    static final Set<String> KEYS = Set.of("sql", "prometheus", "http", "link-local");

    private static final Pattern NAME = Pattern.compile("[a-z0-9-]+");
    private static final Pattern VISIBLE = Pattern.compile("[\\x21-\\x7e]+");

    /** What holds and governors are called that are no signals. */
    private static final Set<String> OTHER_WORDS = Set.of(
            "database-down",
            "depends-on",
            "disk-full",
            "limits",
            "locked-rows",
            "no-connection",
            "open-transactions",
            "stopped",
            "table-busy",
            "weight",
            "window");

    private static final String EVERY = "every";
    private static final String STALE_AFTER = "stale-after";
    private static final Duration USUALLY_EVERY = Duration.ofSeconds(10);
    private static final Duration LEAST_USUAL_AGE = Duration.ofSeconds(10);
    private static final int USUAL_AGE = 3;
    private static final Duration SHORTEST = Duration.ofMillis(100);
    private static final Duration SHORTEST_AGE = Duration.ofSeconds(3);
    private static final Duration LONGEST = Duration.ofDays(1);

    private final Section throttle;
    private final Path directory;
    private final boolean whole;

    private OutsideReader(Section throttle, Path directory, boolean whole) {
        this.throttle = throttle;
        this.directory = directory;
        this.whole = whole;
    }

    /** Refuses what it does not know. */
    static void allow(Section throttle) {
        for (Kind kind : Kind.values()) {
            Section named = kind.of(throttle);
            for (String name : named.keys()) {
                named.braces(name).allow(kind.keys);
            }
        }
    }

    /** The names there are, of which each stands for a signal of one kind. */
    static Map<String, Kind> names(Section throttle) {
        Map<String, Kind> names = new TreeMap<>();
        for (Kind kind : Kind.values()) {
            kind.of(throttle).keys().forEach(name -> names.putIfAbsent(name, kind));
        }
        return names;
    }

    /**
     * Reads the signals. What the defaults, which are not the whole of a database, leave out is no problem.
     *
     * @param throttle of a database, over the defaults
     * @param directory that files are relative to
     * @param whole whether it is a database
     */
    static Outside read(Section throttle, Path directory, boolean whole) {
        return new OutsideReader(throttle, directory, whole).read();
    }

    private Outside read() {
        List<OutsideSignal> signals = new ArrayList<>();
        names(throttle).forEach((name, kind) -> {
            checkName(name, kind);
            Section named = kind.of(throttle);
            Section signal = named.braces(name);
            if (!named.isObject(name) && !named.says(name, ThrottleReader.OFF)) {
                named.problem(name, "must be settings in braces, or off");
            } else if (!named.isObject(name) && signal.keys().isEmpty()) {
                named.problem(name, "is off, and says nowhere what it would be: leave it out");
            } else {
                read(name, kind, signal).ifPresent(signals::add);
            }
        });
        return new Outside(signals, linkLocal());
    }

    private void checkName(String name, Kind kind) {
        Section named = kind.of(throttle);
        if (!NAME.matcher(name).matches()) {
            named.problem(name, "is no name for a signal: it is made of a to z, 0 to 9 and -");
        } else if (ThrottleReader.isBuiltIn(name) || OTHER_WORDS.contains(name) || KEYS.contains(name)) {
            named.problem(name, "is a word that means something else; call the signal otherwise");
        }
        for (Kind other : Kind.values()) {
            if (other.compareTo(kind) > 0 && other.of(throttle).has(name)) {
                other.of(throttle)
                        .problem(name, "has the name of a signal under " + kind.word + "; name one otherwise");
            }
        }
    }

    private Optional<OutsideSignal> read(String name, Kind kind, Section signal) {
        Duration every = signal.has(EVERY) ? signal.duration(EVERY, SHORTEST, LONGEST) : USUALLY_EVERY;
        Duration usual = every.multipliedBy(USUAL_AGE);
        Duration staleAfter = signal.has(STALE_AFTER)
                ? signal.duration(STALE_AFTER, SHORTEST_AGE, LONGEST)
                : usual.compareTo(LEAST_USUAL_AGE) < 0 ? LEAST_USUAL_AGE : usual;
        if (staleAfter.compareTo(every) < 0) {
            signal.problem(STALE_AFTER, "must not be shorter than every");
        }
        return asked(kind, signal).map(asked -> new OutsideSignal(name, asked, every, staleAfter));
    }

    private Optional<Asked> asked(Kind kind, Section signal) {
        return switch (kind) {
            case SQL ->
                query(signal, "SELECT count(*) FROM public.queue").map(query -> {
                    if (statements(query) != 1) {
                        signal.problem("query", "must be one statement");
                    }
                    return new Sql(query);
                });
            case PROMETHEUS -> {
                Optional<URI> url = url(signal, uri -> uri.getRawQuery() == null);
                Optional<String> query = query(signal, "max(some_metric)");
                Optional<String> token = token(signal);
                yield url.flatMap(at -> query.map(asks -> new Prometheus(at, asks, token)));
            }
            case HTTP -> {
                Optional<String> token = token(signal);
                yield url(signal, uri -> true).map(at -> new Http(at, token));
            }
        };
    }

    private Optional<String> query(Section signal, String example) {
        if (signal.has("query")) {
            return Optional.of(signal.requiredText("query")).filter(query -> !query.isEmpty());
        }
        return missing(signal, "query", example);
    }

    private Optional<URI> url(Section signal, Predicate<URI> fits) {
        if (!signal.has("url")) {
            return missing(signal, "url", "https://host:9090").map(URI::create);
        }
        String text = signal.requiredText("url");
        if (text.isEmpty()) {
            return Optional.empty();
        }
        try {
            URI uri = WebUrl.parse(text);
            if (!fits.test(uri)) {
                signal.problem("url", "is not right: the query of the URL is what the program makes of `query`");
            }
            return Optional.of(uri);
        } catch (IllegalArgumentException e) {
            signal.problem("url", "is not right: " + e.getMessage());
            return Optional.empty();
        }
    }

    private Optional<String> missing(Section signal, String key, String example) {
        if (whole) {
            signal.problem(key, "is missing (such as " + example + ")");
        }
        return Optional.empty();
    }

    private Optional<String> token(Section signal) {
        Optional<String> token = DatabaseReader.secret(signal, "token-file", directory);
        if (token.filter(text -> !text.isEmpty() && !VISIBLE.matcher(text).matches())
                .isPresent()) {
            signal.problem("token-file", "names a file that holds more than one word of letters, digits and signs");
        }
        return token;
    }

    /** How many statements the driver would send for a text; 0 when it cannot read it. */
    private static long statements(String sql) {
        try {
            return Parser.parseJdbcSql(sql, true, false, true, false, false).stream()
                    .filter(query -> !query.nativeSql.isBlank())
                    .count();
        } catch (SQLException e) {
            return 0;
        }
    }

    private Set<InetAddress> linkLocal() {
        if (!throttle.has("link-local")) {
            return Set.of();
        }
        return throttle.texts("link-local").stream()
                .flatMap(text -> {
                    try {
                        return Optional.of(LinkLocal.literal(text)).stream();
                    } catch (IllegalArgumentException e) {
                        throttle.problem("link-local", "holds an element that is no address: " + text);
                        return Optional.<InetAddress>empty().stream();
                    }
                })
                .collect(Collectors.toUnmodifiableSet());
    }
}
