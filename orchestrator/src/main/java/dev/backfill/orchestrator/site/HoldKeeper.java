package dev.backfill.orchestrator.site;

import dev.backfill.orchestrator.control.RunView.Held;
import dev.backfill.orchestrator.replication.Signal;
import dev.backfill.orchestrator.report.Tallies;
import dev.backfill.orchestrator.report.TallyStore;
import dev.backfill.orchestrator.throttle.SignalReading;
import dev.backfill.orchestrator.timing.Timing;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes holds known outside of this process: in the run's row at once, in events and logs when they last, once a minute
 * while they go on; and what was counted of runs, every few seconds and when one has ended. What a database that is away
 * cannot be told is told later. One thread.
 */
final class HoldKeeper {

    private static final Logger LOG = LoggerFactory.getLogger(HoldKeeper.class);
    private static final Duration WORTH_A_WORD = Duration.ofSeconds(10);
    private static final Duration SAID_AGAIN = Duration.ofMinutes(1);
    private static final int MOST_NAMES = 5;
    private static final Duration WRITTEN_AGAIN = Duration.ofSeconds(15);
    private static final Duration TALLIED_AGAIN = Duration.ofSeconds(2);

    private final Site site;
    private final Ears ears;
    private final Timing timing;
    private final Tallies tallies;
    private final TallyStore tally;
    private final Map<String, Written> written = new HashMap<>();
    private final Set<String> said = new HashSet<>();
    private final List<Note> notes = new ArrayList<>();
    private long summed;
    private long tallied;

    private record Written(Held held, long at) {}

    /** An event that is not written yet. */
    private record Note(String run, String text) {}

    HoldKeeper(Site site, Ears ears, Tallies tallies) {
        this.site = site;
        this.ears = ears;
        this.timing = site.host().timing();
        this.tallies = tallies;
        this.tally = new TallyStore(site.database());
        this.summed = timing.nanos();
        this.tallied = summed;
    }

    /** Counts and logs; called about once a second, also while the database is away. */
    void tell() {
        site.holds().stoodStill().forEach((reason, time) -> ears.held(reason.job(), site.name(), reason.word(), time));
        Set<String> held = new HashSet<>();
        for (HoldBook.Entry entry : site.holds().entries()) {
            held.add(said(entry));
            say(entry);
        }
        said.retainAll(held);
        if (timing.since(summed).compareTo(SAID_AGAIN) > 0) {
            summed = timing.nanos();
            sum();
        }
    }

    /** Tells the database; called about once a second while it answers. */
    void write() {
        Set<String> held = new HashSet<>();
        for (HoldBook.Entry entry : site.holds().entries()) {
            held.add(entry.run());
            write(entry);
        }
        for (String run : Set.copyOf(written.keySet())) {
            if (!held.contains(run)) {
                site.queue().rememberHold(run, null);
                written.remove(run);
            }
        }
        while (!notes.isEmpty()) {
            site.stores()
                    .events()
                    .noted(notes.get(0).run(), "hold", notes.get(0).text());
            notes.remove(0);
        }
        tally();
    }

    private void tally() {
        site.signals(Optional.empty()).stream()
                .filter(signal -> signal.signal().equals(Signal.REPLICATION_LAG.word()))
                .flatMap(signal -> signal.readings().stream())
                .mapToDouble(SignalReading::value)
                .filter(Double::isFinite)
                .max()
                .ifPresent(tallies::lag);
        if (tallies.isUrgent() || timing.since(tallied).compareTo(TALLIED_AGAIN) > 0) {
            tallied = timing.nanos();
            tally.write(tallies);
        }
    }

    private void write(HoldBook.Entry entry) {
        Written before = written.get(entry.run());
        if (before == null
                || !before.held().equals(entry.held())
                || timing.since(before.at()).compareTo(WRITTEN_AGAIN) > 0) {
            site.queue().rememberHold(entry.run(), entry.held());
            written.put(entry.run(), new Written(entry.held(), timing.nanos()));
        }
    }

    /** A run that is held by something else is news. */
    private static String said(HoldBook.Entry entry) {
        return entry.run() + " " + entry.hold().word();
    }

    private void say(HoldBook.Entry entry) {
        if (entry.lasted().compareTo(WORTH_A_WORD) < 0 || !said.add(said(entry))) {
            return;
        }
        LOG.atInfo()
                .addKeyValue("database", site.name())
                .addKeyValue("job", entry.job())
                .addKeyValue("run", entry.run())
                .addKeyValue("reason", entry.hold().word())
                .addKeyValue("detail", entry.held().detail())
                .addKeyValue("seconds", entry.lasted().toSeconds())
                .addKeyValue("next", entry.hold().next())
                .log("run is held");
        notes.add(
                new Note(entry.run(), entry.hold().word() + ": " + entry.held().detail()));
    }

    /** One line a minute for each reason, however many runs it holds. */
    private void sum() {
        Map<String, List<String>> jobs = new TreeMap<>();
        for (HoldBook.Entry entry : site.holds().entries()) {
            if (entry.lasted().compareTo(SAID_AGAIN) > 0) {
                jobs.computeIfAbsent(entry.hold().word(), word -> new ArrayList<>())
                        .add(entry.job());
            }
        }
        jobs.forEach((word, held) -> LOG.atInfo()
                .addKeyValue("database", site.name())
                .addKeyValue("reason", word)
                .addKeyValue("runs", held.size())
                .addKeyValue("jobs", held.stream().sorted().limit(MOST_NAMES).collect(Collectors.joining(", ")))
                .log("runs are held still"));
    }
}
