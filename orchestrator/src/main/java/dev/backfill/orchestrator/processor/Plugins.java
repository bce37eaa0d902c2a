package dev.backfill.orchestrator.processor;

import dev.backfill.api.Work;
import dev.backfill.api.processor.Options;
import dev.backfill.api.processor.Processor;
import dev.backfill.orchestrator.batch.Change;
import dev.backfill.orchestrator.batch.SqlChange;
import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.registry.LoadedJob.Locations;
import dev.backfill.orchestrator.registry.Problem;
import dev.backfill.orchestrator.timing.Timing;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The processors that there are, by the plugins of a directory. It is read when the first job asks for one, and not again.
 *
 * <p>Safe for use by several threads.
 */
public final class Plugins {

    private final Path directory;
    private @Nullable PluginCatalog catalog;

    /** A processor cannot be had. */
    static final class UnusableException extends Exception {

        private static final long serialVersionUID = 1L;

        private final @Nullable String option;

        UnusableException(String message, @Nullable String option) {
            super(message);
            this.option = option;
        }
    }

    /**
     * Over a directory.
     *
     * @param directory where the plugins are; need not exist
     */
    public Plugins(Path directory) {
        this.directory = directory;
    }

    /**
     * What is wrong with the processor of a job: there is none of that name, or it does not take the job's options.
     *
     * @param job the job
     * @return nothing for a job without a processor
     */
    public List<Problem> problems(LoadedJob job) {
        if (!(job.definition().work() instanceof Work.Custom work)) {
            return List.of();
        }
        Optional<PluginCatalog.Entry> entry = catalog().find(work.type());
        if (entry.isEmpty()) {
            return List.of(job.problem("/processor/type", missing(work.type()), hint()));
        }
        if (entry.get().plugins().size() > 1) {
            return List.of(job.problem("/processor/type", several(entry.get()), "leave one of them there"));
        }
        Options options = new Options(work.options());
        try {
            PluginScope.close(configured(entry.get(), options));
            return unknown(job, options);
        } catch (UnusableException e) {
            String pointer = Optional.ofNullable(e.option)
                    .map(name -> Locations.pointer("/processor/options", name))
                    .orElse("/processor");
            return List.of(job.problem(pointer, String.valueOf(e.getMessage()), ""));
        } catch (Exception | LinkageError e) {
            return List.of(job.problem("/processor", work.type() + " cannot be closed: " + e, ""));
        }
    }

    /**
     * Whether a job needs a processor that there is none of.
     *
     * @param work what the job does
     * @return false for a job without a processor
     */
    public boolean lacks(Work work) {
        return work instanceof Work.Custom custom
                && catalog().find(custom.type()).isEmpty();
    }

    /**
     * How a job changes the rows of its batches.
     *
     * @param statement the job on its table
     * @param timing how time passes
     * @return for one worker
     */
    public Change change(JobStatement statement, Timing timing) {
        return statement.job().work() instanceof Work.Custom work
                ? new ProcessorChange(this, statement, work, timing)
                : new SqlChange(statement);
    }

    /** A processor that is told its options; the caller closes it. */
    Processor open(Work.Custom work) throws UnusableException {
        Optional<PluginCatalog.Entry> entry = catalog().find(work.type());
        if (entry.isEmpty()) {
            throw new UnusableException(missing(work.type()) + "; " + hint(), null);
        }
        return configured(entry.get(), new Options(work.options()));
    }

    private static Processor configured(PluginCatalog.Entry entry, Options options) throws UnusableException {
        Processor processor;
        try {
            processor = entry.provider().get();
        } catch (RuntimeException | LinkageError | ServiceConfigurationError e) {
            throw new UnusableException(entry.type() + " cannot be made: " + cause(e), null);
        }
        try {
            return PluginScope.of(processor, () -> {
                processor.configure(options);
                return processor;
            });
        } catch (Options.Refusal e) {
            String message = "processor.options." + e.option() + " " + e.getMessage();
            throw closed(processor, new UnusableException(message, e.option()));
        } catch (Exception | LinkageError | ServiceConfigurationError | AssertionError e) {
            String message = entry.type() + " does not take its options: " + cause(e);
            throw closed(processor, new UnusableException(message, null));
        }
    }

    private static UnusableException closed(Processor processor, UnusableException e) {
        try {
            PluginScope.close(processor);
        } catch (Exception | LinkageError more) {
            e.addSuppressed(more);
        }
        return e;
    }

    private static List<Problem> unknown(LoadedJob job, Options options) {
        List<Problem> problems = new ArrayList<>();
        for (String name : options.unknown()) {
            String hint = options.known().isEmpty()
                    ? "the processor has no options"
                    : "there is " + String.join(", ", options.known());
            problems.add(
                    job.problem(Locations.pointer("/processor/options", name), "unknown option `" + name + "`", hint));
        }
        return problems;
    }

    private static String missing(String type) {
        return "no processor " + type;
    }

    private static String several(PluginCatalog.Entry entry) {
        return "the processor " + entry.type() + " is in several plugins: " + String.join(", ", entry.plugins());
    }

    private String hint() {
        PluginCatalog found = catalog();
        String broken = found.broken().stream().map(b -> "; " + b).collect(Collectors.joining());
        String known = found.types().isEmpty() ? "has none" : "has " + String.join(", ", found.types());
        return "put its plugin into " + directory + ", which " + known + ", and start again" + broken;
    }

    private static String cause(Throwable e) {
        Throwable last = e;
        while (last.getCause() != null) {
            last = last.getCause();
        }
        return last.getMessage() == null
                ? last.getClass().getSimpleName()
                : last.getClass().getSimpleName() + ": " + last.getMessage();
    }

    private synchronized PluginCatalog catalog() {
        PluginCatalog read = catalog;
        if (read == null) {
            read = PluginCatalog.read(directory);
            catalog = read;
        }
        return read;
    }
}
