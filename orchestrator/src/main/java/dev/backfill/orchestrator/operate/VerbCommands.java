package dev.backfill.orchestrator.operate;

import dev.backfill.orchestrator.client.AdminClient;
import dev.backfill.orchestrator.client.RefusedException;
import dev.backfill.orchestrator.client.StoppedException;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

/** What people want of the runs of a job; one command a verb. */
public final class VerbCommands {

    private static final String NOT =
            " Exit code 2 when there is no such job; 4 when the state does not allow it, also in one of"
                    + " several databases, or when one does not answer.";
    private static final String MORE =
            "Acts in each database of the job, or in one. When its aim is reached already, nothing changes." + NOT;

    private VerbCommands() {}

    /** Begins a run. */
    @Command(
            name = "start",
            description = {"Starts a run of a job.", MORE},
            mixinStandardHelpOptions = true)
    public static final class Start extends VerbCommand {
        /** One without options. */
        public Start() {
            super("start");
        }
    }

    /** Has a run stand still. */
    @Command(
            name = "pause",
            description = {"Pauses the run of a job: nothing moves until it is resumed.", MORE},
            mixinStandardHelpOptions = true)
    public static final class Pause extends VerbCommand {
        /** One without options. */
        public Pause() {
            super("pause");
        }
    }

    /** Has a run go on. */
    @Command(
            name = "resume",
            description = {"Resumes the paused run of a job where it was.", MORE},
            mixinStandardHelpOptions = true)
    public static final class Resume extends VerbCommand {
        /** One without options. */
        public Resume() {
            super("resume");
        }
    }

    /** Ends a run. */
    @Command(
            name = "cancel",
            description = {"Cancels the run of a job for good; what is committed stays.", MORE},
            mixinStandardHelpOptions = true)
    public static final class Cancel extends VerbCommand {
        /** One without options. */
        public Cancel() {
            super("cancel");
        }
    }

    /** Has a failed run go on. */
    @Command(
            name = "retry",
            description = {
                "Has the failed run of a job work what it left.",
                "These are the keys in quarantine and the rows still to do." + NOT
            },
            mixinStandardHelpOptions = true)
    public static final class Retry extends VerbCommand {
        /** One without options. */
        public Retry() {
            super("retry");
        }
    }

    /** A verb. */
    abstract static class VerbCommand extends JobCommand {

        private final String verb;

        @Option(names = "--reason", paramLabel = "TEXT", description = "Why, for the audit log.")
        private Optional<String> reason = Optional.empty();

        VerbCommand(String verb) {
            this.verb = verb;
        }

        @Override
        JsonNode change(AdminClient client, Path path, String... lists) throws RefusedException, StoppedException {
            Map<String, String> body = reason.map(why -> Map.of("reason", why)).orElse(Map.of());
            return client.post(path.of("/" + verb), body, lists);
        }

        @Override
        String done() {
            return "";
        }
    }
}
