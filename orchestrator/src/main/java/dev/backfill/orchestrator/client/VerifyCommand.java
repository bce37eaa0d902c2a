package dev.backfill.orchestrator.client;

import dev.backfill.orchestrator.client.Recheck.Outcome;
import dev.backfill.orchestrator.timing.Interruption;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import dev.backfill.orchestrator.words.PlainText;
import java.io.PrintWriter;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;

/** Has the range of a job's ended run checked again. */
@Command(
        name = "verify",
        description = "Has a daemon check the range of a job's ended run again, and tells what it found. Changes no row"
                + " and no state. Ctrl-C leaves the check going on, exit code 3. The other exit codes are those of"
                + " `proof`; 1 also when no proof came of it, with the reason.",
        mixinStandardHelpOptions = true)
public final class VerifyCommand implements Callable<Integer> {

    @Parameters(paramLabel = "JOB", description = "The job's name.")
    @SuppressWarnings("NullAway.Init")
    private String job;

    @Option(
            names = "--database",
            paramLabel = "NAME",
            description = "Only in this database, by its name in the daemon's configuration.")
    private Optional<String> database = Optional.empty();

    @Option(names = "--reason", paramLabel = "TEXT", description = "Why, for the audit log.")
    private Optional<String> reason = Optional.empty();

    @Option(names = "--no-wait", description = "Do not wait for what it finds.")
    private boolean noWait;

    @Option(names = "--json", description = "The answer of the admin API, for scripts.")
    private boolean json;

    @Mixin
    private ServerOptions server = new ServerOptions();

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Override
    public Integer call() throws RefusedException {
        Stop stop = new Stop(Timing.system());
        try (Interruption interruption = Interruption.requesting(stop, ExitCode.INTERRUPTED.code())) {
            int code =
                    call(new Recheck(server.client(stop), job, database), stop).code();
            interruption.ended(code);
            return code;
        }
    }

    private ExitCode call(Recheck recheck, Stop stop) throws RefusedException {
        try {
            JsonNode answer = recheck.ask(reason);
            return noWait ? tell(answer) : await(recheck, stop);
        } catch (StoppedException e) {
            err().println("backfill: interrupted"
                    + switch (recheck.asked()) {
                        case NOT_YET -> " before the check was asked for";
                        case NOT_KNOWN ->
                            " while the check was asked for; `backfill proof " + job + "` tells whether it goes on";
                        case YES -> "; " + goesOn();
                    });
            return ExitCode.INTERRUPTED;
        }
    }

    private ExitCode tell(JsonNode answer) {
        if (json) {
            out().println(PlainText.lines(answer.toPrettyString()));
        } else {
            out().println("the check is asked for; `backfill proof " + job + "` tells what it finds");
        }
        return ExitCode.DONE;
    }

    private ExitCode await(Recheck recheck, Stop stop) throws RefusedException, StoppedException {
        err().println("waiting for the check of job " + job + " in "
                + PlainText.of(String.join(", ", recheck.databases())) + "; Ctrl-C leaves it going on");
        Outcome outcome;
        try {
            outcome = recheck.await(stop, err());
        } catch (RefusedException e) {
            throw e.and(goesOn());
        }
        if (json) {
            outcome.proofs().tellAsJson(out());
        } else {
            outcome.found().tell(out());
        }
        outcome.without()
                .forEach((name, why) -> (json ? err() : out()).println(PlainText.of("database " + name + ": " + why)));
        return outcome.verdict();
    }

    private String goesOn() {
        return "the check goes on, and `backfill proof " + job + "` tells what it finds";
    }

    private PrintWriter out() {
        return spec.commandLine().getOut();
    }

    private PrintWriter err() {
        return spec.commandLine().getErr();
    }
}
