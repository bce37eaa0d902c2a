package dev.backfill.orchestrator.config;

import dev.backfill.orchestrator.access.Admission;
import dev.backfill.orchestrator.access.Caller;
import dev.backfill.orchestrator.access.Role;
import dev.backfill.orchestrator.access.Tokens;
import dev.backfill.orchestrator.access.Tokens.Known;
import dev.backfill.orchestrator.config.DaemonSettings.Admin;
import dev.backfill.orchestrator.tls.CertificateFiles;
import dev.backfill.orchestrator.tls.UnusableFileException;
import dev.backfill.orchestrator.words.Spelling;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;

/** Reads what only the daemon needs to know. */
final class DaemonReader {

    private static final Pattern IPV4 = Pattern.compile("127(\\.(0|[1-9]\\d?|1\\d\\d|2[0-4]\\d|25[0-5])){3}");
    private static final Pattern IPV6 = Pattern.compile("[0-9a-fA-F.]*:[0-9a-fA-F:.]*");
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._-]+");
    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");
    private static final String UNTIL_TOKENS = "admin without tokens";
    private static final Pattern HOST = Pattern.compile("[A-Za-z0-9._-]+|\\[[0-9a-fA-F:.]+]");

    private final Section root;
    private final Path directory;

    /** Over all settings; relative files are in the directory. */
    DaemonReader(Section root, Path directory) {
        this.root = root;
        this.directory = directory;
    }

    /** Reads it, for these databases. */
    DaemonSettings read(Set<String> databases) {
        return new DaemonSettings(
                jobs(),
                stopFile(),
                root.number("workers", 1, DaemonSettings.MOST_WORKERS),
                scheduler(databases),
                admin());
    }

    private Optional<Path> jobs() {
        return path("jobs").filter(jobs -> {
            boolean usable = Files.isDirectory(jobs) && Files.isReadable(jobs) && Files.isExecutable(jobs);
            if (!usable) {
                root.problem(
                        "jobs",
                        "is " + jobs + ", which is not a directory that can be read; create it, or"
                                + " let the daemon's user read it");
            }
            return usable;
        });
    }

    private Optional<Path> stopFile() {
        return path("stop-file").filter(file -> {
            Path parent = file.toAbsolutePath().getParent();
            if (parent == null || Files.isDirectory(file)) {
                root.problem("stop-file", "is " + file + ", which is a directory; name a file in it");
            } else if (!Files.isDirectory(parent)) {
                root.problem("stop-file", "is " + file + ", and there is no directory " + parent + "; create it");
            }
            return true;
        });
    }

    private Optional<Path> path(String key) {
        return root.text(key).flatMap(text -> {
            try {
                return Optional.of(directory.resolve(text));
            } catch (InvalidPathException e) {
                root.problem(key, "is no path: " + e.getReason());
                return Optional.empty();
            }
        });
    }

    private Optional<String> scheduler(Set<String> databases) {
        Section scheduler = root.section("scheduler");
        scheduler.allow(Set.of("database"));
        Optional<String> named = scheduler.text("database");
        named.filter(name -> !databases.contains(name)).ifPresent(name -> {
            String there = databases.isEmpty() ? "there are none" : "there are " + String.join(", ", databases);
            String hint = Spelling.hint(name, databases);
            scheduler.problem("database", "is " + name + ", which is not one of the databases: " + there + hint);
        });
        return named.or(() -> databases.stream().sorted().findFirst());
    }

    private Admin admin() {
        Section admin = root.section("admin");
        admin.allow(Set.of("host", "port", "allowed-hosts", "tokens", "anonymous", "tls"));
        String host = admin.requiredText("host");
        boolean loopback = host.isEmpty() || isLoopback(host);
        Tokens tokens = tokens(admin.section("tokens"));
        if (!loopback && !isAddress(host)) {
            admin.problem("host", "is " + host + ", which is neither an address nor a name of one");
        } else if (!loopback && admin.section("tokens").keys().isEmpty()) {
            admin.problem(
                    "host",
                    "is " + host + ", which others can reach, and there are no tokens: make one with `backfill token`"
                            + " and add it to admin.tokens, or use 127.0.0.1 and a tunnel");
        }
        Section metrics = root.section("metrics");
        metrics.allow(Set.of("public"));
        boolean openProbes = metrics.isFirst("public", "on", "off") || loopback;
        Admission admission = new Admission(tokens, anonymous(admin, tokens, loopback), openProbes);
        int port = admin.number("port", 0, DaemonSettings.HIGHEST_PORT);
        return new Admin(host, port, allowedHosts(admin), admission, tls(admin.section("tls")));
    }

    private static Tokens tokens(Section tokens) {
        List<Known> known = new ArrayList<>();
        Map<String, String> names = new HashMap<>();
        for (String name : tokens.keys()) {
            if (!Admission.isName(name)) {
                tokens.problem(
                        name, "is no name for a token: letters, digits and . _ @ - make one, at most 63 of them");
            }
            Section token = tokens.section(name);
            token.allow(Set.of("role", "sha256"));
            Optional<Role> role = word(token, "role", Role::of, "viewer, operator or admin");
            String hash = token.text("sha256").orElse("").toLowerCase(Locale.ROOT);
            String other = names.put(hash, name);
            if (!SHA256.matcher(hash).matches()) {
                token.problem("sha256", "must be the 64 hexadecimal digits that `backfill token` says");
            } else if (other != null) {
                token.problem("sha256", "is the same as that of " + other + ": a token has one owner");
            } else {
                role.ifPresent(r -> known.add(new Known(new Caller(name, r), hash)));
            }
        }
        return new Tokens(known);
    }

    private static Optional<Role> anonymous(Section admin, Tokens tokens, boolean loopback) {
        if (admin.says("anonymous", Set.of(UNTIL_TOKENS))) {
            return tokens.isEmpty() ? Optional.of(Role.ADMIN) : Optional.empty();
        } else if (admin.says("anonymous", Set.of("none"))) {
            return Optional.empty();
        }
        Optional<Role> role =
                word(admin, "anonymous", Role::of, "\"" + UNTIL_TOKENS + "\", none, viewer, operator or admin");
        if (!loopback && role.filter(r -> r.allows(Role.OPERATOR)).isPresent()) {
            admin.problem("anonymous", "must be none or viewer where others than this machine can reach admin.host");
        }
        return role;
    }

    /** A word of a few; empty after a problem. */
    private static <T> Optional<T> word(
            Section section, String key, Function<String, Optional<T>> reader, String words) {
        Optional<String> text = section.text(key);
        Optional<T> value = text.flatMap(reader);
        if (value.isEmpty()) {
            section.problem(
                    key, "must be " + words + text.map(t -> ", not " + t).orElse(""));
        }
        return value;
    }

    private Optional<CertificateFiles> tls(Section tls) {
        tls.allow(Set.of("certificate", "key"));
        Optional<Path> certificate = tls.text("certificate").map(directory::resolve);
        Optional<Path> key = tls.text("key").map(directory::resolve);
        if (certificate.isEmpty() && key.isEmpty()) {
            return Optional.empty();
        } else if (certificate.isEmpty() || key.isEmpty()) {
            tls.problem(certificate.isEmpty() ? "certificate" : "key", "must be there too: TLS needs both files");
            return Optional.empty();
        }
        CertificateFiles files = new CertificateFiles(certificate.get(), key.get());
        try {
            files.read();
        } catch (UnusableFileException e) {
            tls.problem("certificate", "and key cannot be used: " + e.getMessage());
        }
        return Optional.of(files);
    }

    private static List<String> allowedHosts(Section admin) {
        List<String> hosts = admin.texts("allowed-hosts");
        for (String host : hosts) {
            if (!HOST.matcher(host).matches()) {
                admin.problem(
                        "allowed-hosts",
                        "holds \"" + host + "\": write names only, without a scheme, a port or a path, such as"
                                + " backfill.example");
            }
        }
        return hosts.stream().map(host -> host.toLowerCase(Locale.ROOT)).toList();
    }

    /** Whether it can be an address, or a name of one; none is looked up. */
    private static boolean isAddress(String host) {
        return host.contains(":")
                ? IPV6.matcher(host).matches() && isLiteral(host)
                : NAME.matcher(host).matches();
    }

    private static boolean isLiteral(String ipv6) {
        try {
            return InetAddress.getByName(ipv6).getHostAddress().contains(":");
        } catch (UnknownHostException e) {
            return false;
        }
    }

    /** Whether it is an address of the loopback interface; no name is looked up. */
    private static boolean isLoopback(String host) {
        if (host.equals("localhost") || IPV4.matcher(host).matches()) {
            return true;
        }
        try {
            return IPV6.matcher(host).matches() && InetAddress.getByName(host).isLoopbackAddress();
        } catch (UnknownHostException e) {
            return false;
        }
    }
}
