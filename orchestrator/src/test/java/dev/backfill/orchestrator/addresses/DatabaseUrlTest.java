package dev.backfill.orchestrator.addresses;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DatabaseUrlTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            nullValues = "-",
            value = {
                "jdbc:postgresql://h:5432/d | jdbc:postgresql://h:5432/d | - | -",
                "postgresql://h/d | jdbc:postgresql://h/d | - | -",
                "postgres://h/d | jdbc:postgresql://h/d | - | -",
                "postgresql://me@h:1/d | jdbc:postgresql://h:1/d | me | -",
                "postgresql://me:pw@h/d?sslmode=require | jdbc:postgresql://h/d?sslmode=require | me | pw",
                "postgresql://m%40e:p%3A%2F+w@h/d | jdbc:postgresql://h/d | m@e | p:/+w",
                "postgresql://:pw@h/d | jdbc:postgresql://h/d | - | pw",
                "postgresql:///d | jdbc:postgresql:///d | - | -",
                "postgresql://me@[::1]:5/d | jdbc:postgresql://[::1]:5/d | me | -",
                "postgresql://h1:1,h2:2/d | jdbc:postgresql://h1:1,h2:2/d | - | -",
                "jdbc:postgresql://h/d?user=me&password=pw | jdbc:postgresql://h/d | me | pw",
                "jdbc:postgresql://h/d?password=p%26w&ssl=true&user=me | jdbc:postgresql://h/d?ssl=true | me | p&w",
                "jdbc:postgresql://h/d?a=1&user=me&b=2 | jdbc:postgresql://h/d?a=1&b=2 | me | -",
                "postgresql://h/d?user=me | jdbc:postgresql://h/d | me | -",
                "jdbc:postgresql:d | jdbc:postgresql:d | - | -"
            })
    void the_user_and_the_password_are_taken_out(String url, String jdbc, String user, String password) {
        DatabaseUrl parsed = DatabaseUrl.parse(url);

        assertThat(parsed.jdbc()).isEqualTo(jdbc);
        assertThat(parsed.user().orElse(null)).isEqualTo(user);
        assertThat(parsed.password().orElse(null)).isEqualTo(password);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "h/d", "mysql://me:secret@h/d", "jdbc:mysql://h/d?password=secret", "secret"})
    void another_url_is_refused_without_being_repeated(String url) {
        assertThatThrownBy(() -> DatabaseUrl.parse(url))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("postgresql://user@host:5432/name")
                .hasMessageNotContaining("secret");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "postgresql://me:p@secret@h/d",
                "postgresql://me:12/secret@h/d",
                "jdbc:postgresql://secret@h/d",
                "jdbc:postgresql://me:secret@h/d"
            })
    void what_is_left_of_a_password_in_the_host_is_refused_without_being_repeated(String url) {
        assertThatThrownBy(() -> DatabaseUrl.parse(url))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("%40")
                .hasMessageNotContaining("secret");
    }

    @Test
    void a_malformed_escape_is_refused_without_the_password() {
        assertThatThrownBy(() -> DatabaseUrl.parse("postgresql://me:secret%zz@h/d"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageNotContaining("secret");
    }

    @Test
    void a_password_is_not_printed() {
        assertThat(DatabaseUrl.parse("postgresql://me:secret@h/d").toString()).doesNotContain("secret");
        assertThat(DatabaseUrl.parse("jdbc:postgresql://h/d?sslpassword=secret&ssl=true"))
                .hasToString("jdbc:postgresql://h/d?sslpassword=...&ssl=true");
    }
}
