package dev.backfill.orchestrator.timing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.SettableTiming;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class BellTest {

    private static final Duration AN_HOUR = Duration.ofHours(1);

    private final SettableTiming timing = new SettableTiming();
    private final Bell bell = new Bell(timing);

    @Test
    void who_waits_for_a_silent_bell_waits_to_the_end() {
        bell.await(AN_HOUR);
        bell.await(AN_HOUR);

        assertThat(timing.waits()).containsExactly(AN_HOUR, AN_HOUR);
    }

    @Test
    void a_ring_while_nobody_waits_is_heard_by_the_next_wait_and_by_no_other() {
        bell.ring();
        bell.ring();

        bell.await(AN_HOUR);
        assertThat(timing.waits()).isEmpty();
        bell.await(AN_HOUR);
        assertThat(timing.waits()).containsExactly(AN_HOUR);
    }

    @Test
    void a_bell_rings_again_and_again() {
        for (int i = 0; i < 3; i++) {
            bell.ring();
            bell.await(AN_HOUR);
        }
        assertThat(timing.waits()).isEmpty();
    }

    @Test
    @Timeout(30)
    void a_ring_wakes_who_waits() throws InterruptedException {
        Bell real = new Bell(Timing.system());
        CountDownLatch waits = new CountDownLatch(1);
        Thread waiter = new Thread(() -> {
            waits.countDown();
            real.await(AN_HOUR);
        });
        waiter.setDaemon(true);
        waiter.start();
        waits.await();

        real.ring();
        waiter.join();
    }
}
