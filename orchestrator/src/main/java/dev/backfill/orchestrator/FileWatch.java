package dev.backfill.orchestrator;

import dev.backfill.orchestrator.db.SqlStates;
import dev.backfill.orchestrator.registration.JobFile;
import dev.backfill.orchestrator.registration.JobStore;
import dev.backfill.orchestrator.registration.JobsDirectory;
import dev.backfill.orchestrator.registration.Sighting;
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
import dev.backfill.orchestrator.site.Sites;
import dev.backfill.orchestrator.timing.Stop;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Registers the jobs of the watched directory, as far as this daemon sees them change. One thread. */
final class FileWatch {

    private static final Logger LOG = LoggerFactory.getLogger(FileWatch.class);
    private static final Duration LOOK = Duration.ofMillis(500);
    private static final Duration WHILE_AWAY = Duration.ofSeconds(1);
    private static final Duration WHILE_UNFIT = Duration.ofSeconds(30);

    /** A job that is not dealt with yet. */
    private record Pending(String file, LoadedJob job, long since, Duration pause, List<Problem> said) {}

    private final JobsDirectory directory;
    private final Sites sites;
    private final Registrar registrar;
    private final Host host;
    private final String watcher;
    private final Map<String, Pending> pending = new LinkedHashMap<>();
    private final Map<String, Set<String>> jobsOfFiles = new HashMap<>();

    FileWatch(Path directory, Sites sites, Registrar registrar, Host host) {
        this.directory = new JobsDirectory(directory, host.timing());
        this.sites = sites;
        this.registrar = registrar;
        this.host = host;
        this.watcher = host.name() + ":" + directory.toAbsolutePath().normalize();
    }

    /** Watches until stopped. */
    void watch(Stop stop) {
        do {
            try {
                directory.settled().forEach(this::read);
                List.copyOf(pending.values()).forEach(this::tryNow);
            } catch (RuntimeException e) {
                LOG.atError().setCause(e).log("watching the job files failed; tried again at once");
            }
        } while (!stop.sleep(LOOK));
    }

    private void read(JobFile file) {
        JobFiles.Content content = host.files().read(file.name(), file.bytes());
        if (!content.problems().isEmpty()) {
            say(content.problems(), "job file cannot be used; what was registered before stays");
            return;
        }
        Set<String> names = new HashSet<>();
        for (LoadedJob job : content.jobs()) {
            String name = job.definition().name();
            names.add(name);
            Optional<String> other = otherFile(file.name(), name);
            if (other.isPresent()) {
                String hint = "the one in " + other.get() + " counts; remove one of them";
                say(
                        List.of(job.problem("/job", "the job " + name + " is in two files", hint)),
                        "job is not registered");
            } else {
                pending.put(name, new Pending(file.name(), job, host.timing().nanos(), Duration.ZERO, List.of()));
            }
        }
        jobsOfFiles.put(file.name(), names);
    }

    private Optional<String> otherFile(String file, String job) {
        return jobsOfFiles.entrySet().stream()
                .filter(other ->
                        !other.getKey().equals(file) && other.getValue().contains(job))
                .map(Map.Entry::getKey)
                .filter(other -> Files.exists(Path.of(other)))
                .findFirst();
    }

    private void tryNow(Pending job) {
        if (host.timing().since(job.since()).compareTo(job.pause()) < 0) {
            return;
        }
        try {
            if (decide(job)) {
                pending.remove(job.job().definition().name());
            }
        } catch (RuntimeException e) {
            SqlStates.requireFromDatabase(e);
            again(job, WHILE_AWAY, job.said());
        }
    }

    /** Whether the job is dealt with. */
    private boolean decide(Pending pendingJob) {
        LoadedJob job = pendingJob.job();
        Optional<Dispatcher> target = sites.of(job);
        if (target.isPresent() && target.get().standing().status() != Status.READY) {
            again(pendingJob, WHILE_AWAY, pendingJob.said());
            return false;
        }
        if (target.isEmpty()) {
            return register(pendingJob, Optional.empty());
        }
        SightingStore sightings = target.get().site().sightings();
        String name = job.definition().name();
        Optional<JobStore.Entry> entry = target.get().site().jobs().entry(name);
        Sighting.Meaning meaning = Sighting.of(
                sightings.sighting(watcher, name),
                entry.map(e -> new Sighting.Registered(e.checksum(), e.active())),
                job.checksum());
        return switch (meaning) {
            case UNCHANGED -> true;
            case SAME -> remember(sightings, job);
            case REGISTER -> register(pendingJob, Optional.of(sightings));
            case OTHER_COPY -> {
                LOG.atWarn()
                        .addKeyValue("file", pendingJob.file())
                        .addKeyValue("job", name)
                        .addKeyValue(
                                "registered",
                                entry.map(e -> "revision " + e.revision() + (e.active() ? "" : ", unregistered"))
                                        .orElse("nothing"))
                        .log("job file holds other content than what is registered; it counts once it changes");
                yield remember(sightings, job);
            }
        };
    }

    private boolean remember(SightingStore sightings, LoadedJob job) {
        sightings.seen(watcher, job);
        return true;
    }

    private boolean register(Pending job, Optional<SightingStore> sightings) {
        Registrar.Answer answer = registrar.register(job.job(), "file", host.who());
        if (answer instanceof Registered registered) {
            sightings.ifPresent(store -> remember(store, job.job()));
            log(job, registered);
            return true;
        } else if (answer instanceof NotFit unfit) {
            if (!unfit.problems().equals(job.said())) {
                say(unfit.problems(), "job cannot be registered; tried again every 30 s");
            }
            again(job, WHILE_UNFIT, unfit.problems());
            return false;
        } else if (answer instanceof NotNow) {
            again(job, WHILE_AWAY, job.said());
            return false;
        }
        throw new IllegalStateException("unknown answer: " + answer);
    }

    private static void log(Pending job, Registered registered) {
        LOG.atInfo()
                .addKeyValue("file", job.file())
                .addKeyValue("database", registered.database())
                .addKeyValue("job", job.job().definition().name())
                .addKeyValue("revision", registered.registered().revision())
                .log(registered.registered().changed() ? "job is registered" : "job was registered already");
        registered
                .warnings()
                .forEach(warning -> LOG.atWarn()
                        .addKeyValue("file", job.file())
                        .addKeyValue("job", job.job().definition().name())
                        .addKeyValue("reason", warning)
                        .log("job is not ideal"));
    }

    private void again(Pending job, Duration pause, List<Problem> said) {
        String name = job.job().definition().name();
        pending.replace(
                name, job, new Pending(job.file(), job.job(), host.timing().nanos(), pause, said));
    }

    private static void say(List<Problem> problems, String what) {
        LOG.atWarn()
                .addKeyValue("problems", problems.stream().map(Problem::display).collect(Collectors.joining("; ")))
                .log(what);
    }
}
