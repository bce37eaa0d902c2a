package dev.backfill.orchestrator.testing;

import java.io.IOException;

/** Starts threads that do not keep the tests from ending. */
final class Threads {

    private Threads() {}

    /** The action ends with its sockets and files: an exception of theirs is its normal end. */
    static Thread startDaemon(String name, Action action) {
        Thread thread = new Thread(() -> run(action), name);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    private static void run(Action action) {
        try {
            action.run();
        } catch (IOException e) {
            // closed
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** What such a thread does. */
    interface Action {
        void run() throws IOException, InterruptedException;
    }
}
