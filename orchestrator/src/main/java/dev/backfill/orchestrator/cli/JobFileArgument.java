package dev.backfill.orchestrator.cli;

import dev.backfill.orchestrator.registry.JobFiles;
import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.registry.Problem;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;

/** Reads the job files that a command line names. */
final class JobFileArgument {

    private JobFileArgument() {}

    /** The one job of a file, for a command that takes one. */
    static LoadedJob one(JobFiles files, Path file, String command) throws Refusal {
        JobFiles.Content content = read(files, file);
        refuseIfAny(content.problems());
        if (content.jobs().size() != 1) {
            String message = "%s: holds %d jobs; `%s` takes a file with one";
            throw new Refusal(
                    ExitCode.INVALID, message.formatted(file, content.jobs().size(), command));
        }
        return content.jobs().get(0);
    }

    /** Refuses to go on with a job that has problems, with all of them. */
    static void refuseIfAny(List<Problem> problems) throws Refusal {
        if (!problems.isEmpty()) {
            String all = problems.stream().map(Problem::display).collect(Collectors.joining(System.lineSeparator()));
            throw new Refusal(ExitCode.INVALID, all);
        }
    }

    static JobFiles.Content read(JobFiles files, Path file) throws Refusal {
        try {
            if (Files.isDirectory(file)) {
                throw new Refusal(ExitCode.INVALID, file + ": is a directory, not a job file");
            }
            try (InputStream in = Files.newInputStream(file)) {
                return files.read(file.toString(), in.readNBytes(JobFiles.MAX_BYTES + 1));
            }
        } catch (NoSuchFileException e) {
            throw new Refusal(ExitCode.INVALID, file + ": no such file");
        } catch (IOException e) {
            throw new Refusal(ExitCode.INVALID, file + ": cannot be read: " + e.getMessage());
        }
    }
}
