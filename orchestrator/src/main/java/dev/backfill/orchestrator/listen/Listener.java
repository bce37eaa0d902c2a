package dev.backfill.orchestrator.listen;

import dev.backfill.orchestrator.tls.CertificateFiles;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import org.eclipse.jetty.server.ConnectionFactory;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.LowResourceMonitor;
import org.eclipse.jetty.server.NetworkConnectionLimit;
import org.eclipse.jetty.server.SecureRequestCustomizer;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.eclipse.jetty.util.thread.QueuedThreadPool;

/**
 * Where the admin API listens, and with what. Immutable.
 *
 * @param host an address, or a name of one
 * @param port a TCP port; 0 for any that is free
 * @param tls the certificate; empty for HTTP without TLS
 */
public record Listener(String host, int port, Optional<CertificateFiles> tls) {

    private static final int MOST_THREADS = 328;
    private static final int MOST_CONNECTIONS = 300;
    private static final Duration SLOWEST_CLIENT = Duration.ofSeconds(10);
    private static final int LEAST_THREADS = 2;
    private static final Duration IDLE_THREAD = Duration.ofMinutes(1);
    private static final Duration THREADS_TO_END = Duration.ofMillis(100);

    /**
     * The threads that answer.
     *
     * @return not started yet
     */
    public QueuedThreadPool threads() {
        QueuedThreadPool threads = new QueuedThreadPool(MOST_THREADS, LEAST_THREADS, (int) IDLE_THREAD.toMillis());
        threads.setName("admin");
        threads.setDaemon(true);
        threads.setReservedThreads(0);
        threads.setStopTimeout(THREADS_TO_END.toMillis());
        return threads;
    }

    /**
     * Limits what clients may use of a server. A slow client holds a thread at most, so there are always threads for the
     * others; too many are soon dropped. A stream holds none, and is told to often enough not to be one of these.
     *
     * @param server not started yet
     */
    public void limit(Server server) {
        server.removeBean(server.getBean(LowResourceMonitor.class));
        NetworkConnectionLimit limit = new NetworkConnectionLimit(MOST_CONNECTIONS, server);
        limit.setEndPointIdleTimeout(Duration.ofSeconds(1).toMillis());
        server.addBean(limit);
    }

    /**
     * Opens the port before the server starts, so that nothing has begun when it cannot be had.
     *
     * @param server whose connections come in there
     * @param http how HTTP is read
     * @return the open port
     * @throws IllegalStateException when the address cannot be had, or the certificate cannot be used
     */
    public ServerConnector open(Server server, HttpConfiguration http) {
        http.setSendServerVersion(false);
        // Without a thread that accepts, stopping to accept and going on may close the port for good.
        ServerConnector connector = new ServerConnector(server, 1, 1, factories(http));
        connector.setHost(host);
        connector.setPort(port);
        connector.setIdleTimeout(SLOWEST_CLIENT.toMillis());
        connector.addBean(new TrickleGuard(connector.getScheduler(), SLOWEST_CLIENT));
        try {
            connector.open();
            return connector;
        } catch (IOException e) {
            throw new IllegalStateException(
                    "the admin API cannot listen on " + host + ":" + port + ": " + reason(e)
                            + "; stop what listens there, or set admin.port or admin.host",
                    e);
        }
    }

    private ConnectionFactory[] factories(HttpConfiguration http) {
        HttpConnectionFactory plain = new HttpConnectionFactory(http);
        if (tls.isEmpty()) {
            return new ConnectionFactory[] {plain};
        }
        // Which names are answered is decided where the Host header is looked at.
        http.addCustomizer(new SecureRequestCustomizer(false));
        return new ConnectionFactory[] {
            new SslConnectionFactory(RenewedCertificate.serving(tls.get()), plain.getProtocol()), plain
        };
    }

    private static String reason(IOException e) {
        Throwable cause = e.getCause() == null ? e : e.getCause();
        return cause.getMessage() == null ? "the host is not known" : cause.getMessage();
    }
}
