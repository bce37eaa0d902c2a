package dev.backfill.orchestrator.cli;

import dev.backfill.orchestrator.Orchestrator;
import dev.backfill.orchestrator.config.Settings;
import dev.backfill.orchestrator.config.SettingsReader;
import dev.backfill.orchestrator.timing.Interruption;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The daemon. */
@Command(
        name = "serve",
        description = {
            "Runs the daemon: works registered jobs, watches a directory of job files, and answers the admin API.",
            "SIGTERM and Ctrl-C stop it at the next batch boundary, within 5 s; what was begun goes on at the next start."
        },
        mixinStandardHelpOptions = true)
final class ServeCommand implements Callable<Integer> {

    private static final Duration LOOK = Duration.ofHours(1);

    @Option(
            names = "--config",
            paramLabel = "FILE",
            required = true,
            description = "The configuration: databases, the directory of job files, the admin API's address.")
    @SuppressWarnings("NullAway.Init")
    private Path config;

    @Override
    public Integer call() throws Refusal {
        Settings settings = SettingsReader.read(config);
        if (settings.databases().isEmpty()) {
            throw new Refusal(
                    ExitCode.INVALID,
                    config + ": no database is configured; add databases { main { url = \"jdbc:postgresql://...\" } }");
        }
        Timing timing = Timing.system();
        Stop stop = new Stop(timing);
        try (Interruption interruption = Interruption.requesting(stop, ExitCode.DONE.code());
                Orchestrator orchestrator = new Orchestrator(settings, timing, stop)) {
            start(orchestrator);
            while (!stop.isRequested()) {
                stop.sleep(LOOK);
            }
            interruption.ended(ExitCode.DONE.code());
            return ExitCode.DONE.code();
        }
    }

    private static void start(Orchestrator orchestrator) throws Refusal {
        try {
            orchestrator.start();
        } catch (IllegalStateException e) {
            throw new Refusal(ExitCode.INVALID, String.valueOf(e.getMessage()));
        }
    }
}
