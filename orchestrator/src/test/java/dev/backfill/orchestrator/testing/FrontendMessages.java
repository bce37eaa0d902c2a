package dev.backfill.orchestrator.testing;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What a client says to a server, message by message, and which SQL each message executes: drivers send the text of a
 * statement once and then only its name.
 */
final class FrontendMessages {

    private static final int CANCEL_REQUEST = 80877102;
    private static final int SSL_REQUEST = 80877103;
    private static final int ENCRYPTION_REQUEST = 80877104;

    private final DataInputStream in;
    private final Map<String, String> sqlByStatement = new HashMap<>();
    private final Map<String, String> sqlByPortal = new HashMap<>();
    private boolean started;

    FrontendMessages(DataInputStream in) {
        this.in = in;
    }

    /**
     * Waits for the next request: all messages up to the one that makes the server answer.
     *
     * @return nothing at the end of the stream
     */
    List<Message> nextRequest() throws IOException {
        List<Message> request = new ArrayList<>();
        try {
            do {
                request.add(started ? understood(readBytes(1 + Integer.BYTES)) : readStartup());
            } while (!request.get(request.size() - 1).endsRequest());
            return request;
        } catch (EOFException e) {
            return List.of();
        }
    }

    private Message readStartup() throws IOException {
        byte[] bytes = readBytes(Integer.BYTES);
        int code = ByteBuffer.wrap(bytes).getInt(Integer.BYTES);
        boolean encryption = code == SSL_REQUEST || code == ENCRYPTION_REQUEST;
        started = !encryption && code != CANCEL_REQUEST;
        return new Message(encryption ? Kind.ENCRYPTION_REQUEST : Kind.OTHER, bytes, "");
    }

    private byte[] readBytes(int headerLength) throws IOException {
        byte[] header = in.readNBytes(headerLength);
        if (header.length < headerLength) {
            throw new EOFException();
        }
        int length = ByteBuffer.wrap(header).getInt(headerLength - Integer.BYTES) - Integer.BYTES;
        byte[] bytes = Arrays.copyOf(header, headerLength + length);
        in.readFully(bytes, headerLength, length);
        return bytes;
    }

    private Message understood(byte[] bytes) {
        ByteBuffer body = ByteBuffer.wrap(bytes);
        byte type = body.get();
        body.getInt();
        return switch (type) {
            case 'E' -> new Message(Kind.EXECUTE, bytes, sqlByPortal.getOrDefault(text(body), ""));
            case 'Q' -> new Message(Kind.QUERY, bytes, text(body));
            case 'S' -> new Message(Kind.SYNC, bytes, "");
            case 'P' -> part(bytes, () -> sqlByStatement.put(text(body), text(body)));
            case 'B' -> part(bytes, () -> bind(text(body), text(body)));
            case 'C' -> part(bytes, () -> forget(body.get(), text(body)));
            case 'D' -> part(bytes, () -> {});
            default -> new Message(Kind.OTHER, bytes, "");
        };
    }

    private static Message part(byte[] bytes, Runnable learn) {
        learn.run();
        return new Message(Kind.PART, bytes, "");
    }

    private void bind(String portal, String statement) {
        sqlByPortal.put(portal, sqlByStatement.getOrDefault(statement, ""));
    }

    private void forget(byte kind, String name) {
        (kind == 'S' ? sqlByStatement : sqlByPortal).remove(name);
    }

    private static String text(ByteBuffer body) {
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        for (byte next = body.get(); next != 0; next = body.get()) {
            text.write(next);
        }
        return text.toString(StandardCharsets.UTF_8);
    }

    /** What a message means to the proxy. */
    enum Kind {
        ENCRYPTION_REQUEST,
        /** Has SQL, and more messages of the same request follow. */
        EXECUTE,
        /** Has SQL and is a whole request. */
        QUERY,
        SYNC,
        /** The server does nothing visible before more messages of the same request arrive. */
        PART,
        OTHER
    }

    /** One message. */
    static final class Message {

        private final Kind kind;
        private final byte[] bytes;
        private final String sql;

        Message(Kind kind, byte[] bytes, String sql) {
            this.kind = kind;
            this.bytes = bytes;
            this.sql = sql;
        }

        Kind kind() {
            return kind;
        }

        /** What the server runs because of it; empty unless it is EXECUTE or QUERY. */
        String sql() {
            return sql;
        }

        boolean runs() {
            return kind == Kind.EXECUTE || kind == Kind.QUERY;
        }

        boolean endsRequest() {
            return kind != Kind.EXECUTE && kind != Kind.PART;
        }

        /** Whether the server says that it is ready when it has dealt with this message. */
        boolean asksForReady() {
            return kind == Kind.SYNC || kind == Kind.QUERY;
        }

        /** Writes all of it, with its header. */
        void writeTo(ByteArrayOutputStream out) {
            out.writeBytes(bytes);
        }
    }
}
