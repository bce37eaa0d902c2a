package dev.backfill.orchestrator.db;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.backfill.orchestrator.config.DatabaseSettings;
import dev.backfill.orchestrator.config.DatabaseSettings.Login;
import dev.backfill.orchestrator.config.DatabaseSettings.OwnSchema;
import dev.backfill.orchestrator.config.SettingsReader;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import dev.backfill.orchestrator.testing.TestRole;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class OwnerRightsTest {

    private TestDatabase server;
    private TestRole user;
    private TestRole owner;

    @BeforeEach
    void create() throws Exception {
        server = TestPostgres.newest().newDatabase();
        user = server.newRole();
        owner = server.newRole();
    }

    @AfterEach
    void close() throws Exception {
        server.close();
    }

    @Test
    void what_the_owner_lacks_is_said_and_not_what_the_user_lacks() throws Exception {
        try (Database database = new Database(settings())) {
            assertThatThrownBy(() -> SchemaMigrator.migrate(database))
                    .isInstanceOf(SchemaMigrator.UnfitException.class)
                    .hasMessageStartingWith("\"" + owner.name() + "\" may not create the own tables");
            assertThat(SchemaMigrator.obstacle(database).orElseThrow()).startsWith("\"" + owner.name());
        }
    }

    @Test
    void the_user_may_use_what_the_owner_has_created_also_when_the_owner_was_interrupted() throws Exception {
        server.execute("GRANT CREATE ON DATABASE %s TO %s".formatted(server.name(), owner.name()));
        try (Database database = new Database(settings())) {
            SchemaMigrator.migrate(database);
            assertThat(inserted(database)).isOne();
            assertThat(server.queryStrings("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'backfill'"))
                    .containsExactly(owner.name());

            server.execute(
                    "REVOKE ALL ON ALL TABLES IN SCHEMA backfill FROM " + user.name(),
                    "REVOKE ALL ON SCHEMA backfill FROM " + user.name());
            assertThat(SchemaMigrator.obstacle(database)).isEmpty();
            SchemaMigrator.migrate(database);
            assertThat(inserted(database)).isOne();
        }
    }

    private static int inserted(Database database) {
        return database.jdbi()
                .withHandle(handle -> handle.execute(
                        "INSERT INTO backfill.event (subject_kind, subject, who) VALUES ('t', 't', 't')"));
    }

    private DatabaseSettings settings() {
        DatabaseSettings main = SettingsReader.forDatabase(login(user))
                .databases()
                .values()
                .iterator()
                .next();
        OwnSchema own = new OwnSchema(main.own().schema(), true, false, Optional.of(login(owner)));
        return new DatabaseSettings(main.name(), main.login(), own, main.session(), main.work());
    }

    private Login login(TestRole role) {
        return new Login(server.jdbcUrl(role.name()), Optional.empty(), Optional.empty());
    }
}
