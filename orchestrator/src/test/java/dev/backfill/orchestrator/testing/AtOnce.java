package dev.backfill.orchestrator.testing;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** Several threads that do something at the same moment. */
public final class AtOnce {

    private AtOnce() {}

    /** What each thread does; it is told its number, from 0. */
    public interface Action<T> {
        /** Does it. */
        T run(int number) throws Exception;
    }

    /** Does it in so many threads, none of which begins before all are there; what one throws is thrown here. */
    public static <T> List<T> call(int threads, Action<T> action) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        CyclicBarrier start = new CyclicBarrier(threads);
        try {
            List<Future<T>> futures = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                int number = i;
                futures.add(pool.submit(() -> {
                    start.await();
                    return action.run(number);
                }));
            }
            List<T> results = new ArrayList<>();
            for (Future<T> future : futures) {
                results.add(future.get(60, TimeUnit.SECONDS));
            }
            return results;
        } finally {
            pool.shutdownNow();
        }
    }
}
