package dev.backfill.orchestrator.metrics;

import dev.backfill.orchestrator.control.JobView;
import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.throttle.Pace;
import dev.backfill.orchestrator.throttle.SignalState;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * The metrics of this process, as Prometheus reads them; {@code docs/metrics.md} has every one. Safe for use by several
 * threads.
 */
public final class Meters implements AutoCloseable {

    /** The registry adds it to every timer; the histogram says more. */
    private static final String LONGEST = Family.BATCH_SECONDS.metric() + "_max";

    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final JobLedger ledger = new JobLedger(registry);
    private final Observations observations;
    private final ProcessMeters process;

    /**
     * Begins at 0.
     *
     * @param version of the program, as people are to see it
     */
    public Meters(String version) {
        this.observations = new Observations(version);
        registry.getPrometheusRegistry().register(observations);
        this.process = new ProcessMeters(registry);
    }

    /**
     * Counts what happens to the runs of a job in this process. All its series but the holds' are there from now on,
     * with 0.
     *
     * @param job the job's name
     * @param database the database's configured name
     * @return to be told of it; several of the same job and database count together
     */
    public RunListener listener(String job, String database) {
        JobLedger.Key key = new JobLedger.Key(job, database);
        ledger.of(key);
        return new CountingListener(ledger, key);
    }

    /**
     * Counts for how long a run has stood still.
     *
     * @param job the job's name
     * @param database the database's configured name
     * @param reason the hold's word
     * @param duration for how long since this was told last
     */
    public void held(String job, String database, String reason, Duration duration) {
        ledger.held(new JobLedger.Key(job, database), reason, duration);
    }

    /**
     * Shows the jobs of a database instead of what was shown of it before. Jobs that are gone take all their series with
     * them, those that are counted as soon as no worker of this process is on them.
     *
     * @param database the database's configured name
     * @param jobs all that are registered there, as they are now
     */
    public void observe(String database, List<JobView> jobs) {
        ledger.retain(database, observations.jobs(database, jobs));
    }

    /**
     * Shows the governors of a database instead of what was shown of it before.
     *
     * @param database the database's configured name
     * @param paces by the governors' names
     */
    public void observePaces(String database, Map<String, Pace> paces) {
        observations.paces(database, paces);
    }

    /**
     * Shows the signals of a database instead of what was shown of it before.
     *
     * @param database the database's configured name
     * @param signals each that is on
     */
    public void observeSignals(String database, List<SignalState> signals) {
        observations.signals(database, signals);
    }

    /**
     * Everything as it is now.
     *
     * @return in Prometheus's text format 0.0.4
     */
    public String scrape() {
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        try {
            PrometheusTextFormatWriter.create()
                    .write(text, registry.getPrometheusRegistry().scrape(name -> !name.equals(LONGEST)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return text.toString(StandardCharsets.UTF_8);
    }

    /** Lets go of the JVM's notifications. */
    @Override
    public void close() {
        process.close();
        registry.close();
    }
}
