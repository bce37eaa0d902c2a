package dev.backfill.orchestrator.config;

import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigObject;
import dev.backfill.api.Pacing.SignalRule;
import dev.backfill.orchestrator.policy.Policy;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What runs in a database give way to, and what becomes of it when a job says otherwise. Immutable. */
public final class ThrottleSettings {

    private static final String FILE = "throttle";

    private final Section throttle;
    private final List<String> standbys;
    private final int cores;
    private final Policy policy;

    ThrottleSettings(Section throttle, List<String> standbys, int cores, Policy policy) {
        this.throttle = throttle;
        this.standbys = List.copyOf(standbys);
        this.cores = cores;
        this.policy = policy;
    }

    /**
     * What a run gives way to, or why a job cannot say that.
     *
     * @param policy what it gives way to; the database's own when there are problems
     * @param problems what is wrong, in a line each, by the words of signals
     */
    public record Adjusted(Policy policy, Map<String, List<String>> problems) {}

    /**
     * What runs in the database give way to when their jobs say nothing.
     *
     * @return as the configuration has it
     */
    public Policy policy() {
        return policy;
    }

    /**
     * What runs of a job give way to.
     *
     * @param rules what the job says, by the words of signals
     * @return the database's policy, with what the job says in its place
     */
    public Adjusted with(Map<String, SignalRule> rules) {
        if (rules.isEmpty()) {
            return new Adjusted(policy, Map.of());
        }
        Map<String, Object> said = new TreeMap<>();
        rules.forEach((signal, rule) -> said.put(signal, said(signal, rule)));
        ConfigObject values = ConfigFactory.parseMap(said, FILE).root();
        Map<String, List<String>> wrong = new TreeMap<>();
        for (String signal : said.keySet()) {
            Problems problems = new Problems();
            ThrottleReader.allow(Section.root(values.withOnlyKey(signal), problems));
            if (problems.isEmpty()) {
                ThrottleReader.policy(over(values.withOnlyKey(signal), problems), standbys, cores, true);
            }
            if (!problems.isEmpty()) {
                wrong.put(signal, problems.messages());
            }
        }
        return new Adjusted(
                wrong.isEmpty() ? ThrottleReader.policy(over(values, new Problems()), standbys, cores, true) : policy,
                wrong);
    }

    private static Object said(String signal, SignalRule rule) {
        boolean braces = !rule.limits().isEmpty() || ThrottleReader.IN_BRACES.contains(signal);
        return !rule.on() ? "off" : braces ? new TreeMap<>(rule.limits()) : "on";
    }

    private Section over(ConfigObject values, Problems problems) {
        return Section.root(values, problems).orElse(throttle.into(problems));
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof ThrottleSettings that
                && policy.equals(that.policy)
                && standbys.equals(that.standbys)
                && cores == that.cores;
    }

    @Override
    public int hashCode() {
        return Objects.hash(policy, standbys, cores);
    }
}
