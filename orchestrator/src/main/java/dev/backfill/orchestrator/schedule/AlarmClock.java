package dev.backfill.orchestrator.schedule;

import dev.backfill.api.Schedule.At;
import dev.backfill.api.Schedule.Cron;
import dev.backfill.api.Schedule.Start;
import dev.backfill.orchestrator.registration.RegisteredJob;
import java.time.Instant;
import java.util.Date;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TimeZone;
import javax.sql.DataSource;
import org.quartz.CronScheduleBuilder;
import org.quartz.Job;
import org.quartz.JobBuilder;
import org.quartz.JobDetail;
import org.quartz.JobKey;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.SimpleScheduleBuilder;
import org.quartz.Trigger;
import org.quartz.TriggerBuilder;
import org.quartz.TriggerKey;
import org.quartz.impl.StdSchedulerFactory;
import org.quartz.impl.matchers.GroupMatcher;
import org.quartz.utils.DBConnectionManager;

/**
 * Rings when a planned start has come: Quartz in its clustered store, one alarm a job, in one daemon of all. What it rings
 * for is decided by who hears it; an alarm that never rings is made up for elsewhere. Safe for use by several threads.
 */
final class AlarmClock implements AutoCloseable {

    /** Who hears an alarm. */
    interface Ear {
        /**
         * An alarm rang.
         *
         * @param database the group of the alarm
         * @param job its name
         */
        void rung(String database, String job);
    }

    private final Scheduler scheduler;

    private AlarmClock(Scheduler scheduler) {
        this.scheduler = scheduler;
    }

    /** Opens the store and begins to ring. */
    static AlarmClock start(DataSource sessions, String instance, Ear ear) throws SchedulerException {
        String store = "backfill " + instance;
        DBConnectionManager.getInstance().addConnectionProvider(store, new Sessions(sessions));
        StdSchedulerFactory factory = new StdSchedulerFactory();
        factory.initialize(properties(store, instance));
        Scheduler scheduler = factory.getScheduler();
        scheduler.setJobFactory((bundle, of) -> context -> {
            JobKey key = context.getJobDetail().getKey();
            ear.rung(key.getGroup(), key.getName());
        });
        scheduler.start();
        return new AlarmClock(scheduler);
    }

    private static Properties properties(String store, String instance) {
        Properties properties = new Properties();
        properties.setProperty("org.quartz.scheduler.instanceName", "backfill");
        properties.setProperty("org.quartz.scheduler.instanceId", instance);
        properties.setProperty("org.quartz.scheduler.makeSchedulerThreadDaemon", "true");
        properties.setProperty("org.quartz.threadPool.class", "org.quartz.simpl.SimpleThreadPool");
        properties.setProperty("org.quartz.threadPool.threadCount", "2");
        properties.setProperty("org.quartz.threadPool.makeThreadsDaemons", "true");
        properties.setProperty("org.quartz.jobStore.class", "org.quartz.impl.jdbcjobstore.JobStoreTX");
        properties.setProperty(
                "org.quartz.jobStore.driverDelegateClass", "org.quartz.impl.jdbcjobstore.PostgreSQLDelegate");
        properties.setProperty("org.quartz.jobStore.dataSource", store);
        properties.setProperty("org.quartz.jobStore.tablePrefix", "qrtz_");
        properties.setProperty("org.quartz.jobStore.isClustered", "true");
        properties.setProperty("org.quartz.jobStore.clusterCheckinInterval", "15000");
        properties.setProperty("org.quartz.jobStore.useProperties", "true");
        properties.setProperty("org.quartz.jobStore.acquireTriggersWithinLock", "true");
        return properties;
    }

    /** Sets the alarms of a database to what its jobs plan from now on, by its clock, and removes the others. */
    void set(String database, List<RegisteredJob> jobs, Instant now) throws SchedulerException {
        Set<JobKey> wanted = new HashSet<>();
        for (RegisteredJob job : jobs) {
            if (Due.next(job, now).isPresent() && rings(database, job, now)) {
                wanted.add(new JobKey(job.name(), database));
                set(database, job);
            }
        }
        for (JobKey key : scheduler.getJobKeys(GroupMatcher.jobGroupEquals(database))) {
            if (!wanted.contains(key)) {
                scheduler.deleteJob(key);
            }
        }
    }

    /** What never rings again Quartz refuses, and with it the jobs behind it. */
    private static boolean rings(String database, RegisteredJob job, Instant now) {
        return trigger(database, job)
                .filter(t -> t.getFireTimeAfter(Date.from(now)) != null)
                .isPresent();
    }

    private void set(String database, RegisteredJob job) throws SchedulerException {
        Trigger wanted = trigger(database, job).orElseThrow();
        Trigger there = scheduler.getTrigger(wanted.getKey());
        if (there != null && String.valueOf(wanted.getDescription()).equals(there.getDescription())) {
            return;
        }
        JobKey key = new JobKey(job.name(), database);
        scheduler.deleteJob(key);
        JobDetail detail = JobBuilder.newJob(Job.class).withIdentity(key).build();
        scheduler.scheduleJob(detail, Set.of(wanted), true);
    }

    private static Optional<Trigger> trigger(String database, RegisteredJob job) {
        Start start = job.schedule().start();
        TriggerBuilder<Trigger> trigger =
                TriggerBuilder.newTrigger().withIdentity(new TriggerKey(job.name(), database));
        if (start instanceof Cron cron) {
            String zone = job.schedule().zone().getId();
            return Optional.of(trigger.withDescription("cron " + cron.expression() + " " + zone)
                    .withSchedule(CronScheduleBuilder.cronSchedule(cron.expression())
                            .inTimeZone(
                                    TimeZone.getTimeZone(job.schedule().zone().normalized()))
                            .withMisfireHandlingInstructionFireAndProceed())
                    .build());
        } else if (start instanceof At at) {
            return Optional.of(trigger.withDescription("at " + at.instant())
                    .startAt(Date.from(at.instant()))
                    .withSchedule(SimpleScheduleBuilder.simpleSchedule().withMisfireHandlingInstructionFireNow())
                    .build());
        }
        return Optional.empty();
    }

    @Override
    public void close() throws SchedulerException {
        scheduler.shutdown(false);
    }
}
