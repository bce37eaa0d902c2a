package dev.backfill.orchestrator.operate;

import dev.backfill.orchestrator.client.AdminClient;
import dev.backfill.orchestrator.client.ExitCode;
import dev.backfill.orchestrator.client.RefusedException;
import dev.backfill.orchestrator.client.StoppedException;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Has a standby not expected any more. */
@Command(
        name = "forget",
        description = {
            "Forgets a standby that is gone for good, so that no run waits for it.",
            "One that is still there is expected again. Exit code 2 when there is no such database, or no such standby is"
                    + " expected; 4 when the daemon or the database does not answer. With --json it prints nothing: there is no"
                    + " answer."
        },
        mixinStandardHelpOptions = true)
public final class ForgetCommand extends AdminCommand {

    /** Parts of a path that lead elsewhere. */
    private static final Set<String> NO_NAMES = Set.of("", ".", "..");

    @Parameters(
            index = "0",
            paramLabel = "DATABASE",
            description = "The database, by its name in the daemon's configuration.")
    @SuppressWarnings("NullAway.Init")
    private String database;

    @Parameters(index = "1", paramLabel = "STANDBY", description = "The standby's application_name.")
    @SuppressWarnings("NullAway.Init")
    private String standby;

    @Option(names = "--reason", paramLabel = "TEXT", description = "Why, for the audit log.")
    private Optional<String> reason = Optional.empty();

    @Override
    ExitCode ask(AdminClient client) throws RefusedException, StoppedException {
        client.delete(
                "/api/v1/databases/" + part(database) + "/standbys/" + part(standby),
                reason.map(why -> Map.of("reason", why)).orElse(Map.of()));
        if (!isJson()) {
            out().println("standby " + standby + " of database " + database + ": forgotten");
        }
        return ExitCode.DONE;
    }

    @Override
    String interrupted() {
        return " before the daemon answered; call again, which changes nothing when it was done";
    }

    private static String part(String name) throws RefusedException {
        if (NO_NAMES.contains(name)) {
            throw RefusedException.askedWrongly("nothing has the name `" + name + "`");
        }
        return AdminClient.encoded(name);
    }
}
