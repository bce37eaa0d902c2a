package dev.backfill.orchestrator.config;

import dev.backfill.orchestrator.config.DaemonSettings.Admin;
import dev.backfill.orchestrator.words.Spelling;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/** Reads what only the daemon needs to know. */
final class DaemonReader {

    private static final Pattern IPV4 = Pattern.compile("127(\\.(0|[1-9]\\d?|1\\d\\d|2[0-4]\\d|25[0-5])){3}");
    private static final Pattern IPV6 = Pattern.compile("[0-9a-fA-F.]*:[0-9a-fA-F:.]*");
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
        admin.allow(Set.of("host", "port", "allowed-hosts"));
        String host = admin.requiredText("host");
        if (!host.isEmpty() && !isLoopback(host)) {
            admin.problem(
                    "host",
                    "is " + host + ": the admin API has no tokens yet, so it may listen on the loopback interface only;"
                            + " use 127.0.0.1 and a tunnel or a proxy");
        }
        return new Admin(host, admin.number("port", 0, DaemonSettings.HIGHEST_PORT), allowedHosts(admin));
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
