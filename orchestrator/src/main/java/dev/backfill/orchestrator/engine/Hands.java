package dev.backfill.orchestrator.engine;

import dev.backfill.orchestrator.timing.Stop;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Semaphore;

/**
 * How many workers of this process may work at once: over everything, and in each database. Safe for use by several
 * threads.
 */
public final class Hands {

    private static final Duration LOOK = Duration.ofMillis(100);

    private final List<Semaphore> permits;

    private Hands(List<Semaphore> permits) {
        this.permits = permits;
    }

    /**
     * The hands of a process.
     *
     * @param number how many
     * @return all of them free
     */
    public static Hands of(int number) {
        return new Hands(List.of(new Semaphore(number)));
    }

    /**
     * The same hands, of which no more than some may be in one place.
     *
     * @param number how many
     * @return hands that share the permits of these
     */
    public Hands atMost(int number) {
        return new Hands(List.of(permits.get(0), new Semaphore(number)));
    }

    /** Takes one; false when work was asked to stop before there was one. */
    boolean take(Stop stop) {
        int taken = 0;
        while (taken < permits.size()) {
            if (permits.get(taken).tryAcquire()) {
                taken++;
            } else {
                release(taken);
                taken = 0;
                if (stop.sleep(LOOK)) {
                    return false;
                }
            }
        }
        return true;
    }

    void giveBack() {
        release(permits.size());
    }

    private void release(int number) {
        for (int i = 0; i < number; i++) {
            permits.get(i).release();
        }
    }
}
