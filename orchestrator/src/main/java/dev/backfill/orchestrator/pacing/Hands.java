package dev.backfill.orchestrator.pacing;

import dev.backfill.orchestrator.timing.Stop;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * How many workers of this process may work at once: over everything, and in each database. Who waits longest is served
 * first. Safe for use by several threads.
 */
public final class Hands {

    private static final long LOOK_MILLISECONDS = 100;

    /** So many at once; those who wait stand in line, and are each given a place by who leaves one. */
    private static final class Places {

        private final Deque<Semaphore> line = new ArrayDeque<>();
        private int free;

        Places(int number) {
            this.free = number;
        }

        synchronized boolean areFree() {
            return free > 0;
        }

        synchronized boolean areWanted() {
            return !line.isEmpty();
        }

        /** Stands in line until it is one's turn; false when that is no longer wanted. */
        boolean take(Stop stop) {
            Semaphore turn = new Semaphore(0);
            if (takeFree(turn)) {
                return true;
            }
            while (!await(turn)) {
                if (stop.isRequested() || Thread.currentThread().isInterrupted()) {
                    leave(turn);
                    return false;
                }
            }
            return true;
        }

        /** Takes a free place, or stands in line. */
        private synchronized boolean takeFree(Semaphore turn) {
            if (free == 0) {
                return !line.add(turn);
            }
            free--;
            return true;
        }

        synchronized void giveBack() {
            Semaphore next = line.poll();
            if (next == null) {
                free++;
            } else {
                next.release();
            }
        }

        private synchronized void leave(Semaphore turn) {
            if (!line.remove(turn)) {
                giveBack(); // it was given just now
            }
        }

        private static boolean await(Semaphore turn) {
            try {
                return turn.tryAcquire(LOOK_MILLISECONDS, TimeUnit.MILLISECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            }
        }
    }

    /** One worker's hand; it has it or it has not. Used by one thread. */
    public final class Hand {

        private boolean held;

        private Hand() {}

        /**
         * Takes it, as {@link Hands#take} does; done already when it is held.
         *
         * @param stop ends the wait
         * @param whileWaiting done before the wait begins, if there is one
         * @return false when work was asked to stop before there was one
         */
        public boolean take(Stop stop, Runnable whileWaiting) {
            held = held || Hands.this.take(stop, whileWaiting);
            return held;
        }

        /** Gives it back, if it is held. */
        public void giveBack() {
            if (held) {
                held = false;
                Hands.this.giveBack();
            }
        }

        /**
         * Waits without it.
         *
         * @param stop ends the wait
         * @param duration how long
         * @return whether work was asked to stop meanwhile
         */
        public boolean rest(Stop stop, Duration duration) {
            if (!held) {
                return stop.sleep(duration);
            }
            giveBack();
            return stop.sleep(duration) || !take(stop, () -> {});
        }
    }

    private final List<Places> places;

    private Hands(List<Places> places) {
        this.places = places;
    }

    /**
     * So many for the whole process.
     *
     * @param number at least 1
     * @return all of them free
     */
    public static Hands of(int number) {
        return new Hands(List.of(new Places(number)));
    }

    /**
     * Hands of these, but no more than so many at once.
     *
     * @param number at least 1
     * @return hands that share the places of these
     */
    public Hands atMost(int number) {
        return new Hands(List.of(new Places(number), places.get(0)));
    }

    /** A worker's, not taken yet. */
    public Hand hand() {
        return new Hand();
    }

    /**
     * Takes one, waiting for it.
     *
     * @param stop ends the wait
     * @param whileWaiting done before the wait begins, if there is one: who waits should hold nothing that others need
     * @return false when work was asked to stop before there was one
     */
    public boolean take(Stop stop, Runnable whileWaiting) {
        if (!places.stream().allMatch(Places::areFree)) {
            whileWaiting.run();
        }
        for (int taken = 0; taken < places.size(); taken++) {
            if (!places.get(taken).take(stop)) {
                release(taken);
                return false;
            }
        }
        return true;
    }

    /** Gives one back. */
    public void giveBack() {
        release(places.size());
    }

    /** Whether somebody waits for a hand: who has had one for long should make room. */
    public boolean areWanted() {
        return places.stream().anyMatch(Places::areWanted);
    }

    private void release(int number) {
        for (int i = 0; i < number; i++) {
            places.get(i).giveBack();
        }
    }
}
