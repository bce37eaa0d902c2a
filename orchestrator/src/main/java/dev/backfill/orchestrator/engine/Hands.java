package dev.backfill.orchestrator.engine;

import dev.backfill.orchestrator.timing.Stop;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * How many workers of this process may work at once: over everything, and in each database. Who waits longest is served
 * first. Safe for use by several threads.
 */
public final class Hands {

    private static final long LOOK_MILLISECONDS = 100;

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
        return new Hands(List.of(new Semaphore(number, true)));
    }

    /**
     * The same hands, of which no more than some may be in one place.
     *
     * @param number how many
     * @return hands that share the permits of these
     */
    public Hands atMost(int number) {
        return new Hands(List.of(new Semaphore(number, true), permits.get(0)));
    }

    /**
     * Takes one, waiting for it.
     *
     * @param stop ends the wait
     * @param whileWaiting done before the wait begins, if there is one: who waits should hold nothing that others need
     * @return false when work was asked to stop before there was one
     */
    public boolean take(Stop stop, Runnable whileWaiting) {
        boolean waits = false;
        int taken = 0;
        while (taken < permits.size()) {
            if (permits.get(taken).availablePermits() == 0 && !waits) {
                whileWaiting.run();
                waits = true;
            }
            if (await(permits.get(taken))) {
                taken++;
            } else if (stop.isRequested() || Thread.currentThread().isInterrupted()) {
                release(taken);
                return false;
            }
        }
        return true;
    }

    /** Gives one back. */
    public void giveBack() {
        release(permits.size());
    }

    /** Whether somebody waits for a hand: who has had one for long should make room. */
    boolean areWanted() {
        return permits.stream().anyMatch(Semaphore::hasQueuedThreads);
    }

    private static boolean await(Semaphore semaphore) {
        try {
            return semaphore.tryAcquire(LOOK_MILLISECONDS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private void release(int number) {
        for (int i = 0; i < number; i++) {
            permits.get(i).release();
        }
    }
}
