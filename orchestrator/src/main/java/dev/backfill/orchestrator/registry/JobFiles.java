package dev.backfill.orchestrator.registry;

import dev.backfill.orchestrator.registry.LoadedJob.Place;
import dev.backfill.orchestrator.registry.YamlDocuments.Document;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.snakeyaml.engine.v2.scanner.StreamReader;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.cfg.JsonNodeFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads job files, in YAML or JSON, and finds everything that can be wrong in them without a database.
 *
 * <p>Reading never throws for what a file holds. Safe for use by several threads.
 */
public final class JobFiles {

    /** The most bytes that a job file may have. */
    public static final int MAX_BYTES = 1 << 20;

    /** The most problems that are shown of one file. */
    public static final int MAX_PROBLEMS = 100;

    private static final char BYTE_ORDER_MARK = '\uFEFF';
    private static final JsonMapper CANONICAL =
            JsonMapper.builder().enable(JsonNodeFeature.WRITE_PROPERTIES_SORTED).build();

    private final JobSchema schema = new JobSchema();
    private final Function<String, Optional<String>> cronProblem;

    /**
     * Makes a reader; it loads the schema once.
     *
     * @param cronProblem what is wrong with a cron expression, or nothing; never throws, safe for use by several threads
     */
    public JobFiles(Function<String, Optional<String>> cronProblem) {
        this.cronProblem = cronProblem;
    }

    /**
     * What is in a file.
     *
     * @param jobs the jobs that have no problem of their own, in the file's order
     * @param problems every problem of the file, in its order; a file with any should not be used
     */
    public record Content(List<LoadedJob> jobs, List<Problem> problems) {
        /** Copies the lists. */
        public Content {
            jobs = List.copyOf(jobs);
            problems = List.copyOf(problems);
        }
    }

    /**
     * Reads a file.
     *
     * @param file its name as it is shown to people
     * @param bytes its content, one or more documents in UTF-8
     * @return its jobs and its problems
     */
    public Content read(String file, byte[] bytes) {
        if (bytes.length > MAX_BYTES) {
            String message = "the file has " + bytes.length + " bytes, and a job file may have " + MAX_BYTES;
            return refused(file, new Place(1, 1), message, "");
        }
        CharBuffer text = CharBuffer.allocate(bytes.length);
        CharsetDecoder decoder = StandardCharsets.UTF_8
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT);
        CoderResult result = decoder.decode(ByteBuffer.wrap(bytes), text, true);
        String decoded = text.flip().toString();
        if (result.isError()) {
            return refused(
                    file, end(decoded), "the file is not UTF-8: a byte here fits no character", "save it as UTF-8");
        }
        return read(file, decoded.indexOf(BYTE_ORDER_MARK) == 0 ? decoded.substring(1) : decoded);
    }

    private Content read(String file, String text) {
        for (int i = 0; i < text.length(); i += Character.charCount(text.codePointAt(i))) {
            int character = text.codePointAt(i);
            if (!StreamReader.isPrintable(character)) {
                String message = "the character U+%04X is not allowed in YAML".formatted(character);
                return refused(file, end(text.substring(0, i)), message, "");
            }
        }
        YamlDocuments.Content yaml = YamlDocuments.read(file, text);
        if (yaml.documents().isEmpty() && yaml.problems().isEmpty()) {
            return refused(file, new Place(1, 1), "no job in this file", "");
        }
        List<LoadedJob> jobs = new ArrayList<>();
        List<Problem> problems = new ArrayList<>(yaml.problems());
        yaml.documents().forEach(document -> load(document, jobs, problems));
        problems.addAll(duplicates(yaml.documents()));
        return new Content(jobs, shown(problems));
    }

    private void load(Document document, List<LoadedJob> jobs, List<Problem> problems) {
        JsonNode root = JobMapping.withTexts(document.root());
        List<Problem> found = new ArrayList<>(schema.problems(document));
        found.addAll(JobRules.problems(document.root(), root, document.locations()));
        found.addAll(ScheduleRules.problems(root, document.locations(), cronProblem));
        problems.addAll(found);
        if (found.isEmpty() && document.spoiled().isEmpty()) {
            String canonical = CANONICAL.writeValueAsString(root);
            jobs.add(new LoadedJob(JobMapping.definition(root), canonical, checksum(canonical), document.locations()));
        }
    }

    private static List<Problem> duplicates(List<Document> documents) {
        Map<String, Place> first = new HashMap<>();
        List<Problem> problems = new ArrayList<>();
        for (Document document : documents) {
            String name = document.root().path("job").asString("");
            Place place = document.locations().place("/job");
            Place before = name.isEmpty() ? null : first.putIfAbsent(name, place);
            if (before != null) {
                String hint = "the first is at " + before.line() + ":" + before.column();
                problems.add(document.locations().problem("/job", "two jobs of this name: " + name, hint));
            }
        }
        return problems;
    }

    private static List<Problem> shown(List<Problem> problems) {
        List<Problem> sorted = problems.stream().sorted().distinct().toList();
        if (sorted.size() <= MAX_PROBLEMS) {
            return sorted;
        }
        List<Problem> cut = new ArrayList<>(sorted.subList(0, MAX_PROBLEMS));
        Problem next = sorted.get(MAX_PROBLEMS);
        String message = "and " + (sorted.size() - MAX_PROBLEMS) + " more problems from here on";
        cut.add(new Problem(next.file(), next.line(), next.column(), message, ""));
        return cut;
    }

    private static String checksum(String canonical) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            return HexFormat.of().formatHex(digest.digest(canonical.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    private static Content refused(String file, Place at, String message, String hint) {
        return new Content(List.of(), List.of(new Problem(file, at.line(), at.column(), message, hint)));
    }

    private static Place end(String text) {
        String[] lines = text.split("\r\n|\r|\n", -1);
        String last = lines[lines.length - 1];
        return new Place(lines.length, last.codePointCount(0, last.length()) + 1);
    }
}
