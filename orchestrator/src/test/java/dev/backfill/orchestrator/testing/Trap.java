package dev.backfill.orchestrator.testing;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;

/** A fault that waits for one statement to pass the {@link FaultProxy}. In every case the client is cut off. */
public final class Trap {

    private final Effect effect;
    private final Predicate<String> statement;
    private final AtomicInteger left;
    private final CountDownLatch sprung = new CountDownLatch(1);
    private final CountDownLatch released = new CountDownLatch(1);
    private final CountDownLatch answered = new CountDownLatch(1);

    Trap(Effect effect, Predicate<String> statement, int occurrence) {
        this.effect = effect;
        this.statement = statement;
        this.left = new AtomicInteger(occurrence);
    }

    /** Waits until the client was cut off. */
    public void awaitSprung(Duration atMost) throws InterruptedException {
        await(sprung, atMost, "the statement did not come");
    }

    /** Waits until the server has dealt with the statement. */
    public void awaitAnswered(Duration atMost) throws InterruptedException {
        await(answered, atMost, "the server did not answer");
    }

    /** Lets a held statement go on to the server. */
    public void release() {
        released.countDown();
    }

    Effect effect() {
        return effect;
    }

    boolean catches(String sql) {
        return statement.test(sql) && left.decrementAndGet() == 0;
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
        REQUEST_HELD
    }
}
