package dev.backfill.orchestrator.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.TestStores;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class AlarmWatchTest {

    private TestStores stores;
    private AlarmWatch watch;

    @BeforeAll
    void create() throws SQLException {
        stores = new TestStores();
        watch = new AlarmWatch(stores.database().openScheduler());
    }

    @BeforeEach
    void clear() throws SQLException {
        stores.server().execute("""
                DELETE FROM backfill.qrtz_fired_triggers; DELETE FROM backfill.qrtz_triggers;
                DELETE FROM backfill.qrtz_job_details
                """);
    }

    @AfterAll
    void drop() throws SQLException {
        stores.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"ACQUIRED", "BLOCKED", "ERROR"})
    void an_alarm_that_nobody_rings_long_after_its_time_is_free_again(String state) throws SQLException {
        alarm(state, "6 minutes");

        assertThat(watch.free()).isEqualTo(1);

        assertThat(state()).isEqualTo("WAITING");
        assertThat(watch.free()).as("again").isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"WAITING", "PAUSED", "COMPLETE"})
    void an_alarm_that_is_not_held_is_left_alone(String state) throws SQLException {
        alarm(state, "6 minutes");

        assertThat(watch.free()).isZero();

        assertThat(state()).isEqualTo(state);
    }

    @Test
    void an_alarm_whose_time_has_just_come_is_left_alone() throws SQLException {
        alarm("ACQUIRED", "4 minutes");

        assertThat(watch.free()).isZero();

        assertThat(state()).isEqualTo("ACQUIRED");
    }

    @Test
    void an_alarm_that_is_written_down_as_ringing_is_left_to_quartz() throws SQLException {
        alarm("ACQUIRED", "6 minutes");
        stores.server().execute("""
                INSERT INTO backfill.qrtz_fired_triggers (sched_name, entry_id, trigger_name, trigger_group,
                    instance_name, fired_time, sched_time, priority, state)
                VALUES ('backfill', '1', 'fill', 'main', 'daemon', 0, 0, 5, 'ACQUIRED')
                """);

        assertThat(watch.free()).isZero();

        assertThat(state()).isEqualTo("ACQUIRED");
    }

    private void alarm(String state, String ago) throws SQLException {
        stores.server().execute("""
                INSERT INTO backfill.qrtz_job_details (sched_name, job_name, job_group, job_class_name, is_durable,
                    is_nonconcurrent, is_update_data, requests_recovery)
                VALUES ('backfill', 'fill', 'main', 'org.quartz.Job', false, false, false, false);
                INSERT INTO backfill.qrtz_triggers (sched_name, trigger_name, trigger_group, job_name, job_group,
                    next_fire_time, trigger_state, trigger_type, start_time)
                VALUES ('backfill', 'fill', 'main', 'fill', 'main',
                    extract(epoch FROM now() - interval '%s') * 1000, '%s', 'CRON', 0)
                """.formatted(ago, state));
    }

    private String state() throws SQLException {
        return stores.server()
                .queryStrings("SELECT trigger_state FROM backfill.qrtz_triggers")
                .get(0);
    }
}
