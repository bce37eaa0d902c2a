package dev.backfill.orchestrator.docs;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.db.ErrorClass;
import dev.backfill.orchestrator.db.SqlStates;
import dev.backfill.orchestrator.registry.JobFiles;
import dev.backfill.orchestrator.registry.LiveCheck;
import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.registry.Problem;
import dev.backfill.orchestrator.schedule.CronTimes;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** The examples of the reference and its tables of what works, tried on a live server. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class JobReferenceExamplesTest {

    private static final Map<String, String> NEEDED = Map.of(
            "version", "version: 1\n",
            "job", "job: example\n",
            "table", "table: orders\n",
            "range", "range: { by: id }\n");
    private static final Set<String> WORK = Set.of("update", "delete", "sql", "processor");
    private static final Pattern TOP = Pattern.compile("(?m)^([a-z-]+):");
    private static final Pattern STATE = Pattern.compile("`([0-9A-Z]{5}|[0-9A-Z]{2}xxx)`");
    private static final String BY_ID = "range: { by: id }\n";
    private static final String BY_A = "range: { by: id, column: a }\n";

    private final JobFiles files = new JobFiles(CronTimes::problem);
    private JobReference reference;
    private TestDatabase database;
    private Connection session;

    @BeforeAll
    void create() throws Exception {
        reference = JobReference.read();
        database = TestPostgres.newest().newDatabase();
        database.execute(Files.readString(Path.of("..", "examples", "tables.sql")));
        database.execute(reference.blocks("sql").toArray(String[]::new));
        session = session(database.connect());
    }

    @AfterAll
    void drop() throws Exception {
        session.close();
        database.close();
    }

    @Test
    void every_example_is_a_job_that_its_tables_take() throws SQLException {
        List<String> examples = reference.blocks("yaml");
        assertThat(examples).hasSizeGreaterThan(12);
        for (String example : examples) {
            assertThat(problems(completed(example), session)).as(example).isEmpty();
        }
    }

    @Test
    void the_first_example_is_complete_and_so_are_all_in_examples() throws IOException, SQLException {
        String first = reference.blocks("yaml").get(0);
        assertThat(completed(first)).isEqualTo(first);
        try (var paths = Files.list(Path.of("..", "examples"))) {
            for (Path path : paths.filter(p -> p.toString().endsWith(".yaml")).toList()) {
                assertThat(problems(Files.readString(path), session))
                        .as(path.toString())
                        .isEmpty();
            }
        }
    }

    @Test
    void the_tables_that_it_says_work_do_and_the_others_are_refused() throws SQLException {
        Map<String, String> said = new TreeMap<>();
        reference.table("table", "answer", "note").forEach(row -> said.put(row.get(0), row.get(1)));

        Map<String, String> tried = new TreeMap<>();
        for (KindOfTable kind : KindOfTable.values()) {
            database.execute(kind.statements());
            String job = "version: 1\njob: j\ntable: " + kind.table() + "\n" + (kind.isByColumn() ? BY_A : BY_ID)
                    + "update: { set: { b: 1 }, where: b IS NULL }\n";
            try (Connection own = session(kind.isForSuperuser() ? database.connect() : limited())) {
                List<String> problems = problems(job, own);
                tried.put(kind.words(), problems.isEmpty() ? "works" : "refused");
                assertThat(String.join("\n", problems)).as(kind.words()).contains(kind.refusal());
            }
        }
        assertThat(said).isEqualTo(tried);
    }

    @Test
    void errors_of_one_row_are_of_one_class_and_every_class_has_one_row() {
        List<ErrorClass> classes = new ArrayList<>();
        for (List<String> row : reference.table("SQLSTATE", "what it is", "what follows")) {
            Set<ErrorClass> found = STATE.matcher(row.get(0))
                    .results()
                    .map(state -> SqlStates.classify(state.group(1).replace("xxx", "000")))
                    .collect(Collectors.toSet());
            assertThat(found).as(row.get(0)).hasSize(1);
            Optional<Duration> pause = found.iterator().next().pause();
            assertThat(row.get(2).contains("tried every")).as(row.get(0)).isEqualTo(pause.isPresent());
            pause.ifPresent(each -> assertThat(row.get(2)).contains("tried every " + each.toSeconds() + " s"));
            classes.addAll(found);
        }
        Set<ErrorClass> ofProcessors = EnumSet.of(ErrorClass.AGAIN, ErrorClass.TOO_LARGE);
        assertThat(classes).containsExactlyInAnyOrderElementsOf(EnumSet.complementOf(EnumSet.copyOf(ofProcessors)));
        assertThat(SqlStates.classify("MY001")).as("a code of one's own").isEqualTo(ErrorClass.DATA);
    }

    private Connection limited() throws SQLException {
        var role = database.newRole();
        database.execute("GRANT SELECT, UPDATE ON ALL TABLES IN SCHEMA public TO " + role.name());
        return database.connect(role);
    }

    private static Connection session(Connection connection) throws SQLException {
        try (Statement settings = connection.createStatement()) {
            settings.execute("SET row_security = off");
        }
        connection.setAutoCommit(false);
        return connection;
    }

    /** What an example leaves out because other examples have it. */
    private static String completed(String example) {
        Set<String> has =
                TOP.matcher(example).results().map(key -> key.group(1)).collect(Collectors.toSet());
        StringBuilder job = new StringBuilder(example);
        NEEDED.forEach((key, line) -> job.append(has.contains(key) ? "" : line));
        return has.stream().anyMatch(WORK::contains)
                ? job.toString()
                : job.append("delete: { where: total IS NULL }\n").toString();
    }

    private List<String> problems(String job, Connection connection) throws SQLException {
        JobFiles.Content content = files.read("f", job.getBytes(UTF_8));
        List<Problem> problems = new ArrayList<>(content.problems());
        for (LoadedJob loaded : content.jobs()) {
            if (LiveCheck.check(loaded, connection) instanceof LiveCheck.Refused refused) {
                problems.addAll(refused.problems());
            }
        }
        return problems.stream().map(Problem::display).toList();
    }
}
