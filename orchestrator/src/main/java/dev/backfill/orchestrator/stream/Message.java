package dev.backfill.orchestrator.stream;

/**
 * What goes over the wire. Pure.
 *
 * @see <a href="https://html.spec.whatwg.org/multipage/server-sent-events.html">HTML, Server-sent events</a>
 */
final class Message {

    /** A comment, which no client is told of. */
    static final String HEARTBEAT = ": heartbeat\n\n";

    private Message() {}

    /** An event; its data is JSON, and so has no line breaks. */
    static String event(String kind, String json) {
        return "event: " + kind + "\ndata: " + json + "\n\n";
    }

    /** The same with the cursor behind it. */
    static String at(String cursor, String event) {
        return "id: " + cursor + "\n" + event;
    }

    /** A cursor alone: the client keeps it, and tells nobody. */
    static String cursor(String cursor) {
        return "id: " + cursor + "\n\n";
    }
}
