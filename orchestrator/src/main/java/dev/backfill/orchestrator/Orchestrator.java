package dev.backfill.orchestrator;

import dev.backfill.orchestrator.admin.AdminServer;
import dev.backfill.orchestrator.admin.Probes;
import dev.backfill.orchestrator.config.DaemonSettings;
import dev.backfill.orchestrator.config.DatabaseSettings;
import dev.backfill.orchestrator.config.Settings;
import dev.backfill.orchestrator.db.SqlStates;
import dev.backfill.orchestrator.metrics.Meters;
import dev.backfill.orchestrator.processor.Plugins;
import dev.backfill.orchestrator.registry.JobFiles;
import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.schedule.CronTimes;
import dev.backfill.orchestrator.schedule.Planner;
import dev.backfill.orchestrator.schedule.Starts;
import dev.backfill.orchestrator.site.Dispatcher;
import dev.backfill.orchestrator.site.Dispatcher.Status;
import dev.backfill.orchestrator.site.Ears;
import dev.backfill.orchestrator.site.Host;
import dev.backfill.orchestrator.site.Host.Library;
import dev.backfill.orchestrator.site.Registrar;
import dev.backfill.orchestrator.site.Site;
import dev.backfill.orchestrator.site.Sites;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The daemon put together: constructs in order, closes in reverse. */
public final class Orchestrator implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Orchestrator.class);
    private static final Duration UNTIL_RUNS_END = Duration.ofMillis(3_900);
    private static final Duration LOOK = Duration.ofMillis(20);

    private final DaemonSettings settings;
    private final Timing timing;
    private final Stop stop;
    private final Host host;
    private final Meters meters;
    private final Sites sites;
    private final Planner planner;
    private final Registrar registrar;
    private final AdminServer admin;
    private @Nullable DataSource alarms;

    /**
     * Puts the daemon together; connects to nothing.
     *
     * @param settings the whole configuration
     * @param timing how time passes
     * @param stop said when the daemon has to end
     */
    public Orchestrator(Settings settings, Timing timing, Stop stop) {
        this(settings, timing, stop, new RunListener() {});
    }

    /**
     * Puts the daemon together; connects to nothing.
     *
     * @param settings the whole configuration
     * @param timing how time passes
     * @param stop said when the daemon has to end
     * @param listener hears what happens to runs here, beside the metrics
     */
    public Orchestrator(Settings settings, Timing timing, Stop stop, RunListener listener) {
        this.settings = settings.daemon();
        this.timing = timing;
        this.stop = stop;
        this.host = Host.here(
                timing,
                new Library(new JobFiles(CronTimes::problem), new Plugins(settings.plugins())),
                settings.daemon().workers());
        this.meters = new Meters(version());
        this.sites = new Sites(settings.databases().values().stream()
                .map(database -> dispatcher(settings, database, listener))
                .toList());
        String instance = host.name() + "/" + ProcessHandle.current().pid() + "/" + UUID.randomUUID();
        this.planner = new Planner(new Planner.Surroundings(this::ready, this::alarms, instance, this::wake), timing);
        this.registrar = new Registrar(sites, (dispatcher, job) -> planner.wake());
        this.admin = new AdminServer(
                settings.daemon().admin(),
                new AdminServer.Realm(sites, registrar, host.files()),
                new Probes(this::scrape, this::notReady),
                timing);
    }

    /**
     * Starts everything.
     *
     * @throws IllegalStateException when the admin API's address cannot be bound
     */
    public void start() {
        admin.start();
        sites.all().forEach(Dispatcher::start);
        planner.start();
        settings.jobs().ifPresent(directory -> {
            FileWatch files = new FileWatch(directory, sites, registrar, host);
            Thread thread = new Thread(() -> files.watch(stop), "job files");
            thread.setDaemon(true);
            thread.start();
        });
        LOG.atInfo()
                .addKeyValue("address", address())
                .addKeyValue("databases", sites.all().size())
                .addKeyValue("jobs", settings.jobs().map(Object::toString).orElse("no directory"))
                .log("daemon serves");
        warn(settings.admin());
    }

    private static void warn(DaemonSettings.Admin admin) {
        admin.admission()
                .anonymous()
                .ifPresent(role -> LOG.atWarn()
                        .addKeyValue("role", role.word())
                        .log("whoever reaches the address is let in without a token, with this role;"
                                + " admin.tokens, or admin.anonymous = none, change that"));
        if (admin.tls().isEmpty() && !admin.admission().tokens().isEmpty()) {
            LOG.atWarn()
                    .log("tokens are sent without encryption; set admin.tls, or let a proxy before the daemon have it");
        }
    }

    /**
     * Ends everything: no new run, the batches under way are finished or, after 3 s, cancelled, leases are given back.
     */
    @Override
    public void close() {
        stop.request();
        LOG.atInfo().log("daemon stops at the next batch boundaries");
        sites.all().forEach(Dispatcher::requestStop);
        admin.close();
        planner.close();
        long asked = timing.nanos();
        while (!sites.all().stream().allMatch(Dispatcher::isIdle)
                && timing.since(asked).compareTo(UNTIL_RUNS_END) < 0) {
            timing.sleep(LOOK);
        }
        sites.all().forEach(dispatcher -> dispatcher.site().close());
        meters.close();
        LOG.atInfo().log("daemon has stopped");
    }

    /**
     * Where the admin API listens.
     *
     * @return a URL without a path
     */
    public String address() {
        String scheme = settings.admin().tls().isPresent() ? "https" : "http";
        return scheme + "://" + settings.admin().host() + ":" + admin.port();
    }

    /**
     * A database of this daemon.
     *
     * @param name its configured name
     * @return empty when there is none of that name
     */
    public Optional<Site> site(String name) {
        return sites.find(name).map(Dispatcher::site);
    }

    private static String version() {
        String version = Orchestrator.class.getPackage().getImplementationVersion();
        return version == null ? "unpackaged" : version;
    }

    private Dispatcher dispatcher(Settings all, DatabaseSettings database, RunListener listener) {
        Ears ears = new Ears() {
            @Override
            public RunListener listener(String job, String of) {
                return new RunListener.Several(List.of(meters.listener(job, of), listener));
            }

            @Override
            public void held(String job, String of, String reason, Duration duration) {
                meters.held(job, of, reason, duration);
            }
        };
        return new Dispatcher(new Site(host, all, database), ears, this::plan);
    }

    private void plan() {
        planner.wake();
    }

    private void wake(String database) {
        sites.find(database).ifPresent(Dispatcher::wake);
    }

    private List<Starts> ready() {
        return sites.all().stream()
                .filter(dispatcher -> dispatcher.standing().status() == Status.READY)
                .map(Dispatcher::site)
                .map(site -> new Starts(
                        site.name(), site.jobs(), site.queue(), site.stores().events(), timing))
                .toList();
    }

    /** The sessions of the database that holds the alarms, opened once it answers. */
    private @Nullable DataSource alarms() {
        if (alarms == null) {
            settings.scheduler()
                    .flatMap(sites::find)
                    .filter(dispatcher -> dispatcher.standing().status() == Status.READY)
                    .ifPresent(
                            dispatcher -> alarms = dispatcher.site().database().openScheduler());
        }
        return alarms;
    }

    private String scrape() {
        for (Dispatcher dispatcher : sites.all()) {
            Site site = dispatcher.site();
            if (dispatcher.standing().status() == Status.READY) {
                observeJobs(site);
            }
            meters.observePaces(site.name(), site.everything().paces());
            meters.observeSignals(site.name(), site.signals(Optional.empty()));
        }
        return meters.scrape();
    }

    private void observeJobs(Site site) {
        try {
            meters.observe(site.name(), site.board().jobs());
        } catch (RuntimeException e) {
            SqlStates.requireFromDatabase(e); // what was seen last is shown again
        }
    }

    private Optional<String> notReady() {
        if (stop.isRequested()) {
            return Optional.of("the daemon stops");
        }
        List<Status> standings =
                sites.all().stream().map(d -> d.standing().status()).toList();
        if (standings.contains(Status.STARTING)) {
            return Optional.of("the databases are tried for the first time");
        }
        return standings.contains(Status.READY) ? Optional.empty() : Optional.of("no database can be used");
    }
}
