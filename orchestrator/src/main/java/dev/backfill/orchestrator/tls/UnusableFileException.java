package dev.backfill.orchestrator.tls;

import java.io.Serial;
import java.nio.file.Path;

/** A file of a certificate or a key that cannot be used. Its message names the file and says what to do. */
public final class UnusableFileException extends Exception {

    @Serial
    private static final long serialVersionUID = 1L;

    /**
     * About one file.
     *
     * @param file which
     * @param why what is the matter with it, and what to do
     */
    UnusableFileException(Path file, String why) {
        super(file + " " + why);
    }
}
