package dev.backfill.orchestrator.config;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.backfill.orchestrator.config.DatabaseSettings.Login;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is said of a pooler, and of who creates the own tables past it. */
class PoolerSettingsTest {

    @TempDir
    private Path directory;

    @Test
    void without_a_word_there_is_no_pooler_and_the_user_is_the_owner() throws Exception {
        DatabaseSettings main = read("databases.main { url = \"postgresql://h/d\", user = u }");

        assertThat(main.login().pooled()).isFalse();
        assertThat(main.own().owner()).isEmpty();
        assertThat(read("databases.main { url = \"postgresql://h/d\", pooler = none }")
                        .login()
                        .pooled())
                .isFalse();
    }

    @Test
    void the_owner_is_the_user_with_its_password_at_another_url() throws Exception {
        DatabaseSettings main = read("""
                databases.main { url = "postgresql://pooler:6432/d", user = u, password = pw, pooler = transaction
                                 owner.url = "postgresql://server/d" }
                """);

        assertThat(main.login())
                .isEqualTo(new Login("jdbc:postgresql://pooler:6432/d", Optional.of("u"), Optional.of("pw"), true));
        assertThat(main.own().owner())
                .contains(new Login("jdbc:postgresql://server/d", Optional.of("u"), Optional.of("pw")));
    }

    @Test
    void another_owner_has_its_own_password_or_none_and_the_users_url() throws Exception {
        Files.writeString(directory.resolve("secret"), "its own\n");
        String head = "databases.main { url = \"postgresql://h/d\", user = u, password = pw, owner { user = o";

        assertThat(read(head + ", password-file = secret } }").own().owner())
                .contains(new Login("jdbc:postgresql://h/d", Optional.of("o"), Optional.of("its own")));
        assertThat(read(head + "} }").own().owner())
                .contains(new Login("jdbc:postgresql://h/d", Optional.of("o"), Optional.empty()));
        assertThat(read(head + ", url = \"postgresql://x:y@s/d\" } }").own().owner())
                .contains(new Login("jdbc:postgresql://s/d", Optional.of("o"), Optional.of("y")));
    }

    @Test
    void the_owner_of_all_databases_stands_among_the_defaults() throws Exception {
        DatabaseSettings main = read("""
                database-defaults { pooler = transaction, owner { user = o, password = secret } }
                databases.main { url = "postgresql://pooler/d", owner.url = "postgresql://server/d" }
                """);

        assertThat(main.login().pooled()).isTrue();
        assertThat(main.own().owner())
                .contains(new Login("jdbc:postgresql://server/d", Optional.of("o"), Optional.of("secret")));
    }

    @Test
    void behind_a_pooler_whose_tables_are_made_by_hand_no_owner_is_needed() throws Exception {
        DatabaseSettings main =
                read("databases.main { url = \"postgresql://h/d\", pooler = transaction, upgrade = check }");

        assertThat(main.own().owner()).isEmpty();
    }

    @Test
    void wrong_values_are_refused() throws Exception {
        assertThat(problems("databases.main { url = \"postgresql://h/d\", pooler = session }"))
                .containsExactly("job.conf: 1: databases.main.pooler must be \"transaction\" or \"none\", not session");
        assertThat(problems("databases.main { url = \"postgresql://h/d\", pooler = transaction }"))
                .containsExactly("job.conf: 1: databases.main.owner names no url: behind a pooler the own tables are"
                        + " created past it; say where the server itself is, or create them by hand and set upgrade ="
                        + " check");
        assertThat(problems("databases.main { url = \"postgresql://h/d\", owner { url = \"h/d\", usr = o } }"))
                .containsExactly(
                        "job.conf: 1: unknown key databases.main.owner.usr (did you mean user?)",
                        "job.conf: 1: databases.main.owner.url is not right: a database URL begins with"
                                + " jdbc:postgresql:// or postgresql://, such as postgresql://user@host:5432/name");
        assertThat(problems("databases.main { url = \"postgresql://h/d\", owner { password = a, password-file = b } }"))
                .contains("job.conf: 1: databases.main.owner.password-file is given beside a password; leave one of"
                        + " them out");
        assertThat(problems("databases.main { url = \"postgresql://h/d\", owner = me }"))
                .containsExactly("job.conf: 1: databases.main.owner must be settings in braces, not text");
    }

    private DatabaseSettings read(String text) throws Exception {
        Path file = Files.writeString(directory.resolve("job.conf"), text);
        return requireNonNull(SettingsReader.read(file).databases().get("main"));
    }

    private List<String> problems(String text) {
        return catchThrowableOfType(ConfigurationException.class, () -> read(text)).problems().stream()
                .map(problem -> problem.substring(problem.indexOf("job.conf")))
                .toList();
    }
}
