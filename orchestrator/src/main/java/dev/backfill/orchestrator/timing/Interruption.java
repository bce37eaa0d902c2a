package dev.backfill.orchestrator.timing;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Turns Ctrl-C and SIGTERM into the wish to stop at the next batch boundary, and the process's exit code into
 * "interrupted". Closing it ends that.
 */
public final class Interruption implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofMillis(4500);

    private final CountDownLatch ended = new CountDownLatch(1);
    private volatile int exitCode;
    private final Thread hook;

    private Interruption(Stop stop, int exitCode) {
        this.exitCode = exitCode;
        this.hook = new Thread(
                () -> {
                    stop.request();
                    await();
                    Runtime.getRuntime().halt(this.exitCode);
                },
                "interruption");
    }

    /**
     * Listens from here on.
     *
     * @param stop what Ctrl-C says
     * @param exitCode of the process when it was interrupted
     * @return to be closed when the work has ended
     */
    public static Interruption requesting(Stop stop, int exitCode) {
        Interruption interruption = new Interruption(stop, exitCode);
        Runtime.getRuntime().addShutdownHook(interruption.hook);
        return interruption;
    }

    /**
     * The work has come to an end of its own.
     *
     * @param code what the process says to its caller from now on, also when it is interrupted
     */
    public void ended(int code) {
        exitCode = code;
    }

    @Override
    public void close() {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            ended.countDown(); // the process is ending: the hook waits for this
        }
    }

    private void await() {
        try {
            ended.await(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
