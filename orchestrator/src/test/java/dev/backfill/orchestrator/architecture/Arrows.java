package dev.backfill.orchestrator.architecture;

import java.util.Map;
import java.util.Set;

/** Who may use whom. A new package, and a new library, is one line here. */
final class Arrows {

    /** The root package; may use every other. */
    static final String ROOT = "";

    /** What may be used by those who put everything together. */
    private static final Set<String> EVERYTHING = Set.of(
            ROOT,
            "access",
            "addresses",
            "admin",
            "batch",
            "cli",
            "client",
            "config",
            "console",
            "control",
            "db",
            "demo",
            "dryrun",
            "engine",
            "gauges",
            "listen",
            "metrics",
            "operate",
            "outside",
            "pacing",
            "page",
            "policy",
            "processor",
            "registration",
            "registry",
            "replication",
            "report",
            "run",
            "schedule",
            "sessions",
            "signals",
            "site",
            "slicing",
            "standbys",
            "stream",
            "throttle",
            "tls",
            "tuning",
            "wal",
            "watch");

    /** The packages of the program that each one may use. Not listed: everyone's {@link #COMMON}. */
    static final Map<String, Set<String>> PACKAGES = Map.ofEntries(
            Map.entry("sql", Set.of()),
            Map.entry("timing", Set.of()),
            Map.entry("words", Set.of()),
            Map.entry("page", Set.of()),
            Map.entry("client", Set.of("tls")),
            Map.entry("operate", Set.of("client", "registry")),
            Map.entry("policy", Set.of()),
            Map.entry("addresses", Set.of()),
            Map.entry("access", Set.of()),
            Map.entry("tls", Set.of()),
            Map.entry("listen", Set.of("tls")),
            Map.entry("config", Set.of("access", "addresses", "policy", "tls")),
            Map.entry("sessions", Set.of("config")),
            Map.entry("db", Set.of("config", "sessions")),
            Map.entry("registry", Set.of("config", "db")),
            Map.entry("run", Set.of("db", "wal")),
            Map.entry("report", Set.of("control", "db", "run", "wal")),
            Map.entry("throttle", Set.of("config", "db")),
            Map.entry("wal", Set.of()),
            Map.entry("standbys", Set.of("db", "run")),
            Map.entry("replication", Set.of("config", "db", "policy", "standbys", "throttle", "wal")),
            Map.entry("gauges", Set.of("policy", "throttle")),
            Map.entry("signals", Set.of("config", "db", "gauges", "policy", "throttle")),
            Map.entry("outside", Set.of("addresses", "config", "db", "gauges", "policy", "throttle")),
            Map.entry(
                    "watch", Set.of("config", "db", "outside", "policy", "replication", "signals", "throttle", "wal")),
            Map.entry("pacing", Set.of("run", "throttle", "wal")),
            Map.entry("tuning", Set.of("config", "db", "registration", "registry", "run")),
            Map.entry("registration", Set.of("config", "db", "registry", "run")),
            Map.entry("control", Set.of("config", "db", "registration", "run")),
            Map.entry("batch", Set.of("db", "registry", "run", "sessions")),
            Map.entry("processor", Set.of("batch", "db", "registry")),
            Map.entry("slicing", Set.of("batch", "db", "registry", "run")),
            Map.entry("dryrun", Set.of("batch", "db", "registry", "run", "slicing")),
            Map.entry("console", Set.of("db", "engine", "run")),
            Map.entry(
                    "engine",
                    Set.of("batch", "config", "db", "pacing", "registry", "run", "slicing", "throttle", "wal")),
            Map.entry(
                    "site",
                    Set.of(
                            "config",
                            "control",
                            "db",
                            "engine",
                            "pacing",
                            "policy",
                            "processor",
                            "registration",
                            "registry",
                            "replication",
                            "report",
                            "run",
                            "sessions",
                            "standbys",
                            "throttle",
                            "tuning",
                            "watch")),
            Map.entry("schedule", Set.of("config", "control", "db", "registration", "registry", "run")),
            Map.entry("metrics", Set.of("control", "registration", "run", "throttle")),
            Map.entry(
                    "admin",
                    Set.of(
                            "access",
                            "config",
                            "control",
                            "db",
                            "listen",
                            "page",
                            "policy",
                            "registration",
                            "registry",
                            "replication",
                            "report",
                            "run",
                            "signals",
                            "site",
                            "standbys",
                            "stream",
                            "throttle",
                            "tuning")),
            Map.entry("stream", Set.of("control", "db", "registration", "replication", "site", "standbys")),
            Map.entry("demo", Set.of("config", "db")),
            Map.entry("cli", EVERYTHING),
            Map.entry(ROOT, EVERYTHING));

    /** The packages that everyone may use. */
    static final Set<String> COMMON = Set.of("sql", "timing", "words");

    /** The packages that each library's types may be seen in; by the beginning of the library's package names. */
    static final Map<String, Set<String>> LIBRARIES = Map.ofEntries(
            Map.entry("org.quartz.", Set.of("schedule")),
            Map.entry("org.jdbi.", Set.of("standbys", "control", "db", "registration", "report", "run", "tuning")),
            Map.entry("com.zaxxer.hikari.", Set.of("db")),
            Map.entry("org.flywaydb.", Set.of("db")),
            Map.entry("org.postgresql.", Set.of("addresses", "config", "db", "registry")),
            Map.entry("tools.jackson.", Set.of("admin", "client", "operate", "outside", "registry", "tuning")),
            Map.entry("com.fasterxml.jackson.annotation.", Set.of("admin", "registry")),
            Map.entry("com.networknt.", Set.of("admin", "registry")),
            Map.entry("org.snakeyaml.", Set.of("admin", "registry")),
            Map.entry("io.javalin.", Set.of("admin", "stream")),
            Map.entry("jakarta.servlet.", Set.of("admin", "stream")),
            Map.entry("org.eclipse.jetty.", Set.of("admin", "listen", "stream")),
            Map.entry("io.micrometer.", Set.of("metrics")),
            Map.entry("io.prometheus.metrics.", Set.of("metrics")),
            Map.entry("com.typesafe.config.", Set.of("config")),
            Map.entry("org.apache.commons.compress.", Set.of("demo")),
            Map.entry("org.tukaani.xz.", Set.of("demo")),
            Map.entry("javax.net.ssl.", Set.of("client", "outside", "tls")),
            Map.entry("picocli.", Set.of("cli", "client", "operate", ROOT)),
            Map.entry("me.tongfei.progressbar.", Set.of("console")));

    /** What everyone may use. */
    static final Set<String> COMMON_LIBRARIES = Set.of(
            "java.", "javax.net.ssl.", "javax.sql.", "org.slf4j.", "org.jspecify.annotations.", "dev.backfill.api.");

    /** The classes that may look at the clock and wait; everybody else is handed what does. */
    static final Set<String> KEEPERS_OF_TIME = Set.of("Timing");

    private Arrows() {}
}
