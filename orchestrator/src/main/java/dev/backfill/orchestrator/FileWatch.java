package dev.backfill.orchestrator;

import dev.backfill.orchestrator.PendingJob.Place;
import dev.backfill.orchestrator.PendingJob.Retry;
import dev.backfill.orchestrator.PendingJob.Seen;
import dev.backfill.orchestrator.db.SqlStates;
import dev.backfill.orchestrator.registration.JobFile;
import dev.backfill.orchestrator.registration.JobStore;
import dev.backfill.orchestrator.registration.JobsDirectory;
import dev.backfill.orchestrator.registration.Sighting;
import dev.backfill.orchestrator.registration.Sighting.Meaning;
import dev.backfill.orchestrator.registration.SightingStore;
import dev.backfill.orchestrator.registry.JobFiles;
import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.registry.Problem;
import dev.backfill.orchestrator.site.Dispatcher;
import dev.backfill.orchestrator.site.Dispatcher.Status;
import dev.backfill.orchestrator.site.Host;
import dev.backfill.orchestrator.site.Registrar;
import dev.backfill.orchestrator.site.Registrar.NotFit;
import dev.backfill.orchestrator.site.Registrar.NotNow;
import dev.backfill.orchestrator.site.Registrar.Registered;
import dev.backfill.orchestrator.site.Site;
import dev.backfill.orchestrator.site.Sites;
import dev.backfill.orchestrator.timing.Stop;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.spi.LoggingEventBuilder;

/** Registers the jobs of the watched directory, as far as this daemon sees them change. One thread. */
final class FileWatch {

    private static final Logger LOG = LoggerFactory.getLogger(FileWatch.class);
    private static final Duration LOOK = Duration.ofMillis(500);
    private static final Duration WHILE_AWAY = Duration.ofSeconds(1);
    private static final Duration WHILE_UNFIT = Duration.ofSeconds(30);

    private final JobsDirectory directory;
    private final Sites sites;
    private final Registrar registrar;
    private final Host host;
    private final String watcher;
    private final Map<Place, PendingJob> pending = new LinkedHashMap<>();
    private final FileOwners owners;

    FileWatch(Path directory, Sites sites, Registrar registrar, Host host) {
        this.directory = new JobsDirectory(directory, host.timing());
        this.owners = new FileOwners(host.timing(), this.directory::holds);
        this.sites = sites;
        this.registrar = registrar;
        this.host = host;
        this.watcher = host.name() + ":" + directory.toAbsolutePath().normalize();
    }

    /** Watches until stopped. */
    void watch(Stop stop) {
        do {
            directory.settled().forEach(file -> safely(file.name(), () -> read(file)));
            List.copyOf(pending.values()).forEach(job -> safely(job.place().file(), () -> tryNow(job)));
        } while (!stop.sleep(LOOK));
    }

    /** A fault over one file keeps nobody from the others. */
    private static void safely(String file, Runnable step) {
        try {
            step.run();
        } catch (RuntimeException e) {
            LOG.atError().addKeyValue("file", file).setCause(e).log("a job file could not be dealt with");
        }
    }

    private void read(JobFile file) {
        JobFiles.Content content = host.files().read(file.name(), file.bytes());
        pending.keySet().removeIf(place -> place.file().equals(file.name()));
        if (!content.problems().isEmpty()) {
            say(content.problems(), "job file cannot be used; what was registered before stays");
            return;
        }
        Set<String> names = new HashSet<>();
        for (LoadedJob job : content.jobs()) {
            names.add(job.definition().name());
            List<Dispatcher> targets = sites.of(job);
            targets.forEach(target -> put(file, job, target.site().name(), Seen.in(target, job)));
            if (!sites.missing(job).isEmpty()) {
                put(file, job, "", new Seen(Optional.empty(), false));
            }
        }
        owners.holds(file.name(), names);
    }

    private void put(JobFile file, LoadedJob job, String database, Seen seen) {
        Place place = new Place(file.name(), job.definition().name(), database);
        Retry now = new Retry(host.timing().nanos(), Duration.ZERO);
        pending.put(place, new PendingJob(place, job, now, List.of(), seen));
    }

    private void tryNow(PendingJob job) {
        if (!directory.holds(job.place().file())) {
            pending.remove(job.place());
            line(job).log("job file is gone before its job was registered; nothing is registered");
            return;
        }
        if (host.timing().since(job.retry().since()).compareTo(job.retry().pause()) < 0) {
            return;
        }
        if (!directory.isLegible(job.place().file())) {
            return; // it is being written, or was emptied: what it held does not count as long as that is so
        }
        Optional<String> other = owners.of(job.place().job())
                .filter(file -> !file.equals(job.place().file()));
        if (other.isPresent()) {
            refuse(job, other.get());
            return;
        }
        again(job, WHILE_UNFIT, job.said()); // should what follows fail
        try {
            if (decide(job)) {
                pending.remove(job.place());
            }
        } catch (RuntimeException e) {
            SqlStates.requireFromDatabase(e);
            again(job, WHILE_AWAY, job.said());
        }
    }

    private void refuse(PendingJob job, String owner) {
        String hint = "the one in " + owner + " counts until it is gone; remove one of them";
        List<Problem> problems =
                List.of(job.job().problem("/job", "the job " + job.place().job() + " is in two files", hint));
        if (!problems.equals(job.said())) {
            say(problems, "job is not registered");
        }
        Seen second = new Seen(job.seen().revision(), true);
        again(new PendingJob(job.place(), job.job(), job.retry(), problems, second), WHILE_AWAY, problems);
    }

    /** Whether the job is dealt with. */
    private boolean decide(PendingJob job) {
        Optional<Dispatcher> target = sites.find(job.place().database());
        if (target.isEmpty()) {
            unfit(job, sites.missing(job.job()));
            return false;
        } else if (target.get().standing().status() != Status.READY) {
            again(job, WHILE_AWAY, job.said());
            return false;
        }
        Site site = target.get().site();
        Optional<JobStore.Entry> entry = site.jobs().entry(job.place().job());
        Meaning meaning = meaning(job, site, entry);
        if (isRivalled(job, meaning)) {
            again(job, WHILE_AWAY, job.said());
            return false;
        }
        owners.own(job.place().job(), job.place().file());
        SightingStore sightings = site.sightings();
        return switch (meaning) {
            case UNCHANGED -> true;
            case SAME -> remember(sightings, job.job());
            case REGISTER ->
                job.seen().isOvertakenBy(entry) ? leave(job, entry, sightings) : register(job, target.get());
            case OTHER_COPY -> leave(job, entry, sightings);
        };
    }

    private Meaning meaning(PendingJob job, Site site, Optional<JobStore.Entry> entry) {
        return Sighting.of(
                site.sightings().sighting(watcher, job.place().job()),
                entry.map(e -> new Sighting.Registered(e.checksum(), e.active())),
                job.job().checksum());
    }

    /** Whether another file, where none counts yet, holds what is registered or was seen before in any database. */
    private boolean isRivalled(PendingJob job, Meaning own) {
        return !owners.isOwned(job.place().job())
                && (own == Meaning.REGISTER || own == Meaning.OTHER_COPY)
                && pending.values().stream()
                        .filter(rival -> rival.place().job().equals(job.place().job())
                                && !rival.place().file().equals(job.place().file()))
                        .anyMatch(this::isKnown);
    }

    private boolean isKnown(PendingJob job) {
        return sites.find(job.place().database())
                .filter(target -> target.standing().status() == Status.READY)
                .map(Dispatcher::site)
                .map(site -> meaning(job, site, site.jobs().entry(job.place().job())))
                .filter(meaning -> meaning == Meaning.UNCHANGED || meaning == Meaning.SAME)
                .isPresent();
    }

    private boolean leave(PendingJob job, Optional<JobStore.Entry> entry, SightingStore sightings) {
        line(job)
                .addKeyValue(
                        "registered",
                        entry.map(e -> "revision " + e.revision() + (e.active() ? "" : ", unregistered"))
                                .orElse("nothing"))
                .log("job file holds other content than what is registered; it counts once it changes");
        return remember(sightings, job.job());
    }

    private static LoggingEventBuilder line(PendingJob job) {
        return LOG.atWarn()
                .addKeyValue("file", job.place().file())
                .addKeyValue("database", job.place().database())
                .addKeyValue("job", job.place().job());
    }

    private boolean remember(SightingStore sightings, LoadedJob job) {
        sightings.seen(watcher, job);
        return true;
    }

    private boolean register(PendingJob job, Dispatcher target) {
        Registrar.Answer answer = registrar.register(target, job.job(), "file", host.who());
        if (answer instanceof Registered registered) {
            log(job, registered);
            return remember(target.site().sightings(), job.job());
        } else if (answer instanceof NotFit unfit) {
            unfit(job, unfit.problems());
            return false;
        } else if (answer instanceof NotNow) {
            again(job, WHILE_AWAY, job.said());
            return false;
        }
        throw new IllegalStateException("unknown answer: " + answer);
    }

    private void unfit(PendingJob job, List<Problem> problems) {
        if (!problems.equals(job.said())) {
            line(job)
                    .addKeyValue("problems", display(problems))
                    .log("job cannot be registered; tried again every 30 s");
        }
        again(job, WHILE_UNFIT, problems);
    }

    private static void log(PendingJob job, Registered registered) {
        LOG.atInfo()
                .addKeyValue("file", job.place().file())
                .addKeyValue("database", registered.database())
                .addKeyValue("job", job.place().job())
                .addKeyValue("revision", registered.registered().revision())
                .log(registered.registered().changed() ? "job is registered" : "job was registered already");
        registered
                .warnings()
                .forEach(warning -> LOG.atWarn()
                        .addKeyValue("file", job.place().file())
                        .addKeyValue("job", job.place().job())
                        .addKeyValue("reason", warning)
                        .log("job is not ideal"));
    }

    private void again(PendingJob job, Duration pause, List<Problem> said) {
        Retry retry = new Retry(host.timing().nanos(), pause);
        pending.computeIfPresent(
                job.place(), (place, now) -> new PendingJob(place, job.job(), retry, said, job.seen()));
    }

    private static void say(List<Problem> problems, String what) {
        LOG.atWarn().addKeyValue("problems", display(problems)).log(what);
    }

    private static String display(List<Problem> problems) {
        return problems.stream().map(Problem::display).collect(Collectors.joining("; "));
    }
}
