package dev.backfill.orchestrator.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class SqlNameTest {

    private static final List<String> NAMES = List.of(
            "orders",
            "Orders",
            "_Under$1",
            "\"Orders\"",
            "Shop.Orders",
            "\"Shop.A\".\"Or\"\"ders\"",
            "\u00dcbersicht",
            "\u00c9t\u00e9.Gro\u00dfe_\u00c4nderung",
            "\u0130stanbul",
            "\u65e5\u672c\u8a9eA",
            "\ud83d\ude00Smile",
            "\u0663\u00b7x");

    @Test
    void names_are_read_as_the_server_reads_them() throws Exception {
        try (TestDatabase database = TestPostgres.newest().newDatabase()) {
            for (String name : NAMES) {
                SqlName read = SqlName.parse(name);
                List<String> parts = database.queryStrings("SELECT unnest(parse_ident('" + name + "', true))");

                assertThat(read)
                        .as(name)
                        .isEqualTo(new SqlName(
                                parts.size() == 1 ? Optional.empty() : Optional.of(parts.get(0)),
                                parts.get(parts.size() - 1)));
            }
        }
    }
}
