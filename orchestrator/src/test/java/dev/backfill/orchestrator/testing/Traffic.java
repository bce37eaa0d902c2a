package dev.backfill.orchestrator.testing;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;

/** What the connections of one proxy have to obey. */
final class Traffic {

    private final List<Consumer<String>> listeners = new CopyOnWriteArrayList<>();
    private final List<Trap> traps = new CopyOnWriteArrayList<>();
    private volatile Duration delay = Duration.ZERO;
    private volatile Duration jitter = Duration.ZERO;
    private boolean stopped;

    void listen(Consumer<String> listener) {
        listeners.add(listener);
    }

    void set(Trap trap) {
        traps.add(trap);
    }

    void delay(Duration newDelay, Duration newJitter) {
        delay = newDelay;
        jitter = newJitter;
    }

    synchronized void stop() {
        stopped = true;
    }

    synchronized void go() {
        stopped = false;
        notifyAll();
    }

    /** Tells the listeners of a statement on its way to the server, behind others of the same transaction. */
    Optional<Trap> passing(String before, String sql) {
        listeners.forEach(listener -> listener.accept(sql));
        return traps.stream().filter(trap -> trap.catches(before, sql)).findFirst();
    }

    synchronized void awaitGo() throws InterruptedException {
        while (stopped) {
            wait();
        }
    }

    void awaitDelay() throws InterruptedException {
        long more = ThreadLocalRandom.current().nextLong(jitter.toMillis() + 1);
        Thread.sleep(delay.toMillis() + more);
    }
}
