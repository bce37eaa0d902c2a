package dev.backfill.orchestrator.demo;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Properties;

/**
 * A server that listens on the loopback interface alone.
 *
 * @param port where
 */
record Server(int port) {

    /** The superuser of every server. */
    static final String SUPERUSER = "postgres";

    private static final int ATTEMPTS = 3;

    /** Starts a server on a port that is free; ready when this returns. */
    static Server start(Programs programs, Path data) throws IOException {
        for (int attempt = 1; ; attempt++) {
            int port = freePort();
            try {
                programs.run(
                        "pg_ctl",
                        "start",
                        "--wait",
                        "--pgdata=" + data,
                        "--log=" + data + ".log",
                        "--options=-p " + port);
                return new Server(port);
            } catch (InterruptedIOException e) {
                throw e;
            } catch (IOException e) {
                if (attempt == ATTEMPTS || !log(data).contains("could not bind")) {
                    throw new IOException(e.getMessage() + "\n" + log(data), e);
                }
            }
        }
    }

    /** Connects. */
    Connection connect(String database, String user, String password) throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("user", user);
        properties.setProperty("password", password);
        return DriverManager.getConnection(url(database), properties);
    }

    /** The driver's URL of a database. */
    String url(String database) {
        return "jdbc:postgresql://127.0.0.1:" + port + "/" + database;
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private static String log(Path data) throws IOException {
        return Files.readString(Path.of(data + ".log"), StandardCharsets.UTF_8);
    }
}
