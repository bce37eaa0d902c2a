package dev.backfill.orchestrator.testing;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiPredicate;

/** A fault that waits for one statement to pass the {@link FaultProxy}. */
public final class Trap {

    private final Effect effect;
    private final BiPredicate<String, String> statement;
    private final AtomicInteger left;
    private final Runnable action;
    private volatile int backend;
    private volatile String sent = "";
    private final CountDownLatch sprung = new CountDownLatch(1);
    private final CountDownLatch released = new CountDownLatch(1);
    private final CountDownLatch answered = new CountDownLatch(1);

    Trap(Effect effect, BiPredicate<String, String> statement, int occurrence, Runnable action) {
        this.effect = effect;
        this.statement = statement;
        this.left = new AtomicInteger(occurrence);
        this.action = action;
    }

    /** Waits until the client was cut off, or what was to be done was done. */
    public void awaitSprung(Duration atMost) throws InterruptedException {
        await(sprung, atMost, "the statement did not come");
    }

    /** Waits until the server has dealt with the statement. */
    public void awaitAnswered(Duration atMost) throws InterruptedException {
        await(answered, atMost, "the server did not answer");
    }

    /** The process of the server that the statement was for, once it has come. */
    public int backend() {
        return backend;
    }

    /** What that had been sent before, in the same transaction: a statement a line. Empty when there was none. */
    public String sent() {
        return sent;
    }

    /** Lets a held statement go on to the server. */
    public void release() {
        released.countDown();
    }

    Effect effect() {
        return effect;
    }

    boolean catches(String before, String sql) {
        return statement.test(before, sql) && left.decrementAndGet() == 0;
    }

    void catchAt(int process, String before) {
        backend = process;
        sent = before;
    }

    void act() {
        action.run();
    }

    void spring() {
        sprung.countDown();
    }

    void answer() {
        answered.countDown();
    }

    void awaitRelease() throws InterruptedException {
        released.await();
    }

    private static void await(CountDownLatch latch, Duration atMost, String problem) throws InterruptedException {
        if (!latch.await(atMost.toMillis(), TimeUnit.MILLISECONDS)) {
            throw new AssertionError(problem + " within " + atMost);
        }
    }

    /** What becomes of the statement. */
    enum Effect {
        /** The server runs it; nobody hears of it. */
        ANSWER_LOST,
        /** The server never gets it and does not learn that the client is gone. */
        REQUEST_LOST,
        /** The server gets it only when it is released. */
        REQUEST_HELD,
        /** Something is done first, and the server never gets it. */
        ACTION_INSTEAD,
        /** Something is done first, and then the server gets it. */
        ACTION_FIRST,
        /** Something is done when the server has run it, and before anybody hears of it. */
        ACTION_AFTERWARDS
    }
}
