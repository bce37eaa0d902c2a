package dev.backfill.orchestrator.registry;

import dev.backfill.orchestrator.registry.LoadedJob.Locations;
import dev.backfill.orchestrator.registry.LoadedJob.Place;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Parse;
import org.snakeyaml.engine.v2.events.AliasEvent;
import org.snakeyaml.engine.v2.events.CollectionEndEvent;
import org.snakeyaml.engine.v2.events.CollectionStartEvent;
import org.snakeyaml.engine.v2.events.DocumentStartEvent;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.events.MappingStartEvent;
import org.snakeyaml.engine.v2.events.NodeEvent;
import org.snakeyaml.engine.v2.events.ScalarEvent;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlVersionException;
import org.snakeyaml.engine.v2.nodes.Tag;
import org.snakeyaml.engine.v2.resolver.CoreScalarResolver;
import org.snakeyaml.engine.v2.scanner.StreamReader;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Reads YAML 1.2 as JSON trees that know where everything stood; one instance a file.
 *
 * <p>It goes through the parser's events and never builds YAML's own graph, so an alias costs nothing, and it follows
 * no deeper than {@link #MAX_DEPTH}.
 */
final class YamlDocuments {

    /** How deep values may be nested; a job needs 4. */
    static final int MAX_DEPTH = 16;

    private static final int MAX_DIGITS = 100;
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
    private static final CoreScalarResolver TAGS = new CoreScalarResolver(false);
    private static final String PLAIN = "write the value itself in each place";

    private final String file;
    private final Iterator<Event> events;
    private final List<Document> documents = new ArrayList<>();
    private final List<Problem> problems = new ArrayList<>();
    private final Map<String, Place> keys = new HashMap<>();
    private final Map<String, Place> values = new HashMap<>();
    private final Set<String> spoiled = new HashSet<>();

    /**
     * A document of a file.
     *
     * @param root its content
     * @param locations where everything stands
     * @param spoiled pointers of values that were refused while reading, and stand in the tree as null
     */
    record Document(JsonNode root, Locations locations, Set<String> spoiled) {}

    /**
     * All of a file.
     *
     * @param documents those that could be read, without the empty ones
     * @param problems what YAML itself, or our use of it, does not allow
     */
    record Content(List<Document> documents, List<Problem> problems) {}

    private YamlDocuments(String file, String text) {
        this.file = file;
        LoadSettings settings = LoadSettings.builder().setLabel(file).build();
        this.events = new Parse(settings).parseString(text).iterator();
    }

    /**
     * Reads a file.
     *
     * @param file its name
     * @param text its content, of printable characters only
     * @return the documents before the first syntax error, and every problem up to there
     */
    static Content read(String file, String text) {
        YamlDocuments reader = new YamlDocuments(file, text);
        reader.read();
        return new Content(reader.documents, reader.problems);
    }

    private void read() {
        try {
            while (events.hasNext()) {
                if (events.next() instanceof DocumentStartEvent) {
                    document();
                }
            }
        } catch (MarkedYamlEngineException e) {
            syntaxError(e);
        } catch (YamlVersionException e) {
            problems.add(new Problem(file, 1, 1, "this version of YAML is not known: " + e.getMessage(), ""));
        } catch (YamlEngineException e) {
            problems.add(new Problem(file, 1, 1, "not valid YAML: " + e.getMessage(), ""));
        } catch (TooDeepException e) {
            add(e.place, "values are nested more than " + MAX_DEPTH + " deep", "");
        }
    }

    private void syntaxError(MarkedYamlEngineException e) {
        Place at = e.getProblemMark().map(YamlDocuments::place).orElse(new Place(1, 1));
        String context = Optional.ofNullable(e.getContext()).map(c -> c + ", ").orElse("");
        String hint = e.getContextMark()
                .map(YamlDocuments::place)
                .filter(began -> !began.equals(at))
                .map(began -> "that began at " + began.line() + ":" + began.column())
                .orElse("");
        add(at, "not valid YAML: " + (context + e.getProblem()).strip(), hint);
    }

    private void document() {
        keys.clear();
        values.clear();
        spoiled.clear();
        JsonNode root = node("", events.next(), 0);
        if (!root.isNull() || spoiled.contains("")) {
            documents.add(new Document(root, new Locations(file, keys, values), Set.copyOf(spoiled)));
        }
    }

    private JsonNode node(String pointer, Event event, int depth) {
        Place at = place(event);
        values.put(pointer, at);
        if (depth > MAX_DEPTH) {
            throw new TooDeepException(at);
        }
        if (event instanceof AliasEvent alias) {
            add(at, "aliases are not allowed: *" + alias.getAlias(), PLAIN);
            spoiled.add(pointer);
            return NODES.nullNode();
        }
        if (event instanceof NodeEvent node) {
            node.getAnchor().ifPresent(anchor -> add(at, "anchors are not allowed: &" + anchor, PLAIN));
        }
        if (event instanceof ScalarEvent scalar) {
            return scalar(pointer, scalar);
        }
        CollectionStartEvent collection = (CollectionStartEvent) event;
        collection.getTag().ifPresent(tag -> tagged(pointer, at, tag));
        return event instanceof MappingStartEvent ? mapping(pointer, depth) : sequence(pointer, depth);
    }

    private ObjectNode mapping(String pointer, int depth) {
        ObjectNode object = NODES.objectNode();
        for (Event event = events.next(); !(event instanceof CollectionEndEvent); event = events.next()) {
            Optional<String> key = key(event);
            if (key.isEmpty()) {
                skip(events.next());
                continue;
            }
            String child = Locations.pointer(pointer, key.get());
            Place first = keys.putIfAbsent(child, place(event));
            if (first == null) {
                object.set(key.get(), node(child, events.next(), depth + 1));
            } else {
                add(
                        place(event),
                        "`" + key.get() + "` stands here twice",
                        "the first is at " + first.line() + ":" + first.column());
                skip(events.next());
            }
        }
        return object;
    }

    private ArrayNode sequence(String pointer, int depth) {
        ArrayNode array = NODES.arrayNode();
        for (Event event = events.next(); !(event instanceof CollectionEndEvent); event = events.next()) {
            array.add(node(pointer + "/" + array.size(), event, depth + 1));
        }
        return array;
    }

    private Optional<String> key(Event event) {
        if (event instanceof ScalarEvent scalar) {
            if (scalar.getAnchor().isPresent() || scalar.getTag().isPresent()) {
                add(place(event), "anchors and tags are not allowed", "");
            } else if (TAGS.resolve(scalar.getValue(), scalar.isPlain()).equals(Tag.STR)) {
                return Optional.of(scalar.getValue());
            } else {
                add(place(event), "a key must be text: " + shorten(scalar.getValue()), "put it in quotes");
            }
            return Optional.empty();
        }
        add(place(event), "a key must be text", "");
        skip(event);
        return Optional.empty();
    }

    /** Goes past a node whose first event was taken already. */
    private void skip(Event first) {
        Event event = first;
        int depth = 0;
        while (true) {
            if (event instanceof CollectionStartEvent) {
                depth++;
            } else if (event instanceof CollectionEndEvent) {
                depth--;
            }
            if (depth > MAX_DEPTH) {
                throw new TooDeepException(place(event));
            }
            if (depth == 0) {
                return;
            }
            event = events.next();
        }
    }

    private JsonNode scalar(String pointer, ScalarEvent scalar) {
        String value = scalar.getValue();
        if (scalar.getTag().isPresent()) {
            return tagged(pointer, place(scalar), scalar.getTag().get());
        }
        if (!value.codePoints().allMatch(c -> c > 0 && (c <= '~' || StreamReader.isPrintable(c)))) {
            add(place(scalar), "a text holds a character that PostgreSQL cannot store", "");
            spoiled.add(pointer);
            return NODES.nullNode();
        }
        Tag tag = TAGS.resolve(value, scalar.isPlain());
        if (tag.equals(Tag.NULL)) {
            return NODES.nullNode();
        } else if (tag.equals(Tag.BOOL)) {
            return NODES.booleanNode(value.equalsIgnoreCase("true"));
        } else if (tag.equals(Tag.INT) && value.length() <= MAX_DIGITS) {
            return integer(value);
        } else if (tag.equals(Tag.FLOAT) && value.length() <= MAX_DIGITS && value.matches("[-+]?[0-9]+\\.[0-9]+")) {
            return NODES.numberNode(new BigDecimal(value));
        }
        return NODES.stringNode(value);
    }

    private static JsonNode integer(String text) {
        BigInteger value;
        if (text.startsWith("0x")) {
            value = new BigInteger(text.substring(2), 16);
        } else if (text.startsWith("0o")) {
            value = new BigInteger(text.substring(2), 8);
        } else {
            value = new BigInteger(text);
        }
        return value.bitLength() < Long.SIZE ? NODES.numberNode(value.longValue()) : NODES.numberNode(value);
    }

    private JsonNode tagged(String pointer, Place at, String tag) {
        String written = tag.startsWith(Tag.PREFIX) ? "!!" + tag.substring(Tag.PREFIX.length()) : tag;
        add(
                at,
                "tags are not allowed: " + shorten(written),
                "leave it away; text that looks like a number goes in quotes");
        spoiled.add(pointer);
        return NODES.nullNode();
    }

    private void add(Place at, String message, String hint) {
        problems.add(new Problem(file, at.line(), at.column(), message, hint));
    }

    private static Place place(Event event) {
        return event.getStartMark().map(YamlDocuments::place).orElse(new Place(1, 1));
    }

    private static Place place(Mark mark) {
        return new Place(mark.getLine() + 1, mark.getColumn() + 1);
    }

    private static String shorten(String text) {
        return text.length() <= 40 ? text : text.substring(0, 40) + "...";
    }

    /** Ends the reading of a file that is nested too deep. */
    private static final class TooDeepException extends RuntimeException {
        private static final long serialVersionUID = 1L;
        private final transient Place place;

        TooDeepException(Place place) {
            super(null, null, false, false);
            this.place = place;
        }
    }
}
