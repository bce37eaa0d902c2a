package dev.backfill.orchestrator.config;

import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigValueFactory;
import dev.backfill.api.Pacing.SignalRule;
import dev.backfill.orchestrator.policy.Outside;
import dev.backfill.orchestrator.policy.Policy;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What runs in a database give way to, and what becomes of it when a job says otherwise. Immutable. */
public final class ThrottleSettings {

    private static final String FILE = "throttle";

    private final Section throttle;
    private final List<String> standbys;
    private final int cores;
    private final Policy policy;
    private final Outside outside;

    ThrottleSettings(Section throttle, List<String> standbys, int cores, Policy policy, Outside outside) {
        this.throttle = throttle;
        this.standbys = List.copyOf(standbys);
        this.cores = cores;
        this.policy = policy;
        this.outside = outside;
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
     * The signals that are defined by names.
     *
     * @return those that are off, too: a job may turn them on
     */
    public Outside outside() {
        return outside;
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
        Problems problems = new Problems();
        Section own = Section.root((ConfigObject) ConfigValueFactory.fromAnyRef(said, FILE), problems);
        ThrottleReader.allowJob(own, OutsideReader.names(throttle));
        Policy adjusted = policy;
        if (problems.isEmpty()) {
            adjusted = ThrottleReader.policy(own.orElse(throttle.into(problems)), standbys, cores, true);
        }
        Map<String, List<String>> wrong = new TreeMap<>();
        for (String problem : problems.messages()) {
            wrong.computeIfAbsent(about(problem, said.keySet()), signal -> new ArrayList<>())
                    .add(problem);
        }
        return new Adjusted(wrong.isEmpty() ? adjusted : policy, wrong);
    }

    /** The signal that a problem names; the longest, if there are several. */
    private static String about(String problem, Set<String> signals) {
        return signals.stream()
                .filter(problem::contains)
                .max(Comparator.comparingInt(String::length))
                .orElseGet(() -> signals.iterator().next());
    }

    private static Object said(String signal, SignalRule rule) {
        boolean braces = !rule.limits().isEmpty() || ThrottleReader.IN_BRACES.contains(signal);
        return !rule.on() ? "off" : braces ? new TreeMap<>(rule.limits()) : "on";
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof ThrottleSettings that
                && policy.equals(that.policy)
                && outside.equals(that.outside)
                && standbys.equals(that.standbys)
                && cores == that.cores;
    }

    @Override
    public int hashCode() {
        return Objects.hash(policy, outside, standbys, cores);
    }
}
