package dev.backfill.orchestrator.gauges;

import dev.backfill.orchestrator.policy.Level;
import dev.backfill.orchestrator.throttle.Governor;
import dev.backfill.orchestrator.throttle.Pace;
import dev.backfill.orchestrator.throttle.Pace.Reason;
import dev.backfill.orchestrator.throttle.SignalReading.Verdict;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Slows down while a signal is above its first limit, holds while it is above its last until it is well below, and holds
 * while it cannot be read. Safe for use by several threads.
 */
final class LevelGovernor implements Governor {

    private static final Duration LEAST_HOLD = Duration.ofSeconds(1);
    private static final Duration BRIEF_FOR = Duration.ofSeconds(3);

    private final Gauge gauge;
    private final Vital signal;
    private final Level level;
    private final Optional<String> table;
    private boolean holding;
    private long asked;
    private long since;
    private volatile Optional<Long> above = Optional.empty();

    /** Over a gauge: what it reads of a table, or of all that is no table. */
    LevelGovernor(Gauge gauge, Level level, Optional<String> table) {
        this.gauge = gauge;
        this.signal = gauge.signal();
        this.level = level;
        this.table = table;
    }

    @Override
    public String name() {
        return signal.word();
    }

    @Override
    public synchronized Pace pace() {
        long now = gauge.timing().nanos();
        holding = holding && now - asked < signal.staleAfter().toNanos(); // nobody was held meanwhile
        asked = now;
        Optional<List<Sample>> mine =
                gauge.current().map(all -> all.stream().filter(this::isMine).toList());
        if (mine.isEmpty() || (table.isPresent() && mine.get().isEmpty())) {
            return blind();
        }
        Optional<Sample> worst = mine.get().stream().max(Comparator.comparingDouble(this::badness));
        if (worst.isEmpty()) {
            holding = false;
            return Pace.FULL;
        }
        decide(worst.get());
        if (holding) {
            gauge.urge();
        }
        double ratio = holding ? 0 : ratio(worst.get().value(), level);
        if (signal.makesBrief() && !holding) {
            above = ratio < 1 ? Optional.of(now) : above;
            return Pace.FULL;
        }
        return ratio == 1 ? Pace.FULL : new Pace(ratio, Optional.of(reason(display(worst.get()))));
    }

    @Override
    public boolean wantsBrief() {
        return above.filter(at -> gauge.timing().since(at).compareTo(BRIEF_FOR) < 0)
                .isPresent();
    }

    @Override
    public int workers() {
        return signal.crowdedFrom().isPresent()
                        && gauge.last().stream()
                                .filter(this::isMine)
                                .anyMatch(sample ->
                                        sample.value() >= signal.crowdedFrom().getAsDouble())
                ? 1
                : Integer.MAX_VALUE;
    }

    private boolean isMine(Sample sample) {
        return table.map(sample.source()::equals).orElse(!sample.isOfTable());
    }

    private double badness(Sample sample) {
        return sample.alarm().isPresent() ? Double.MAX_VALUE : sample.value();
    }

    /** The limit for the worst of them is the limit for all. */
    private void decide(Sample worst) {
        boolean over = isOver(worst, level);
        if (over && !holding) {
            holding = true;
            since = gauge.timing().nanos();
        } else if (!over && worst.value() <= level.resume() && isHeldLongEnough()) {
            holding = false;
        }
    }

    private boolean isHeldLongEnough() {
        return !holding || gauge.timing().since(since).compareTo(LEAST_HOLD) >= 0;
    }

    /** What a sample means under limits. */
    static Verdict verdict(Sample sample, Level level) {
        if (isOver(sample, level)) {
            return Verdict.HOLD;
        }
        return ratio(sample.value(), level) < 1 ? Verdict.SLOW : Verdict.GO;
    }

    /** How fast a run may move, from 0 to 1, at a value that is not above the level's hold. */
    private static double ratio(double value, Level level) {
        if (level.slow().isEmpty() || value <= level.slow().getAsDouble()) {
            return 1;
        }
        if (level.hold().isEmpty()) {
            return 0.5;
        }
        double slow = level.slow().getAsDouble();
        return 1 - 0.9 * (value - slow) / (level.hold().getAsDouble() - slow);
    }

    private String display(Sample sample) {
        String text = sample.alarm().orElseGet(() -> signal.said(sample.value()) + allowed());
        String of = sample.source().isEmpty() ? "" : sample.source() + ": ";
        return of + text + (sample.detail().isEmpty() ? "" : " (" + sample.detail() + ")");
    }

    private String allowed() {
        return level.hold().isPresent() ? "; allowed are " + number(level.hold().getAsDouble()) : "";
    }

    private static String number(double value) {
        return value == Math.rint(value) ? Long.toString((long) value) : Double.toString(value);
    }

    private static boolean isOver(Sample sample, Level level) {
        return sample.alarm().isPresent()
                || (level.hold().isPresent() && sample.value() > level.hold().getAsDouble());
    }

    private Pace blind() {
        Optional<String> old = gauge.age()
                .filter(age -> gauge.current().isEmpty()) // else it was read, and of other tables only
                .map(age -> "it was read last " + age.toSeconds() + " s ago, which is too long");
        Optional<String> why =
                gauge.trouble().map(trouble -> "it cannot be read: " + trouble).or(() -> old);
        return Pace.hold(
                why.map(detail -> new Reason(signal.word(), detail, "the run goes on by itself once it can be read"))
                        .orElseGet(() -> new Reason(
                                signal.word(), "it is being read for the first time", "that takes a moment")));
    }

    private Reason reason(String detail) {
        return new Reason(signal.word(), detail, signal.next());
    }
}
