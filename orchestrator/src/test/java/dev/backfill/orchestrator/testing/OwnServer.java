package dev.backfill.orchestrator.testing;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;

/** A server of the newest version that a test may do anything to, since no other test sees it. Closing it ends it. */
public final class OwnServer implements AutoCloseable {

    private final EmbeddedPostgres server;

    private OwnServer(EmbeddedPostgres server) {
        this.server = server;
    }

    /** Starts one; what has crashed in it is started again by itself. */
    public static OwnServer start() throws IOException {
        return new OwnServer(TestPostgres.builder(TestPostgres.NEWEST)
                .setServerConfig("synchronous_commit", "on")
                .setOutputRedirector(Redirect.DISCARD)
                .start());
    }

    /** The server, to create databases on. */
    public TestPostgres postgres() {
        return TestPostgres.at(server.getPort());
    }

    @Override
    public void close() throws IOException {
        server.close();
    }
}
