package dev.backfill.orchestrator.processor;

import dev.backfill.api.Work;
import dev.backfill.api.processor.Batch;
import dev.backfill.api.processor.PauseRunException;
import dev.backfill.api.processor.Processor;
import dev.backfill.api.processor.RetryBatchException;
import dev.backfill.orchestrator.batch.Change;
import dev.backfill.orchestrator.db.ErrorClass;
import dev.backfill.orchestrator.db.SqlStates;
import dev.backfill.orchestrator.db.SqlStates.ProcessorException;
import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.timing.Timing;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Hands each batch to a processor, and sorts what it throws. */
final class ProcessorChange implements Change {

    private static final Logger LOG = LoggerFactory.getLogger(ProcessorChange.class);
    private static final Duration GRACE = Duration.ofSeconds(5);
    private static final int SHOWN_FRAMES = 3;
    private static final Duration LONGEST_PAUSE = Duration.ofHours(1);

    /** A processor at work. */
    private record Call(Thread thread, long since, GuardedConnection guard) {}

    private final Plugins plugins;
    private final JobStatement statement;
    private final Work.Custom work;
    private final Timing timing;
    private final Duration longest;
    private final Set<String> told = new HashSet<>();
    private @Nullable Processor processor;
    private @Nullable Call call;
    private boolean overdue;
    private boolean deaf;

    ProcessorChange(Plugins plugins, JobStatement statement, Work.Custom work, Timing timing) {
        this.plugins = plugins;
        this.statement = statement;
        this.work = work;
        this.timing = timing;
        this.longest = statement.job().execution().errors().statementTimeout();
    }

    @Override
    public long make(Connection connection, Request request) throws SQLException {
        Processor ready = processor();
        TransactionWatch.Begun begun = TransactionWatch.begin(
                connection, longest.plus(GRACE), request.batch().started());
        GuardedConnection guard = new GuardedConnection(connection);
        begin(guard);
        long changed;
        try {
            Batch batch = new BatchView(statement, request, guard.connection(), begun.started());
            changed = PluginScope.of(ready, () -> ready.process(batch));
        } catch (Throwable e) {
            if (e instanceof VirtualMachineError error && !(e instanceof StackOverflowError)) {
                throw error;
            }
            boolean late = end(guard);
            throw late ? late() : thrown(e, guard);
        }
        if (end(guard)) {
            throw late();
        }
        if (changed < 0) {
            throw new ProcessorException(ErrorClass.PAUSE, name() + " says that it has changed " + changed + " rows");
        }
        try {
            TransactionWatch.end(connection, begun, request.batch().range().upTo());
        } catch (ProcessorException e) {
            throw e;
        } catch (SQLException e) {
            throw guard.failure().orElse(e); // it went on after an error of the server
        }
        return changed;
    }

    private Processor processor() throws SQLException {
        Processor ready = processor;
        if (ready == null) {
            try {
                ready = plugins.open(work);
            } catch (Plugins.UnusableException e) {
                throw new ProcessorException(ErrorClass.PAUSE, String.valueOf(e.getMessage()));
            }
            processor = ready;
        }
        return ready;
    }

    private synchronized void begin(GuardedConnection guard) {
        overdue = false;
        call = new Call(Thread.currentThread(), timing.nanos(), guard);
    }

    /** Nobody interrupts this thread any more; whether somebody has, for it took too long. */
    private synchronized boolean end(GuardedConnection guard) {
        call = null;
        Thread.interrupted(); // was meant for the processor
        guard.end();
        return overdue;
    }

    @Override
    public synchronized void watch() throws SQLException {
        if (call != null && timing.since(call.since()).compareTo(longest) > 0) {
            cancel();
        }
    }

    @Override
    public synchronized void cancel() throws SQLException {
        if (call != null) {
            if (!overdue) {
                call.thread().interrupt();
            } else if (!deaf && timing.since(call.since()).compareTo(longest.plus(GRACE)) > 0) {
                deaf = true;
                LOG.atWarn()
                        .addKeyValue("job", statement.job().name())
                        .addKeyValue("processor", work.type())
                        .addKeyValue("seconds", timing.since(call.since()).toSeconds())
                        .log("a processor takes no notice of its interrupt; its worker stands still until it returns");
            }
            overdue = true;
            call.guard().cancel();
        }
    }

    private SQLException late() {
        return new ProcessorException(
                ErrorClass.TIMEOUT,
                name() + " was ended, for it took longer than errors.statement-timeout, which is " + longest.toMillis()
                        + "ms");
    }

    private SQLException thrown(Throwable e, GuardedConnection guard) {
        for (Throwable t = e; t != null; t = t.getCause()) {
            if (t instanceof SQLException sql && (guard.hasThrown(sql) || sql instanceof ProcessorException)) {
                return sql;
            }
        }
        Optional<SQLException> failure = guard.failure();
        if (failure.isPresent()) {
            return failure.get();
        }
        if (e instanceof RetryBatchException again) {
            Optional<Duration> pause = again.pause().map(p -> p.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : p);
            return new ProcessorException(
                    again.isSmaller() ? ErrorClass.TOO_LARGE : ErrorClass.AGAIN,
                    name() + ": " + e.getMessage(),
                    pause.filter(p -> !p.isNegative()).orElse(null));
        } else if (e instanceof PauseRunException) {
            return new ProcessorException(ErrorClass.PAUSE, name() + ": " + e.getMessage());
        }
        ErrorClass next = sorted(e);
        if (next != ErrorClass.AGAIN) {
            tell(e);
        }
        return new ProcessorException(next, name() + ": " + words(e));
    }

    /** An error is the processor's own, an exception that of its rows, but for those of what it calls. */
    private static ErrorClass sorted(Throwable e) {
        if (e instanceof SQLException elsewhere) {
            return SqlStates.classify(elsewhere) == ErrorClass.DATA ? ErrorClass.DATA : ErrorClass.AGAIN;
        } else if (e instanceof IOException) {
            return ErrorClass.AGAIN;
        }
        return e instanceof Error && !(e instanceof StackOverflowError) ? ErrorClass.PAUSE : ErrorClass.DATA;
    }

    /** With the place in its code, once; not with its causes, whose words may hold rows of the user's. */
    private void tell(Throwable e) {
        String place = Stream.of(e.getStackTrace())
                .limit(SHOWN_FRAMES)
                .map(StackTraceElement::toString)
                .collect(Collectors.joining(", "));
        if (told.add(e.getClass().getName() + place)) {
            LOG.atWarn()
                    .addKeyValue("job", statement.job().name())
                    .addKeyValue("processor", work.type())
                    .addKeyValue("error", words(e))
                    .addKeyValue("at", place)
                    .log("a processor failed; the next error at this place is not shown in full again");
        }
    }

    /** Its first line: a driver puts what the server says of rows into those behind. */
    private static String words(Throwable e) {
        String message = e.getMessage();
        return e.getClass().getSimpleName()
                + (message == null ? "" : ": " + message.lines().findFirst().orElse(""));
    }

    private String name() {
        return "the processor " + work.type();
    }

    @Override
    public void close() {
        Processor ready = processor;
        processor = null;
        if (ready != null) {
            try {
                PluginScope.close(ready);
            } catch (Exception | Error e) {
                tell(e);
            }
        }
    }
}
