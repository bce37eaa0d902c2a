package dev.backfill.orchestrator.admin;

import dev.backfill.orchestrator.access.Admission;
import dev.backfill.orchestrator.access.Attempts;
import dev.backfill.orchestrator.access.Caller;
import dev.backfill.orchestrator.access.Gate;
import dev.backfill.orchestrator.access.Role;
import dev.backfill.orchestrator.config.DaemonSettings;
import dev.backfill.orchestrator.timing.Timing;
import io.javalin.http.Context;
import io.javalin.security.RouteRole;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Lets requests in, or says why not, and remembers who is asking. Safe for use by several threads. */
final class Door {

    /** What a route needs. A route that says nothing is served to nobody. */
    enum Needs implements RouteRole {
        /** Nothing: files of the page, which hold no data. */
        NOTHING(Optional.empty()),
        /** What may look, unless probes are open to everybody. */
        PROBE(Optional.of(Role.VIEWER)),
        VIEWER(Optional.of(Role.VIEWER)),
        OPERATOR(Optional.of(Role.OPERATOR)),
        ADMIN(Optional.of(Role.ADMIN));

        private final Optional<Role> role;

        Needs(Optional<Role> role) {
            this.role = role;
        }
    }

    private static final Logger LOG = LoggerFactory.getLogger(Door.class);
    private static final String CALLER = "caller";
    private static final Pattern BEARER = Pattern.compile("bearer +([!-~]{1,1000}) *", Pattern.CASE_INSENSITIVE);

    private final Admission admission;
    private final Gate gate;
    private final Attempts attempts;

    /** By these settings. */
    Door(DaemonSettings.Admin settings, Timing timing) {
        List<String> names = new ArrayList<>(settings.allowedHosts());
        names.add(settings.host().contains(":") ? "[" + settings.host() + "]" : settings.host());
        this.gate = new Gate(names);
        this.admission = settings.admission();
        this.attempts = new Attempts(timing::nanos);
    }

    /** Who is asking, as the audit log names it. */
    static String who(Context context) {
        Caller caller = context.attribute(CALLER);
        return (caller == null ? "anonymous" : caller.name()) + " at " + context.ip();
    }

    /** Looks where any request comes from, whatever it asks for. */
    void lookAt(Context context) {
        String method = context.method().name();
        gate.refusal(method, context::header).ifPresent(why -> {
            throw HttpProblem.forbidden(why);
        });
        if (Gate.changes(method)) {
            Gate.wrongType(context::header).ifPresent(why -> {
                throw HttpProblem.wrongType(why);
            });
        }
    }

    /** Lets a request in to the route that it is for. */
    void letIn(Context context) {
        Needs needs = context.routeRoles().stream()
                .filter(Needs.class::isInstance)
                .map(Needs.class::cast)
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("the route does not say what it needs"));
        if (needs.role.isEmpty() || (needs == Needs.PROBE && admission.openProbes())) {
            return;
        }
        Optional<Caller> caller = caller(context);
        caller.ifPresent(known -> context.attribute(CALLER, known));
        Optional<Role> has = caller.map(Caller::role).or(admission::anonymous);
        Role needed = needs.role.get();
        if (has.isEmpty()) {
            throw HttpProblem.unauthorized("this needs a token; send it as `Authorization: Bearer ...`");
        } else if (!has.get().allows(needed)) {
            throw tooLittle(caller, has.get(), needed);
        }
    }

    private static HttpProblem tooLittle(Optional<Caller> caller, Role has, Role needed) {
        String detail = "this needs the role " + needed.word() + ", and "
                + caller.map(Caller::name).orElse("who sends no token") + " has the role " + has.word();
        return caller.isPresent() ? HttpProblem.forbidden(detail) : HttpProblem.unauthorized(detail);
    }

    /** Whose token was sent. While nobody has one, none is looked at. */
    private Optional<Caller> caller(Context context) {
        List<String> sent = Collections.list(context.req().getHeaders("Authorization"));
        if (sent.isEmpty() || admission.tokens().isEmpty()) {
            return Optional.empty();
        }
        Matcher bearer = BEARER.matcher(sent.get(0));
        Optional<Caller> owner =
                sent.size() == 1 && bearer.matches() ? admission.tokens().owner(bearer.group(1)) : Optional.empty();
        if (owner.isEmpty()) {
            throw failed(context);
        }
        return owner;
    }

    private HttpProblem failed(Context context) {
        Attempts.Outcome outcome = attempts.failed(context.ip());
        if (outcome.counted()) {
            LOG.atWarn()
                    .addKeyValue("from", context.ip())
                    .addKeyValue("method", context.method())
                    .addKeyValue("path", context.path())
                    .log("admin call with a token that is not known");
        }
        return outcome.toWait().isZero()
                ? HttpProblem.unauthorized("the token is not known here; it may have been withdrawn")
                : HttpProblem.tooManyFailures(outcome.toWait());
    }
}
