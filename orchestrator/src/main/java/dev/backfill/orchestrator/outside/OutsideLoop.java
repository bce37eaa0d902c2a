package dev.backfill.orchestrator.outside;

import dev.backfill.orchestrator.gauges.Gauge;
import dev.backfill.orchestrator.timing.Bell;
import dev.backfill.orchestrator.timing.Stop;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Reads one signal as often as somebody wants to know. One thread reads; any may hurry it. */
final class OutsideLoop {

    /** Who wants to know. */
    enum Interest {
        /** Nobody. */
        NONE,
        /** Whoever looks at the database while no run moves. */
        SOME,
        /** A run that moves. */
        RUNS
    }

    private static final Logger LOG = LoggerFactory.getLogger(OutsideLoop.class);

    /** How often a signal is read that holds runs. */
    private static final Duration URGENT = Duration.ofSeconds(1);

    private static final int URGENT_PART = 5;

    /** How long one reading may take; an answer has to come before the last one is too old. */
    private static final Duration A_READING = Duration.ofSeconds(4);

    /** For how long it is not looked whether it should end. */
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(2);

    private final Gauge gauge;
    private final SignalReader reader;
    private final Supplier<Interest> interest;
    private final Bell bell;
    private volatile boolean hurried;
    private Optional<Long> last = Optional.empty();

    /** Fills a gauge. */
    OutsideLoop(Gauge gauge, SignalReader reader, Supplier<Interest> interest) {
        this.gauge = gauge;
        this.reader = reader;
        this.interest = interest;
        this.bell = new Bell(gauge.timing());
    }

    /** It is read at once. */
    void hurry() {
        hurried = true;
        bell.ring();
    }

    /** Reads until stopped. */
    void watch(Stop stop) {
        while (!stop.isRequested()) {
            Interest wanted = interest.get();
            boolean now = hurried;
            hurried = false;
            if (wanted != Interest.NONE && (now || untilDue(wanted).isZero())) {
                read();
            }
            Duration left = wanted == Interest.NONE ? LONGEST_WAIT : untilDue(wanted);
            bell.await(left.compareTo(LONGEST_WAIT) < 0 ? left : LONGEST_WAIT);
        }
        reader.close();
    }

    private Duration untilDue(Interest wanted) {
        if (last.isEmpty()) {
            return Duration.ZERO;
        }
        Duration left = interval(wanted).minus(gauge.timing().since(last.get()));
        return left.isNegative() ? Duration.ZERO : left;
    }

    private Duration interval(Interest wanted) {
        Duration stale = gauge.signal().staleAfter();
        Duration half = stale.dividedBy(2);
        Duration early = stale.minus(half.compareTo(A_READING) < 0 ? half : A_READING);
        Duration every = least(gauge.signal().every(), early);
        if (wanted == Interest.RUNS) {
            Duration urgent = every.dividedBy(URGENT_PART);
            return gauge.isUrgent() ? least(every, urgent.compareTo(URGENT) < 0 ? URGENT : urgent) : every;
        }
        return every.compareTo(half) < 0 ? half : every;
    }

    private static Duration least(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }

    private void read() {
        long asked = gauge.timing().nanos();
        last = Optional.of(asked);
        try {
            gauge.read(List.of(reader.read()), asked);
        } catch (UnreadableException e) {
            gauge.failed(e.why());
        } catch (RuntimeException | Error fault) {
            gauge.failed("a fault of the program; its log says more");
            LOG.atError()
                    .addKeyValue("signal", gauge.signal().word())
                    .setCause(fault)
                    .log("reading a signal failed; runs hold, and it is tried again");
        }
    }
}
