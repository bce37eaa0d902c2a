-- What the daemon needs: which jobs are registered, a stop for everything, and the scheduler's tables.

CREATE TABLE registration (
    job text PRIMARY KEY,
    revision integer NOT NULL,
    origin text NOT NULL CHECK (origin IN ('api', 'file')),
    active boolean NOT NULL DEFAULT true,
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    planned_since timestamptz NOT NULL DEFAULT clock_timestamp(),
    handled timestamptz,
    FOREIGN KEY (job, revision) REFERENCES job (name, revision)
);
COMMENT ON TABLE registration IS 'Which revision of a job the daemons go by.';
COMMENT ON COLUMN registration.active IS 'False: unregistered; the row stays, so that a file that is still there does not bring it back.';
COMMENT ON COLUMN registration.planned_since IS 'Since when the job has its present schedule; no start is planned before.';
COMMENT ON COLUMN registration.handled IS 'The latest planned start that became a run or was skipped.';

CREATE TABLE file_sighting (
    watcher text NOT NULL,
    job text NOT NULL,
    checksum text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (watcher, job)
);
COMMENT ON TABLE file_sighting IS 'The content of a job that a daemon saw last in its directory: a file counts only when the daemon sees it change.';

CREATE TABLE switch (
    name text PRIMARY KEY CHECK (name = 'stop'),
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    who text NOT NULL,
    reason text NOT NULL DEFAULT ''
);
COMMENT ON TABLE switch IS 'While the row stop is there, no run moves.';

CREATE TABLE standby (
    name text NOT NULL,
    address text NOT NULL,
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (name, address)
);
COMMENT ON TABLE standby IS 'Standbys that were seen replaying; runs hold while one of them is missing.';

ALTER TABLE run
    ADD COLUMN hold jsonb,
    ADD COLUMN canary timestamptz,
    ADD COLUMN check_asked timestamptz;
COMMENT ON COLUMN run.hold IS 'Why the run does not move: reason, since, detail.';
COMMENT ON COLUMN run.canary IS 'When the run paused itself after the part that pause-after names.';
COMMENT ON COLUMN run.check_asked IS 'When somebody asked to check the ended run again.';
CREATE INDEX run_unfinished_state ON run (state) WHERE state IN ('PENDING', 'RUNNING', 'PAUSED', 'VERIFYING');
CREATE INDEX run_check_asked ON run (check_asked) WHERE check_asked IS NOT NULL;

-- The tables of Quartz 2.5, as its delegate for PostgreSQL knows them.

CREATE TABLE qrtz_job_details (
    sched_name varchar(120) NOT NULL,
    job_name varchar(200) NOT NULL,
    job_group varchar(200) NOT NULL,
    description varchar(250),
    job_class_name varchar(250) NOT NULL,
    is_durable boolean NOT NULL,
    is_nonconcurrent boolean NOT NULL,
    is_update_data boolean NOT NULL,
    requests_recovery boolean NOT NULL,
    job_data bytea,
    PRIMARY KEY (sched_name, job_name, job_group)
);

CREATE TABLE qrtz_triggers (
    sched_name varchar(120) NOT NULL,
    trigger_name varchar(200) NOT NULL,
    trigger_group varchar(200) NOT NULL,
    job_name varchar(200) NOT NULL,
    job_group varchar(200) NOT NULL,
    description varchar(250),
    next_fire_time bigint,
    prev_fire_time bigint,
    priority integer,
    trigger_state varchar(16) NOT NULL,
    trigger_type varchar(8) NOT NULL,
    start_time bigint NOT NULL,
    end_time bigint,
    calendar_name varchar(200),
    misfire_instr smallint,
    job_data bytea,
    PRIMARY KEY (sched_name, trigger_name, trigger_group),
    FOREIGN KEY (sched_name, job_name, job_group) REFERENCES qrtz_job_details
);

CREATE TABLE qrtz_simple_triggers (
    sched_name varchar(120) NOT NULL,
    trigger_name varchar(200) NOT NULL,
    trigger_group varchar(200) NOT NULL,
    repeat_count bigint NOT NULL,
    repeat_interval bigint NOT NULL,
    times_triggered bigint NOT NULL,
    PRIMARY KEY (sched_name, trigger_name, trigger_group),
    FOREIGN KEY (sched_name, trigger_name, trigger_group) REFERENCES qrtz_triggers
);

CREATE TABLE qrtz_cron_triggers (
    sched_name varchar(120) NOT NULL,
    trigger_name varchar(200) NOT NULL,
    trigger_group varchar(200) NOT NULL,
    cron_expression varchar(120) NOT NULL,
    time_zone_id varchar(80),
    PRIMARY KEY (sched_name, trigger_name, trigger_group),
    FOREIGN KEY (sched_name, trigger_name, trigger_group) REFERENCES qrtz_triggers
);

CREATE TABLE qrtz_simprop_triggers (
    sched_name varchar(120) NOT NULL,
    trigger_name varchar(200) NOT NULL,
    trigger_group varchar(200) NOT NULL,
    str_prop_1 varchar(512),
    str_prop_2 varchar(512),
    str_prop_3 varchar(512),
    int_prop_1 integer,
    int_prop_2 integer,
    long_prop_1 bigint,
    long_prop_2 bigint,
    dec_prop_1 numeric(13, 4),
    dec_prop_2 numeric(13, 4),
    bool_prop_1 boolean,
    bool_prop_2 boolean,
    PRIMARY KEY (sched_name, trigger_name, trigger_group),
    FOREIGN KEY (sched_name, trigger_name, trigger_group) REFERENCES qrtz_triggers
);

CREATE TABLE qrtz_blob_triggers (
    sched_name varchar(120) NOT NULL,
    trigger_name varchar(200) NOT NULL,
    trigger_group varchar(200) NOT NULL,
    blob_data bytea,
    PRIMARY KEY (sched_name, trigger_name, trigger_group),
    FOREIGN KEY (sched_name, trigger_name, trigger_group) REFERENCES qrtz_triggers
);

CREATE TABLE qrtz_calendars (
    sched_name varchar(120) NOT NULL,
    calendar_name varchar(200) NOT NULL,
    calendar bytea NOT NULL,
    PRIMARY KEY (sched_name, calendar_name)
);

CREATE TABLE qrtz_paused_trigger_grps (
    sched_name varchar(120) NOT NULL,
    trigger_group varchar(200) NOT NULL,
    PRIMARY KEY (sched_name, trigger_group)
);

CREATE TABLE qrtz_fired_triggers (
    sched_name varchar(120) NOT NULL,
    entry_id varchar(95) NOT NULL,
    trigger_name varchar(200) NOT NULL,
    trigger_group varchar(200) NOT NULL,
    instance_name varchar(200) NOT NULL,
    fired_time bigint NOT NULL,
    sched_time bigint NOT NULL,
    priority integer NOT NULL,
    state varchar(16) NOT NULL,
    job_name varchar(200),
    job_group varchar(200),
    is_nonconcurrent boolean,
    requests_recovery boolean,
    PRIMARY KEY (sched_name, entry_id)
);

CREATE TABLE qrtz_scheduler_state (
    sched_name varchar(120) NOT NULL,
    instance_name varchar(200) NOT NULL,
    last_checkin_time bigint NOT NULL,
    checkin_interval bigint NOT NULL,
    PRIMARY KEY (sched_name, instance_name)
);

CREATE TABLE qrtz_locks (
    sched_name varchar(120) NOT NULL,
    lock_name varchar(40) NOT NULL,
    PRIMARY KEY (sched_name, lock_name)
);

CREATE INDEX qrtz_triggers_job ON qrtz_triggers (sched_name, job_name, job_group);
CREATE INDEX qrtz_triggers_next ON qrtz_triggers (sched_name, trigger_state, next_fire_time);
CREATE INDEX qrtz_fired_triggers_instance ON qrtz_fired_triggers (sched_name, instance_name);
CREATE INDEX qrtz_fired_triggers_trigger ON qrtz_fired_triggers (sched_name, trigger_name, trigger_group);

INSERT INTO qrtz_locks (sched_name, lock_name) VALUES ('backfill', 'TRIGGER_ACCESS'), ('backfill', 'STATE_ACCESS');
