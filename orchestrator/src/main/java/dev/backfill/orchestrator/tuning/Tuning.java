package dev.backfill.orchestrator.tuning;

import dev.backfill.orchestrator.registry.JobFiles;
import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.registry.Problem;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Lays what was tuned over a job. Pure; safe for use by several threads. */
public final class Tuning {

    /** The sections of a job file that can be tuned. */
    public static final List<String> SECTIONS = List.of("batch", "parallelism", "weight", "throttle");

    private final JobFiles files;

    /**
     * Over what reads job files.
     *
     * @param files checks what comes out, like any job file
     */
    public Tuning(JobFiles files) {
        this.files = files;
    }

    /**
     * What comes of a change.
     *
     * @param sections the sections as the run goes by them then, as JSON; empty when there are problems
     * @param job the job as it goes then; empty when there are problems
     * @param problems what is wrong, in a line each
     */
    public record Tuned(Optional<String> sections, Optional<LoadedJob> job, List<String> problems) {
        /** Copies the list. */
        public Tuned {
            problems = List.copyOf(problems);
        }
    }

    /**
     * The job as a run goes by it.
     *
     * @param job as it was registered
     * @param tuning the sections as they are written down; empty for the job's own
     * @return the job; empty when this version of the program cannot read it
     */
    public Optional<LoadedJob> of(LoadedJob job, Optional<String> tuning) {
        if (tuning.isEmpty()) {
            return Optional.of(job);
        }
        return read(laidOver(job, JsonMapper.shared().readTree(tuning.get()))).job();
    }

    /**
     * Changes how a run goes. A section that is null goes back to what the job says, a key of one to its default.
     *
     * @param job as it was registered
     * @param tuning the sections as they are written down so far; empty for the job's own
     * @param change the sections, or keys of them, that are to be otherwise, as JSON
     * @return the sections then
     */
    public Tuned change(LoadedJob job, Optional<String> tuning, String change) {
        JsonNode wanted;
        try {
            wanted = JsonMapper.shared().readTree(change);
        } catch (JacksonException e) {
            return refused("the change is no JSON");
        }
        if (!wanted.isObject() || wanted.isEmpty()) {
            return refused("a change is an object of the sections " + String.join(", ", SECTIONS));
        }
        List<String> unknown = wanted.propertyStream()
                .map(e -> e.getKey())
                .filter(key -> !SECTIONS.contains(key))
                .toList();
        if (!unknown.isEmpty()) {
            return refused("`" + String.join("`, `", unknown) + "` cannot be tuned; the sections that can are "
                    + String.join(", ", SECTIONS));
        }
        ObjectNode document = tuning.map(
                        written -> laidOver(job, JsonMapper.shared().readTree(written)))
                .orElseGet(() -> parsed(job));
        ObjectNode own = parsed(job);
        for (String section : SECTIONS) {
            if (wanted.path(section).isNull() && own.has(section)) {
                document.set(section, own.get(section));
                ((ObjectNode) wanted).remove(section);
            }
        }
        merge(document, wanted);
        return read(document);
    }

    private static Tuned refused(String why) {
        return new Tuned(Optional.empty(), Optional.empty(), List.of(why));
    }

    private Tuned read(ObjectNode document) {
        JobFiles.Content content = files.read("tuning", document.toString().getBytes(StandardCharsets.UTF_8));
        if (!content.problems().isEmpty()) {
            List<String> problems =
                    content.problems().stream().map(Tuning::said).toList();
            return new Tuned(Optional.empty(), Optional.empty(), problems);
        }
        ObjectNode sections = JsonMapper.shared().createObjectNode();
        for (String section : SECTIONS) {
            if (document.has(section)) {
                sections.set(section, document.get(section));
            }
        }
        return new Tuned(
                Optional.of(sections.toString()), Optional.of(content.jobs().get(0)), List.of());
    }

    /** A problem without its place, for there is no file. */
    static String said(Problem problem) {
        return problem.message() + (problem.hint().isEmpty() ? "" : " (" + problem.hint() + ")");
    }

    private static ObjectNode parsed(LoadedJob job) {
        return (ObjectNode) JsonMapper.shared().readTree(job.canonical());
    }

    private static ObjectNode laidOver(LoadedJob job, JsonNode sections) {
        ObjectNode document = parsed(job);
        SECTIONS.forEach(document::remove);
        sections.properties().forEach(section -> document.set(section.getKey(), section.getValue()));
        return document;
    }

    /** As RFC 7396, JSON Merge Patch, has it. */
    private static void merge(ObjectNode target, JsonNode change) {
        change.properties().forEach(entry -> {
            JsonNode value = entry.getValue();
            if (value.isNull()) {
                target.remove(entry.getKey());
            } else if (value.isObject()) {
                ObjectNode merged = target.get(entry.getKey()) instanceof ObjectNode object
                        ? object
                        : JsonMapper.shared().createObjectNode();
                merge(merged, value);
                if (!merged.isEmpty() || target.has(entry.getKey()) || value.isEmpty()) {
                    target.set(entry.getKey(), merged);
                }
            } else {
                target.set(entry.getKey(), value);
            }
        });
    }
}
