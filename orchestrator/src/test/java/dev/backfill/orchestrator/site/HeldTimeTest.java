package dev.backfill.orchestrator.site;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.run.RunListener.Hold;
import dev.backfill.orchestrator.timing.Timing;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class HeldTimeTest {

    private static final Hold LAG = new Hold("replication-lag", "it goes on");
    private static final Hold DRAIN = new Hold("replication-drain", "it goes on");

    private final SettableTiming timing = new SettableTiming();
    private final HoldBook book = new HoldBook(timing, timing::now);
    private final RunListener listener = book.listener("fill");

    private static final class SettableTiming implements Timing {

        private long nanos = 1;

        void pass(int millis) {
            nanos += Duration.ofMillis(millis).toNanos();
        }

        @Override
        public Instant now() {
            return Instant.ofEpochSecond(0, nanos);
        }

        @Override
        public long nanos() {
            return nanos;
        }

        @Override
        public boolean await(CountDownLatch stop, Duration atMost) {
            throw new UnsupportedOperationException("nobody waits here");
        }
    }

    @Test
    void a_hold_whose_detail_changes_is_as_old_as_it_was() {
        listener.held("1", LAG, "5.1 s behind");
        Instant began = timing.now();
        timing.pass(10_000);
        listener.held("1", LAG, "9.3 s behind");

        assertThat(book.of("1").orElseThrow().since()).isEqualTo(began);
        assertThat(book.of("1").orElseThrow().detail()).isEqualTo("9.3 s behind");
        assertThat(book.entries().get(0).lasted()).isEqualTo(Duration.ofSeconds(10));
    }

    @Test
    void holds_that_begin_and_end_between_two_looks_count() {
        for (int i = 0; i < 4; i++) {
            listener.held("1", DRAIN, "");
            timing.pass(100);
            listener.released("1", DRAIN);
            timing.pass(150);
        }

        assertThat(book.stoodStill()).isEqualTo(Map.of(reason(DRAIN), Duration.ofMillis(400)));
        assertThat(book.stoodStill()).isEmpty();
    }

    @Test
    void a_hold_that_goes_on_counts_each_moment_once() {
        listener.held("1", LAG, "");
        timing.pass(300);
        assertThat(book.stoodStill()).isEqualTo(Map.of(reason(LAG), Duration.ofMillis(300)));
        timing.pass(200);
        listener.held("1", DRAIN, "");
        timing.pass(50);
        book.leave("1");

        assertThat(book.stoodStill())
                .isEqualTo(Map.of(reason(LAG), Duration.ofMillis(200), reason(DRAIN), Duration.ofMillis(50)));
    }

    private static HoldBook.Reason reason(Hold hold) {
        return new HoldBook.Reason("fill", hold.word());
    }
}
