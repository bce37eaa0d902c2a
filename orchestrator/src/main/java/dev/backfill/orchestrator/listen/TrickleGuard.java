package dev.backfill.orchestrator.listen;

import java.time.Duration;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.server.ConnectionMetaData;
import org.eclipse.jetty.util.thread.Scheduler;

/**
 * Closes connections on which requests come in bit by bit, each bit early enough for the idle time-out: on which bytes have come
 * between two looks and no request with them, or from the beginning on no request at all. A stream sends, and nothing comes in.
 *
 * @param scheduler looks every {@code look}
 * @param look how long a request may take, up to twice of it
 */
record TrickleGuard(Scheduler scheduler, Duration look) implements Connection.Listener {

    @Override
    public void onOpened(Connection connection) {
        if (connection instanceof ConnectionMetaData) { // and not what encrypts one
            lookLater(connection, 0, 0);
        }
    }

    private void lookLater(Connection connection, long requests, long bytes) {
        scheduler.schedule(() -> look(connection, requests, bytes), look);
    }

    private void look(Connection connection, long requestsBefore, long bytesBefore) {
        if (!connection.getEndPoint().isOpen()) {
            return;
        }
        long requests = connection.getMessagesIn();
        long bytes = connection.getBytesIn();
        boolean isNothingNew = requests == requestsBefore;
        if (isNothingNew && (bytes > bytesBefore || requests == 0)) {
            connection.getEndPoint().close();
        } else {
            lookLater(connection, requests, bytes);
        }
    }
}
