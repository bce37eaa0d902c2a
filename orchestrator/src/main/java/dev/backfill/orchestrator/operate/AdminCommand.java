package dev.backfill.orchestrator.operate;

import dev.backfill.orchestrator.client.AdminClient;
import dev.backfill.orchestrator.client.ExitCode;
import dev.backfill.orchestrator.client.RefusedException;
import dev.backfill.orchestrator.client.ServerOptions;
import dev.backfill.orchestrator.client.StoppedException;
import dev.backfill.orchestrator.timing.Interruption;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import dev.backfill.orchestrator.words.PlainText;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;

/** What the commands of this package have in common: which daemon they ask, and how they end by Ctrl-C. */
abstract class AdminCommand implements Callable<Integer> {

    @Option(names = "--json", description = "The answer of the admin API, for scripts.")
    private boolean json;

    @Mixin
    private ServerOptions server = new ServerOptions();

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    /** Asks the daemon, and tells what it answers. */
    abstract ExitCode ask(AdminClient client) throws RefusedException, StoppedException;

    /** What is said behind "interrupted". */
    String interrupted() {
        return " before the daemon answered";
    }

    @Override
    public final Integer call() throws RefusedException {
        Stop stop = new Stop(Timing.system());
        try (Interruption interruption = Interruption.requesting(stop, ExitCode.INTERRUPTED.code())) {
            int code = ask(stop).code();
            interruption.ended(code);
            return code;
        }
    }

    private ExitCode ask(Stop stop) throws RefusedException {
        try {
            return ask(server.client(stop));
        } catch (StoppedException e) {
            err("interrupted" + interrupted());
            return ExitCode.INTERRUPTED;
        } catch (RefusedException e) {
            boolean noJob = e.problem().path("detail").asString("").startsWith("no job of name");
            throw noJob ? e.and("`backfill list` shows those there are") : e;
        }
    }

    final boolean isJson() {
        return json;
    }

    final Shown shown() {
        return new Shown(Ansi.AUTO.enabled());
    }

    final PrintWriter out() {
        return spec.commandLine().getOut();
    }

    final void tellJson(JsonNode answer) {
        out().println(PlainText.lines(answer.toPrettyString()));
    }

    /** Says what went wrong, or could not be done. */
    final void err(String message) {
        errLine("backfill: " + message);
    }

    /** Says something beside what was asked for. */
    final void errLine(String line) {
        spec.commandLine().getErr().println(PlainText.of(line));
    }

    /** Says which databases are not in an answer; answers whether all are. */
    final ExitCode tellAway(JsonNode answer) {
        JsonNode away = answer.path("away");
        away.valueStream()
                .forEach(database -> err("database " + Shown.text(database, "database")
                        + " is away, and what it holds is not here: " + Shown.text(database, "detail")));
        return away.isEmpty() ? ExitCode.DONE : ExitCode.UNREACHABLE;
    }
}
