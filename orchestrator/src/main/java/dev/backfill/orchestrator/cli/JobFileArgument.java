package dev.backfill.orchestrator.cli;

import dev.backfill.orchestrator.registry.JobFiles;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Reads the job files that a command line names. */
final class JobFileArgument {

    private JobFileArgument() {}

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
