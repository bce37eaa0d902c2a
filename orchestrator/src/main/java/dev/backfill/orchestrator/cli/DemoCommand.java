package dev.backfill.orchestrator.cli;

import dev.backfill.orchestrator.Orchestrator;
import dev.backfill.orchestrator.config.DaemonSettings;
import dev.backfill.orchestrator.config.DatabaseSettings.Login;
import dev.backfill.orchestrator.config.Settings;
import dev.backfill.orchestrator.config.SettingsReader;
import dev.backfill.orchestrator.console.Relay;
import dev.backfill.orchestrator.console.RunConsole;
import dev.backfill.orchestrator.demo.DemoServers;
import dev.backfill.orchestrator.demo.DemoTable;
import dev.backfill.orchestrator.processor.Plugins;
import dev.backfill.orchestrator.registry.JobFiles;
import dev.backfill.orchestrator.registry.LiveCheck.Accepted;
import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.run.RunState;
import dev.backfill.orchestrator.schedule.CronTimes;
import dev.backfill.orchestrator.site.Host;
import dev.backfill.orchestrator.site.Host.Library;
import dev.backfill.orchestrator.site.Site;
import dev.backfill.orchestrator.timing.Interruption;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Shows a run on servers of its own. */
@Command(
        name = "demo",
        description = {
            "Starts PostgreSQL with a streaming standby, fills a table, and runs a job on it before your eyes.",
            "Needs no database and no network; at the end, and at Ctrl-C, nothing is left of it."
        },
        mixinStandardHelpOptions = true)
final class DemoCommand implements Callable<Integer> {

    private static final String DATABASE = "main";
    private static final Duration LOOK = Duration.ofMillis(100);
    private static final Duration LONG = Duration.ofHours(1);

    @Option(
            names = "--rows",
            paramLabel = "N",
            defaultValue = "1000000",
            description = "How many rows the table has; ${DEFAULT-VALUE} by default.")
    private long rows;

    @Option(
            names = "--keep",
            description = "Let the daemon do it, and go on serving its page and admin API on 127.0.0.1 until Ctrl-C.")
    private boolean keep;

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    private final Timing timing = Timing.system();

    @Override
    public Integer call() throws Exception {
        if (rows < 1) {
            throw new Refusal(ExitCode.INVALID, "--rows must be at least 1");
        }
        System.setProperty("backfill.log-level", "WARN");
        Stop stop = new Stop(timing);
        try (Interruption interruption = Interruption.requesting(stop, ExitCode.INTERRUPTED.code())) {
            int code = show(stop, interruption).code();
            interruption.ended(code);
            return code;
        }
    }

    private ExitCode show(Stop stop, Interruption interruption) throws Exception {
        long start = timing.nanos();
        try (DemoServers servers = start(stop)) {
            prepare(servers, stop);
            ExitCode code = keep ? serve(servers, stop, interruption) : run(servers, stop);
            if (!keep && code == ExitCode.DONE) {
                whatNext();
                say(String.format(
                        Locale.ROOT,
                        "%.0f s in all; the servers are stopped and removed",
                        timing.since(start).toMillis() / 1000.0));
            }
            return code;
        } catch (InterruptedIOException e) {
            say("interrupted; nothing is left of the demo");
            return ExitCode.INTERRUPTED;
        } catch (IOException | SQLException | RuntimeException e) {
            if (stop.isRequested()) {
                say("interrupted; nothing is left of the demo"); // Ctrl-C ends what it was waiting for, too
                return ExitCode.INTERRUPTED;
            }
            throw e instanceof IOException
                    ? new Refusal(ExitCode.FAILED, "the demo cannot go on: " + e.getMessage())
                    : e;
        }
    }

    private DemoServers start(Stop stop) throws IOException, SQLException {
        say("Starting PostgreSQL 18 and a streaming standby (fsync is off: it is a demo) ...");
        long start = timing.nanos();
        DemoServers servers = DemoServers.start(stop);
        say(String.format(Locale.ROOT, "... done in %.1f s", timing.since(start).toMillis() / 1000.0));
        return servers;
    }

    private void prepare(DemoServers servers, Stop stop) throws IOException, SQLException {
        say(String.format(Locale.ROOT, "Creating the table orders with %,d rows ...", rows));
        long start = timing.nanos();
        DemoTable.create(servers, rows, stop);
        say(String.format(Locale.ROOT, "... done in %.1f s", timing.since(start).toMillis() / 1000.0));
        DemoServers.Standby standby = servers.standby();
        say(String.format(
                Locale.ROOT,
                "The standby in pg_stat_replication: application_name %s, state %s, sent_lsn %s, replay_lsn %s",
                standby.name(),
                standby.state(),
                standby.sent(),
                standby.replayed()));
        say("The job, examples/" + DemoTable.JOB_FILE + ":");
        new String(DemoTable.job(), StandardCharsets.UTF_8).lines().forEach(line -> say("    " + line));
    }

    private ExitCode run(DemoServers servers, Stop stop) throws IOException, SQLException {
        Settings settings = SettingsReader.forDatabase(servers.login());
        JobFiles files = new JobFiles(CronTimes::problem);
        LoadedJob job = files.read(DemoTable.JOB_FILE, DemoTable.job()).jobs().get(0);
        Host host = Host.here(
                timing,
                new Library(files, new Plugins(settings.plugins())),
                job.definition().execution().parallelism());
        try (Site site = new Site(
                host, settings, settings.databases().values().iterator().next())) {
            Accepted accepted = (Accepted) site.check(job);
            site.migrate();
            Run run = site.start(job).orElseThrow();
            RunConsole console = new RunConsole(RunCommand.sources(site), timing, run, err());
            Run ended;
            try (RunConsole open = console.open(site.address())) {
                ended = site.driveInForeground(run, accepted.statement(), open, stop);
            }
            return conclude(servers, console, ended);
        }
    }

    private ExitCode serve(DemoServers servers, Stop stop, Interruption interruption) throws IOException, SQLException {
        Path jobs = Files.createDirectory(servers.directory().resolve("jobs"));
        Relay relay = new Relay();
        try (Orchestrator orchestrator = daemon(SettingsReader.forDatabase(servers.login()), jobs, relay)) {
            whereToLook(orchestrator.address(), servers.login());
            Path file = Files.write(servers.directory().resolve(DemoTable.JOB_FILE), DemoTable.job());
            Files.move(file, jobs.resolve(DemoTable.JOB_FILE));
            ExitCode code = watch(servers, orchestrator.site(DATABASE).orElseThrow(), relay, stop);
            interruption.ended(code.code());
            if (!stop.isRequested()) {
                whatNext();
                say("Serving " + orchestrator.address() + " until Ctrl-C");
            }
            while (!stop.isRequested()) {
                stop.sleep(LONG);
            }
            return code;
        }
    }

    /** A daemon that serves, on its usual port or, when that is taken, on any. */
    private Orchestrator daemon(Settings settings, Path jobs, Relay relay) {
        int usual = settings.daemon().admin().port();
        Orchestrator first = new Orchestrator(daemon(settings, jobs, usual), timing, new Stop(timing), relay);
        try {
            first.start();
            return first;
        } catch (IllegalStateException e) {
            first.close();
            Orchestrator second = new Orchestrator(daemon(settings, jobs, 0), timing, new Stop(timing), relay);
            second.start();
            return second;
        }
    }

    /** Shows the run that the daemon works. */
    private ExitCode watch(DemoServers servers, Site site, Relay relay, Stop stop)
            throws InterruptedIOException, SQLException {
        while (relay.first().isEmpty()) {
            if (stop.sleep(LOOK)) {
                throw new InterruptedIOException("interrupted before the run");
            }
        }
        Run run = relay.first().get();
        RunConsole console = new RunConsole(RunCommand.sources(site), timing, run, err());
        Run now = run;
        try (RunConsole open = console.open(site.address())) {
            relay.tell(open);
            while (now.state().isUnfinished() && !stop.sleep(LOOK)) {
                now = site.stores().runs().find(run.id());
            }
        }
        return conclude(servers, console, now);
    }

    private ExitCode conclude(DemoServers servers, RunConsole console, Run ended)
            throws InterruptedIOException, SQLException {
        if (ended.state().isUnfinished() && ended.state() != RunState.PAUSED) {
            throw new InterruptedIOException("interrupted in mid run");
        }
        console.summarize(ended, out());
        if (ended.state() == RunState.SUCCEEDED) {
            DemoTable.Count count = DemoTable.count(servers);
            print(String.format(
                    Locale.ROOT,
                    "counted in the table: %,d rows, %,d with total_cents, %,d wrong",
                    count.rows(),
                    count.filled(),
                    count.wrong()));
        }
        return ExitCode.of(ended.state());
    }

    private static Settings daemon(Settings settings, Path jobs, int port) {
        DaemonSettings daemon = settings.daemon();
        DaemonSettings.Admin admin = daemon.admin();
        return new Settings(
                settings.lease(),
                settings.databases(),
                settings.plugins(),
                new DaemonSettings(
                        Optional.of(jobs),
                        daemon.stopFile(),
                        daemon.workers(),
                        Optional.of(DATABASE),
                        new DaemonSettings.Admin(
                                admin.host(), port, admin.allowedHosts(), admin.admission(), admin.tls())));
    }

    private void whereToLook(String address, Login login) {
        String job = address + "/api/v1/jobs/orders-total-cents";
        say("The daemon serves its page and its admin API on " + address + ". Look at it in a browser, or try:");
        say("    curl " + job);
        say("    curl -X POST " + job + "/pause     # and /resume");
        say("The database is at "
                + login.url()
                        .replace(
                                "jdbc:postgresql://",
                                "postgresql://" + login.user().orElse("") + ":"
                                        + login.password().orElse("") + "@"));
    }

    private void whatNext() {
        List.of(
                        "",
                        "With a database of your own:",
                        "  1. Write what is to be done into a file such as orders-total-cents.yaml (see examples)",
                        "  2. Check it:  ./backfill validate orders-total-cents.yaml --database postgresql://me@db.example/shop",
                        "  3. Run it:    ./backfill run orders-total-cents.yaml --database postgresql://me@db.example/shop",
                        "")
                .forEach(this::print);
    }

    private void say(String text) {
        err().println(text);
        err().flush();
    }

    private void print(String text) {
        out().println(text);
        out().flush();
    }

    private PrintWriter out() {
        return spec.commandLine().getOut();
    }

    private PrintWriter err() {
        return spec.commandLine().getErr();
    }
}
