package dev.backfill.orchestrator.functional;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/**
 * The file of a job on {@link Counters}: it adds one to every row, is not idempotent, and nothing guards it. What is
 * done twice shows.
 *
 * @param order what the rows are gone over by
 * @param statement the change of a batch
 * @param parallelism workers
 * @param largestBatch keys
 */
record CounterJob(Counters.Order order, String statement, int parallelism, int largestBatch) {

    static CounterJob by(Counters.Order order) {
        return new CounterJob(order, "UPDATE c SET n = n + 1 WHERE :range", 2, 500);
    }

    /** Every batch takes so much longer. */
    CounterJob lasting(Duration pause) {
        return statement(statement + " AND (SELECT pg_sleep(%d / 1000.0)) IS NOT NULL".formatted(pause.toMillis()));
    }

    CounterJob statement(String changed) {
        return new CounterJob(order, changed, parallelism, largestBatch);
    }

    CounterJob parallelism(int changed) {
        return new CounterJob(order, statement, changed, largestBatch);
    }

    CounterJob largestBatch(int changed) {
        return new CounterJob(order, statement, parallelism, changed);
    }

    /** Writes it where {@code run} can read it. */
    Path in(Path directory) throws IOException {
        String yaml = """
                version: 1
                job: count
                table: public.c
                range: %s
                sql: |
                  %s
                verify: { remaining: n = 0 }
                parallelism: %d
                batch: { size: 100, min: 100, max: %d, target: 400ms }
                """.formatted(order.range(), statement, parallelism, largestBatch);
        return Files.writeString(directory.resolve("count.yaml"), yaml);
    }
}
