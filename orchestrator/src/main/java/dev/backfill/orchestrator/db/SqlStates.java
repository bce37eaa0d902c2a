package dev.backfill.orchestrator.db;

import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/**
 * Sorts SQLSTATEs by what happens next.
 *
 * @see <a href="https://www.postgresql.org/docs/current/errcodes-appendix.html">PostgreSQL Error Codes</a>
 */
public final class SqlStates {

    private static final String INSUFFICIENT_PRIVILEGE = "42501";
    private static final Set<String> LOCK = Set.of("55P03", "40P01", "40001");
    private static final Set<String> SESSION_LOST = Set.of("25P03", "25P04");
    private static final Set<String> DOWN = Set.of("57P01", "57P02", "57P03", "57P05", "25006");
    private static final Set<String> DENIED = Set.of("57P04", "3D000");
    private static final Set<String> PREPARED_ELSEWHERE = Set.of("26000", "42P05");
    private static final String POOLER =
            "; a pooler seems to give each transaction another session: set pooler = transaction for this database, or let"
                    + " its url name the server itself";
    /** What PgBouncer says when the server's session has broken off without a word. */
    private static final String BROKEN_OFF = "server conn crashed";

    private static final Set<String> DATA_CLASSES = Set.of("22", "23", "P0", "20", "21", "2F", "38", "39", "44", "54");
    private static final Set<String> DEFINED_CLASSES = Set.of(
            "00", "01", "02", "03", "08", "09", "0A", "0B", "0F", "0L", "0P", "0Z", "20", "21", "22", "23", "24", "25",
            "26", "27", "28", "2B", "2D", "2F", "34", "38", "39", "3B", "3D", "3F", "40", "42", "44", "53", "54", "55",
            "57", "58", "72", "F0", "HV", "P0", "XX");

    private static final Pattern CONTROL = Pattern.compile("\\p{Cntrl}+");

    private SqlStates() {}

    /** What code of the user's own throws or does wrong; sorted where that is known. */
    public static final class ProcessorException extends SQLException {

        private static final long serialVersionUID = 1L;

        /** External routine exception. */
        private static final String STATE = "38000";

        private final ErrorClass next;
        private final @Nullable Duration pause;

        /**
         * Sorts it.
         *
         * @param next what happens next
         * @param message what is wrong, for an operator
         */
        public ProcessorException(ErrorClass next, String message) {
            this(next, message, null);
        }

        /**
         * Sorts it.
         *
         * @param next what happens next
         * @param message what is wrong, for an operator
         * @param pause how long to wait before the next attempt; null when that is for the program to decide
         */
        public ProcessorException(ErrorClass next, String message, @Nullable Duration pause) {
            super(message, STATE);
            this.next = next;
            this.pause = pause;
        }
    }

    /**
     * Sorts an error.
     *
     * @param error what the driver threw
     * @return what happens next
     */
    public static ErrorClass classify(SQLException error) {
        if (error instanceof ProcessorException processor) {
            return processor.next;
        }
        return state(error).map(SqlStates::classify).orElse(ErrorClass.DATABASE_DOWN);
    }

    /**
     * How long to wait before the next attempt, if code of the user's own says so.
     *
     * @param error what was thrown
     * @return empty when that is for the program to decide
     */
    public static Optional<Duration> pause(SQLException error) {
        return error instanceof ProcessorException processor ? Optional.ofNullable(processor.pause) : Optional.empty();
    }

    /**
     * Sorts an SQLSTATE.
     *
     * @param state five characters
     * @return what happens next
     */
    public static ErrorClass classify(String state) {
        String group = state.substring(0, Math.min(2, state.length()));
        if (LOCK.contains(state)) {
            return ErrorClass.LOCK;
        } else if (state.equals("57014")) {
            return ErrorClass.TIMEOUT;
        } else if (SESSION_LOST.contains(state)) {
            return ErrorClass.SESSION_LOST;
        } else if (group.equals("08") || DOWN.contains(state)) {
            return ErrorClass.DATABASE_DOWN;
        } else if (group.equals("28") || DENIED.contains(state)) {
            return ErrorClass.DENIED;
        } else if (state.equals("53100")) {
            return ErrorClass.DISK_FULL;
        } else if (group.equals("53")) {
            return ErrorClass.RESOURCES;
        } else if (PREPARED_ELSEWHERE.contains(state)) {
            return ErrorClass.PAUSE;
        }
        return DATA_CLASSES.contains(group) || !DEFINED_CLASSES.contains(group) ? ErrorClass.DATA : ErrorClass.PAUSE;
    }

    /**
     * The first SQLSTATE along the causes of an error: a pool wraps the driver's.
     *
     * @param error what was thrown
     * @return five characters; empty when no cause has one
     */
    public static Optional<String> state(Throwable error) {
        for (Throwable t = error; t != null; t = t.getCause()) {
            if (t instanceof SQLException sql && sql.getSQLState() != null) {
                return Optional.of(sql.getSQLState());
            }
        }
        return Optional.empty();
    }

    /**
     * Whether the role lacks a right.
     *
     * @param error of a statement, or what it caused
     * @return true for SQLSTATE 42501
     */
    public static boolean isDenied(Throwable error) {
        return state(error).filter(INSUFFICIENT_PRIVILEGE::equals).isPresent();
    }

    /**
     * Lets pass what the driver threw, wrapped as it may be; anything else is a fault of the program and is thrown on.
     *
     * @param error what was caught
     * @throws RuntimeException when no cause of it is an {@link SQLException}
     */
    public static void requireFromDatabase(Exception error) {
        for (Throwable t = error; t != null; t = t.getCause()) {
            if (t instanceof SQLException) {
                return;
            }
        }
        if (error instanceof RuntimeException fault) {
            throw fault;
        }
        throw new IllegalStateException(error);
    }

    /**
     * The server's own message, without the rows of the user's that DETAIL may hold.
     *
     * @param error what was thrown
     * @return one line
     */
    public static String message(Throwable error) {
        Optional<ServerErrorMessage> said = said(error);
        if (said.isPresent()) {
            String state = String.valueOf(said.get().getSQLState());
            String pooler = PREPARED_ELSEWHERE.contains(state) ? POOLER : "";
            return line(String.valueOf(said.get().getMessage())) + " (SQLSTATE " + state + ")" + pooler;
        }
        if (error instanceof ProcessorException) {
            return line(String.valueOf(error.getMessage()));
        }
        String text = error.getClass().getSimpleName();
        for (Throwable t = error; t != null; t = t.getCause()) {
            text = t.getMessage() == null ? text : t.getMessage();
            text = t instanceof UnknownHostException ? "unknown host " + text : text;
        }
        return line(text.lines().findFirst().orElse(text));
    }

    /**
     * What the server said of the rows themselves: for people, never for a log.
     *
     * @param error what was thrown
     * @return one line; empty when it said nothing
     */
    public static Optional<String> detail(Throwable error) {
        return said(error).map(ServerErrorMessage::getDetail).map(SqlStates::line);
    }

    /**
     * Whether the server itself told of an error: a session that breaks off without a word may have been killed by what
     * it did.
     *
     * @param error what was thrown
     * @return false for what only the driver knows of
     */
    public static boolean isSaidByServer(Throwable error) {
        return said(error)
                .filter(message -> !String.valueOf(message.getMessage()).contains(BROKEN_OFF))
                .isPresent();
    }

    /**
     * Whether others than the program have told of an error: the server, or code of the user's own.
     *
     * @param error what was thrown
     * @return false for what only the program and its driver know of
     */
    public static boolean isSaidByOthers(Throwable error) {
        return error instanceof ProcessorException || isSaidByServer(error);
    }

    /**
     * Whether a session is gone because what it did took too long, for the server or for the driver.
     *
     * @param error what was thrown
     * @return true for 25P03, 25P04 and an answer that did not come in time
     */
    public static boolean isOverTime(Throwable error) {
        for (Throwable t = error; t != null; t = t.getCause()) {
            if (t instanceof SocketTimeoutException) {
                return true;
            }
        }
        return state(error).filter(SESSION_LOST::contains).isPresent();
    }

    private static Optional<ServerErrorMessage> said(Throwable error) {
        for (Throwable t = error; t != null; t = t.getCause()) {
            if (t instanceof PSQLException e && e.getServerErrorMessage() != null) {
                return Optional.of(e.getServerErrorMessage());
            }
        }
        return Optional.empty();
    }

    private static String line(String text) {
        String line = CONTROL.matcher(text).replaceAll(" ").strip();
        return line.endsWith(".") ? line.substring(0, line.length() - 1) : line;
    }
}
