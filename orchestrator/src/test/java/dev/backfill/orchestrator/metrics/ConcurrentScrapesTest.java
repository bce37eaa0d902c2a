package dev.backfill.orchestrator.metrics;

import static dev.backfill.orchestrator.metrics.MeterFixture.DATABASE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.control.JobView;
import dev.backfill.orchestrator.run.RunListener;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ConcurrentScrapesTest {

    private final Meters meters = new Meters("1.2.3");
    private final ExecutorService threads = Executors.newFixedThreadPool(4);

    @AfterEach
    void close() {
        threads.shutdownNow();
        meters.close();
    }

    @Test
    void nothing_is_lost_when_many_count_the_same_job() throws Exception {
        Callable<Void> counting = () -> {
            RunListener listener = meters.listener("orders", DATABASE);
            for (int i = 0; i < 10_000; i++) {
                MeterFixture.commit(listener, 2, 1, Duration.ofMillis(1));
            }
            return null;
        };
        for (Future<Void> done : threads.invokeAll(List.of(counting, counting, counting, counting))) {
            done.get();
        }

        assertThat(new Scrape(meters.scrape()).lines("backfill_rows_scanned_total"))
                .containsExactly("backfill_rows_scanned_total{backfill=\"orders\",database=\"main\"} 80000.0");
    }

    @Test
    void a_scrape_shows_the_jobs_of_a_database_as_they_were_seen_together() throws Exception {
        List<JobView> running = jobs(MeterFixture::running);
        List<JobView> held = jobs(job -> MeterFixture.held(job, "window"));
        AtomicBoolean over = new AtomicBoolean();
        Future<?> observing = threads.submit(() -> {
            while (!over.get()) {
                meters.observe(DATABASE, running);
                meters.observe(DATABASE, held);
                meters.observe(DATABASE, List.of());
            }
        });

        for (int i = 0; i < 200; i++) {
            Scrape scrape = new Scrape(meters.scrape());
            int seen = scrape.lines("backfill_progress_ratio").size();
            assertThat(seen).isIn(0, running.size());
            assertThat(scrape.lines("backfill_run_state")).hasSize(7 * seen);
            assertThat(scrape.lines("backfill_hold").size()).isIn(0, seen);
        }
        over.set(true);
        observing.get();
    }

    @Test
    void no_job_is_lost_while_others_come_and_go() throws Exception {
        AtomicBoolean over = new AtomicBoolean();
        List<Future<?>> others = new ArrayList<>();
        for (String database : List.of("one", "two", "three")) {
            others.add(threads.submit(() -> {
                while (!over.get()) {
                    meters.listener("passing", database);
                    meters.observe(database, List.of());
                }
            }));
        }

        for (int i = 0; i < 300; i++) {
            meters.listener("orders", DATABASE);
            Scrape scrape = new Scrape(meters.scrape());
            assertThat(scrape.seriesWith("backfill=\"orders\"").stream().filter(line -> !line.contains("le=")))
                    .hasSize(13);
            meters.observe(DATABASE, List.of());
        }
        over.set(true);
        for (Future<?> other : others) {
            other.get();
        }
    }

    private static List<JobView> jobs(Function<String, JobView> view) {
        return IntStream.range(0, 50).mapToObj(i -> view.apply("job-" + i)).toList();
    }
}
