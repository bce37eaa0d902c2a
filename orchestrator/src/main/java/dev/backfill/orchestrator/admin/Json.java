package dev.backfill.orchestrator.admin;

import io.javalin.http.Context;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A JSON object that is being made; its members keep their order. Not safe for use by several threads. */
final class Json {

    private static final String TYPE = "application/json";
    private static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();

    private final Map<String, @Nullable Object> members = new LinkedHashMap<>();

    private Json() {}

    /** An object without members. */
    static Json empty() {
        return new Json();
    }

    /** An object with one member. */
    static Json of(String name, Object value) {
        return new Json().put(name, value);
    }

    /**
     * Adds a member.
     *
     * @param value text, number, boolean, instant, object, a list of these, or an {@code Optional}: null when empty
     */
    Json put(String name, Object value) {
        members.put(name, plain(value));
        return this;
    }

    /** Adds a member that is null. */
    Json putNull(String name) {
        members.put(name, null);
        return this;
    }

    /** Adds the members of another object. */
    Json putAll(Json other) {
        members.putAll(other.members);
        return this;
    }

    /** The object as text in UTF-8. */
    byte[] bytes() {
        return MAPPER.writeValueAsBytes(members);
    }

    /** The object as text on one line. */
    String text() {
        return MAPPER.writeValueAsString(members);
    }

    /** Answers a request with this object. */
    void answer(Context context) {
        answer(context, TYPE);
    }

    void answer(Context context, String type) {
        context.contentType(type).result(bytes());
    }

    /** A value that is JSON text already. */
    static Object value(String text) {
        return MAPPER.readTree(text);
    }

    /**
     * A member of an object that is JSON text already.
     *
     * @return empty when it has no such member
     */
    static Optional<Object> member(String text, String name) {
        return Optional.ofNullable(MAPPER.readTree(text).get(name));
    }

    /**
     * Reads an object all of whose members are texts.
     *
     * @throws IllegalArgumentException when it is anything else
     */
    static Map<String, String> texts(byte[] utf8) {
        JsonNode root = read(utf8);
        if (!root.isObject()) {
            throw new IllegalArgumentException("the body is not a JSON object");
        }
        Map<String, String> texts = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> member : root.properties()) {
            if (!member.getValue().isString()) {
                throw new IllegalArgumentException("`" + member.getKey() + "` is not a text");
            }
            texts.put(member.getKey(), member.getValue().asString());
        }
        return texts;
    }

    private static JsonNode read(byte[] utf8) {
        try {
            return MAPPER.readTree(StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(utf8))
                    .toString());
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException("the body is not UTF-8", e);
        } catch (JacksonException e) {
            String where = e.getLocation() == null
                    ? ""
                    : " at line " + e.getLocation().getLineNr() + ", column "
                            + e.getLocation().getColumnNr();
            throw new IllegalArgumentException("the body is not JSON" + where, e);
        }
    }

    private static @Nullable Object plain(Object value) {
        if (value instanceof Optional<?> optional) {
            return optional.isPresent() ? plain(optional.get()) : null;
        } else if (value instanceof Json object) {
            return object.members;
        } else if (value instanceof List<?> list) {
            return list.stream().map(Json::plain).toList();
        } else if (value instanceof Instant instant) {
            return instant.toString();
        } else if (value instanceof Enum<?> constant) {
            return constant.name();
        }
        return value;
    }
}
