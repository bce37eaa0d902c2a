package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * On every kind of key five rows cannot be changed, among them those with the first and the last value of its type:
 * exactly their keys are set aside, and worked when they can be.
 */
class FaultyKeysTest {

    private static final String FAULTY = "(1, 2, 271, 5999, 6000)";

    /** A row's key, whatever it is written like. */
    private static final String KEY = "to_jsonb(%1$s) - 'g' - 'n'";

    /** The rows whose key is that of a faulty one: without a primary key it has company. */
    private static final String TO_SET_ASIDE = "SELECT t.g FROM %2$s t WHERE " + KEY.formatted("t") + " IN (SELECT "
            + KEY.formatted("f") + " FROM %2$s f WHERE f.g IN " + FAULTY + ") ORDER BY 1";

    /** The rows whose key is in quarantine, as their types read it. */
    private static final String SET_ASIDE = """
            SELECT t.g FROM backfill.quarantine q JOIN backfill.run r ON r.id = q.run AND r.job = '%1$s',
                jsonb_populate_record(NULL::public.%2$s, (
                    SELECT jsonb_object_agg(a.attname, q.key -> a.attnum - 1) FROM pg_attribute a
                    WHERE a.attrelid = '%2$s'::regclass AND a.attnum BETWEEN 1 AND jsonb_array_length(q.key))) AS p,
                %2$s AS t
            WHERE\s""" + KEY.formatted("t") + " = " + KEY.formatted("p") + " ORDER BY 1";

    private static final Map<KeyShape, List<String>> TO_BE_ASIDE = new TreeMap<>();
    private static final Map<KeyShape, List<String>> ASIDE = new TreeMap<>();
    private static final Map<KeyShape, List<String>> NOT_CHANGED = new TreeMap<>();
    private static final Map<KeyShape, List<String>> OUTCOMES = new TreeMap<>();

    private static TestDatabase database;

    @BeforeAll
    static void runAll(@TempDir Path directory) throws Exception {
        database = TestPostgres.newest().newDatabase();
        database.execute(KeyShape.BEFORE);
        for (KeyShape shape : KeyShape.values()) {
            database.execute(shape.ddl().toArray(String[]::new));
            database.execute(
                    "ALTER TABLE %s ADD CONSTRAINT good CHECK (n = 0 OR g NOT IN %s)".formatted(shape.table(), FAULTY),
                    shape.change(shape.twin(), "true"));
        }
        try (Daemon daemon = Daemon.start(
                directory,
                Map.of("main", database.jdbcUrl()),
                "workers = 20",
                "databases.main.max-workers = 20",
                "databases.main.session.time-zone = Asia/Kathmandu")) {
            for (KeyShape shape : KeyShape.values()) {
                daemon.register(shape.job(), shape.yaml(":range", "errors: { quarantine: 5 }"));
            }
            awaitEnds(daemon);
            database.execute("ALTER DOMAIN positive DROP CONSTRAINT positive_check");
            for (KeyShape shape : KeyShape.values()) {
                look(shape);
                database.execute("ALTER TABLE " + shape.table() + " DROP CONSTRAINT good");
                daemon.say("retry", shape.job());
            }
            awaitEnds(daemon);
        }
    }

    private static void look(KeyShape shape) throws Exception {
        TO_BE_ASIDE.put(shape, database.queryStrings(TO_SET_ASIDE.formatted("", shape.table())));
        ASIDE.put(shape, database.queryStrings(SET_ASIDE.formatted(shape.job(), shape.table())));
        NOT_CHANGED.put(shape, database.queryStrings("SELECT g FROM " + shape.table() + " WHERE n <> g ORDER BY 1"));
        OUTCOMES.put(
                shape,
                database.queryStrings(
                        "SELECT concat_ws(' ', state, reason) FROM backfill.run WHERE job = '" + shape.job() + "'"));
    }

    @AfterAll
    static void drop() throws Exception {
        database.close();
    }

    @ParameterizedTest
    @EnumSource
    void exactly_the_faulty_keys_are_set_aside_and_worked_by_a_retry(KeyShape shape) throws Exception {
        assertThat(ASIDE.get(shape)).isEqualTo(TO_BE_ASIDE.get(shape)).contains("1", "2", "271", "5999", "6000");
        assertThat(NOT_CHANGED.get(shape)).isEqualTo(TO_BE_ASIDE.get(shape));
        assertThat(OUTCOMES.get(shape)).singleElement().asString().matches("FAILED [45] keys are in quarantine; .*");
        if (shape != KeyShape.WITHOUT_PRIMARY_KEY) {
            assertThat(ASIDE.get(shape)).hasSize(5);
        }
        KilledRuns.assertLikeItsTwin(database, shape);
        assertThat(database.queryLong("SELECT count(*) FROM backfill.quarantine"))
                .isZero();
    }

    private static void awaitEnds(Daemon daemon) throws Exception {
        String ended = "SELECT count(*) FROM backfill.run WHERE state IN ('FAILED', 'SUCCEEDED', 'PAUSED')";
        KilledRuns.awaitAll(database, daemon, () -> database.queryLong(ended) == KeyShape.values().length);
    }
}
