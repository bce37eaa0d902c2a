package dev.backfill.orchestrator.site;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.control.Cause;
import dev.backfill.orchestrator.control.RunQueue.NewRun;
import dev.backfill.orchestrator.registration.JobStore;
import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.registry.Problem;
import dev.backfill.orchestrator.site.Registrar.Answer;
import dev.backfill.orchestrator.site.Registrar.NotFit;
import dev.backfill.orchestrator.site.Registrar.NotNow;
import dev.backfill.orchestrator.site.Registrar.Registered;
import dev.backfill.orchestrator.site.Registrar.Unregistered;
import dev.backfill.orchestrator.testing.TestJobs;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RegistrarTest {

    private static final LoadedJob JOB = TestJobs.job("fill");
    private static final LoadedJob IN_MAIN = TestJobs.job("fill", "database: main");
    private static final LoadedJob IN_OTHER = TestJobs.job("fill", "database: other");
    private static final Cause ANN = new Cause("ann", "done");

    private final List<String> changed = new ArrayList<>();
    private SitesFixture fixture;

    @BeforeEach
    void create() {
        fixture = new SitesFixture();
    }

    @AfterEach
    void drop() throws SQLException {
        fixture.close();
    }

    @Test
    void a_job_that_fits_its_table_is_registered_and_its_change_told() throws SQLException {
        Dispatcher main = fixture.ready("main");

        assertThat(register(JOB)).isEqualTo(registered("main", 1, true));
        assertThat(register(JOB)).as("again").isEqualTo(registered("main", 1, false));
        assertThat(register(TestJobs.job("fill", "parallelism: 2"))).isEqualTo(registered("main", 2, true));

        assertThat(changed).containsExactly("main fill", "main fill");
        assertThat(main.site().jobs().find("fill").orElseThrow().origin()).isEqualTo("api");
    }

    @Test
    void a_job_that_does_not_fit_its_table_is_refused_with_every_problem_at_its_place() throws SQLException {
        Dispatcher main = fixture.ready("main");
        fixture.server(0).execute("ALTER TABLE public.orders RENAME COLUMN cents TO pence");

        assertThat(problems(register(JOB))).isNotEmpty().allSatisfy(problem -> {
            assertThat(problem.file()).isEqualTo("job.yaml");
            assertThat(problem.line()).isEqualTo(5);
        });
        assertThat(main.site().jobs().all()).isEmpty();
        assertThat(changed).isEmpty();
    }

    @Test
    void a_job_goes_to_the_database_that_it_names() throws SQLException {
        Dispatcher main = fixture.ready("main");
        Dispatcher other = fixture.ready("other");

        assertThat(register(IN_OTHER)).isEqualTo(registered("other", 1, true));

        assertThat(main.site().jobs().all()).isEmpty();
        assertThat(other.site().jobs().all()).hasSize(1);
        assertThat(changed).containsExactly("other fill");
    }

    @Test
    void a_job_that_does_not_say_which_of_several_databases_is_refused() {
        fixture.untried("main");
        fixture.untried("other");

        assertThat(problems(register(JOB)))
                .singleElement()
                .asString()
                .contains("2 databases, and the job does not say which", "one of main, other");
    }

    @Test
    void a_job_for_an_unknown_database_is_refused_at_the_place_of_its_name() {
        fixture.untried("main");

        assertThat(problems(register(IN_OTHER))).singleElement().satisfies(problem -> {
            assertThat(problem.message()).isEqualTo("the configuration has no database other");
            assertThat(problem.line()).isEqualTo(6);
        });
    }

    @Test
    void a_job_whose_database_was_not_tried_yet_has_to_wait() {
        fixture.untried("main");

        assertThat(register(JOB)).isEqualTo(new NotNow("main", "not tried yet"));
    }

    @Test
    void a_job_whose_database_is_away_has_to_wait() {
        fixture.away("main");

        assertThat(register(JOB)).isInstanceOfSatisfying(NotNow.class, answer -> {
            assertThat(answer.database()).isEqualTo("main");
            assertThat(answer.detail()).contains("refused");
        });
    }

    @Test
    void a_job_whose_database_has_just_gone_away_has_to_wait() throws SQLException {
        Dispatcher main = fixture.ready("main");
        main.requestStop(); // so that it does not notice
        fixture.drop(0);

        assertThat(register(JOB)).isInstanceOf(NotNow.class);
        assertThat(changed).isEmpty();
    }

    @Test
    void a_name_that_is_registered_in_another_database_is_refused_until_it_is_unregistered_there() throws SQLException {
        fixture.ready("main");
        Dispatcher other = fixture.ready("other");
        register(IN_OTHER);

        assertThat(problems(register(IN_MAIN))).singleElement().satisfies(problem -> {
            assertThat(problem.message()).isEqualTo("a job of this name is registered in database other");
            assertThat(problem.line()).isEqualTo(2);
        });
        other.site().jobs().unregister("fill", "ann", "");
        assertThat(register(IN_MAIN)).isEqualTo(registered("main", 1, true));
    }

    @Test
    void another_database_that_is_away_keeps_nobody_waiting() throws SQLException {
        fixture.ready("main");
        fixture.away("other");

        assertThat(register(IN_MAIN)).isEqualTo(registered("main", 1, true));
    }

    @Test
    void a_job_is_unregistered_once_its_run_is_finished() throws SQLException {
        Dispatcher main = fixture.ready("main");
        main.requestStop(); // so that the run stays as it is
        register(JOB);
        main.site().queue().insert(NewRun.foreground("1", "fill", 1));

        assertThat(unregister(main, "fill")).isEqualTo(Unregistered.UNFINISHED);
        fixture.server(0).execute("UPDATE backfill.run SET state = 'FAILED'");
        assertThat(unregister(main, "fill")).isEqualTo(Unregistered.DONE);
        assertThat(unregister(main, "fill")).isEqualTo(Unregistered.UNKNOWN);
        assertThat(unregister(main, "unknown")).isEqualTo(Unregistered.UNKNOWN);

        assertThat(changed).as("registered and unregistered").containsExactly("main fill", "main fill");
        assertThat(fixture.server(0)
                        .queryStrings("SELECT concat_ws(' ', who, \"to\", detail->>'reason')"
                                + " FROM backfill.event ORDER BY id DESC LIMIT 1"))
                .containsExactly("ann unregistered done");
    }

    private Registrar registrar() {
        return new Registrar(
                fixture.sites(),
                (dispatcher, job) -> changed.add(dispatcher.site().name() + " " + job));
    }

    private Answer register(LoadedJob job) {
        List<Answer> answers = registrar().register(job, "ann", Optional.empty());
        assertThat(answers).hasSize(1);
        return answers.get(0);
    }

    private Unregistered unregister(Dispatcher dispatcher, String job) {
        return registrar().unregister(dispatcher, job, ANN);
    }

    private static Registered registered(String database, int revision, boolean news) {
        return new Registered(database, new JobStore.Registered(revision, news), List.of());
    }

    private static List<Problem> problems(Answer answer) {
        assertThat(answer).isInstanceOf(NotFit.class);
        return ((NotFit) answer).problems();
    }
}
