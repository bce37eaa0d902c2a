package dev.backfill.orchestrator.config;

import static java.util.Objects.requireNonNull;

import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigList;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigUtil;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueType;
import dev.backfill.orchestrator.words.Spelling;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;

/**
 * Settings that stand in braces together, each taken from the first of several layers that has it. A value that does not
 * fit becomes a problem, named by the layer that it stands in, and reading goes on.
 */
final class Section {

    private static final Set<ConfigValueType> SCALARS =
            EnumSet.of(ConfigValueType.STRING, ConfigValueType.NUMBER, ConfigValueType.BOOLEAN);

    /** Settings that stand in braces together, in one place. */
    private record Layer(String path, ConfigObject values) {
        String path(String key) {
            String quoted = ConfigUtil.joinPath(key);
            return path.isEmpty() ? quoted : path + "." + quoted;
        }
    }

    /** A value and what it is called. */
    private record Setting(String path, ConfigValue value) {}

    private final List<Layer> layers;
    private final Problems problems;

    private Section(List<Layer> layers, Problems problems) {
        this.layers = layers;
        this.problems = problems;
    }

    /** The outermost settings. */
    static Section root(ConfigObject values, Problems problems) {
        return new Section(List.of(new Layer("", values)), problems);
    }

    /** This one, and where it says nothing, another. */
    Section orElse(Section other) {
        return new Section(Stream.concat(layers.stream(), other.layers.stream()).toList(), problems);
    }

    /** With problems that are gathered elsewhere, and named from here on. */
    Section into(Problems others) {
        return new Section(
                layers.stream().map(layer -> new Layer("", layer.values())).toList(), others);
    }

    /** Whether there is something else than null. */
    boolean has(String key) {
        return layers.stream()
                .flatMap(layer -> Stream.ofNullable(layer.values().get(key)))
                .findFirst()
                .filter(value -> !isResolved(value) || value.valueType() != ConfigValueType.NULL)
                .isPresent();
    }

    /** Whether it is one of these words; what else is there is no problem. */
    boolean says(String key, Set<String> words) {
        return first(key)
                .filter(setting -> SCALARS.contains(setting.value().valueType()))
                .filter(setting -> words.contains(text(setting)))
                .isPresent();
    }

    /** The settings in braces behind a key; without any when there are no braces. */
    Section section(String key) {
        layers.forEach(layer -> setting(layer, key)
                .filter(setting -> !(setting.value() instanceof ConfigObject))
                .ifPresent(setting -> mustBe(setting, "settings in braces")));
        return braces(key);
    }

    /** The same of what may also be a value. */
    Section braces(String key) {
        List<Layer> inner = new ArrayList<>();
        layers.forEach(layer -> setting(layer, key).ifPresent(setting -> {
            if (setting.value() instanceof ConfigObject values) {
                inner.add(new Layer(setting.path(), values));
            }
        }));
        return new Section(inner, problems);
    }

    /** The keys in the order of the alphabet. */
    Set<String> keys() {
        Set<String> keys = new TreeSet<>();
        layers.forEach(layer -> keys.addAll(layer.values().keySet()));
        return keys;
    }

    /** Makes every other key a problem. */
    void allow(Set<String> known) {
        for (Layer layer : layers) {
            for (String key : layer.values().keySet()) {
                if (!known.contains(key)) {
                    ConfigValue value = layer.values().get(key);
                    problems.add(value.origin(), "unknown key " + layer.path(key) + Spelling.hint(key, known));
                }
            }
        }
    }

    /** Adds what is wrong with a key, or when it is not there, with the section that lacks it. */
    void problem(String key, String text) {
        layers.stream()
                .filter(layer -> layer.values().containsKey(key))
                .findFirst()
                .or(() -> layers.stream().findFirst())
                .ifPresent(layer -> problems.add(
                        layer.values().getOrDefault(key, layer.values()).origin(), layer.path(key) + " " + text));
    }

    /** A text; empty when there is none, when it has no letters, or when it is null. */
    Optional<String> text(String key) {
        return first(key)
                .filter(setting -> setting.value().valueType() != ConfigValueType.NULL)
                .filter(setting -> isScalar(setting, "text"))
                .map(Section::text)
                .filter(text -> !text.isEmpty());
    }

    /** A text that must be there; what stands for it after a problem is empty. */
    String requiredText(String key) {
        Optional<Setting> setting = scalar(key, "text");
        if (setting.map(Section::text).filter(String::isEmpty).isPresent()) {
            problem(key, "must not be empty");
        }
        return setting.map(Section::text).orElse("");
    }

    /** Texts in brackets. */
    List<String> texts(String key) {
        List<String> texts = new ArrayList<>();
        first(key).ifPresent(setting -> {
            if (setting.value() instanceof ConfigList list) {
                list.stream()
                        .map(element -> new Setting("an element of " + setting.path(), element))
                        .filter(element -> isUsable(element) && isScalar(element, "text"))
                        .map(Section::text)
                        .forEach(texts::add);
            } else {
                mustBe(setting, "a list in brackets");
            }
        });
        return texts;
    }

    /** A whole number; the smallest that is allowed, after a problem. */
    int number(String key, int smallest, int largest) {
        String what = "a whole number from %d to %d".formatted(smallest, largest);
        return parsed(key, what, setting -> {
                    int number = Integer.parseInt(text(setting).strip());
                    return checked(number, number >= smallest && number <= largest);
                })
                .orElse(smallest);
    }

    /** A quantity; empty when there is none, and after a problem. */
    Optional<Double> quantity(String key, String what, ToDoubleFunction<ConfigValue> reader) {
        return parsed(key, what, setting -> {
            double quantity = reader.applyAsDouble(setting.value());
            return checked(quantity, quantity >= 0 && quantity < Double.MAX_VALUE);
        });
    }

    /** A duration; the shortest that is allowed, after a problem. */
    Duration duration(String key, Duration shortest, Duration longest) {
        String what = "a duration from %s to %s, with its unit".formatted(display(shortest), display(longest));
        return parsed(key, what, setting -> {
                    Duration duration = setting.value().atKey("value").getDuration("value");
                    return checked(duration, duration.compareTo(shortest) >= 0 && duration.compareTo(longest) <= 0);
                })
                .orElse(shortest);
    }

    /** Whether settings in braces stand there, and not a value. */
    boolean isObject(String key) {
        return first(key)
                .filter(setting -> setting.value() instanceof ConfigObject)
                .isPresent();
    }

    /** Whether it is the first of two words; false after a problem. HOCON's true and false are its on and off. */
    boolean isFirst(String key, String yes, String no) {
        return parsed(key, "\"%s\" or \"%s\"".formatted(yes, no), setting -> {
                    String word = text(setting);
                    boolean first = word.equals(yes) || (yes.equals("on") && word.equals("true"));
                    return checked(first, first || word.equals(no) || (no.equals("off") && word.equals("false")));
                })
                .orElse(false);
    }

    private static <T> T checked(T value, boolean fits) {
        if (!fits) {
            throw new IllegalArgumentException("not allowed: " + value);
        }
        return value;
    }

    private <T> Optional<T> parsed(String key, String what, Function<Setting, T> parser) {
        return scalar(key, what).flatMap(setting -> {
            try {
                return Optional.of(parser.apply(setting));
            } catch (IllegalArgumentException | ConfigException e) {
                String is = text(setting).isEmpty() ? "empty" : text(setting);
                problems.add(setting.value().origin(), setting.path() + " must be " + what + ", not " + is);
                return Optional.empty();
            }
        });
    }

    private Optional<Setting> scalar(String key, String what) {
        return first(key).filter(setting -> isScalar(setting, what));
    }

    private boolean isScalar(Setting setting, String what) {
        boolean scalar = SCALARS.contains(setting.value().valueType());
        if (!scalar) {
            mustBe(setting, what);
        }
        return scalar;
    }

    private Optional<Setting> first(String key) {
        return layers.stream()
                .filter(layer -> layer.values().containsKey(key))
                .findFirst()
                .flatMap(layer -> setting(layer, key));
    }

    private Optional<Setting> setting(Layer layer, String key) {
        return Optional.ofNullable(layer.values().get(key))
                .map(value -> new Setting(layer.path(key), value))
                .filter(this::isUsable);
    }

    private boolean isUsable(Setting setting) {
        boolean resolved = isResolved(setting.value());
        if (!resolved) {
            String text = " has a ${NAME} that stands for nothing: neither a key nor a variable of the environment";
            problems.add(setting.value().origin(), setting.path() + text);
        }
        return resolved;
    }

    /** Of settings in braces: whether their keys are known, which is more than their type. */
    private static boolean isResolved(ConfigValue value) {
        try {
            if (value.valueType() == ConfigValueType.OBJECT) {
                requireNonNull(((ConfigObject) value).keySet());
            }
            return true;
        } catch (ConfigException.NotResolved e) {
            return false;
        }
    }

    /** Says what is there instead, but not its text: that may be a password. */
    private void mustBe(Setting setting, String what) {
        String is = switch (setting.value().valueType()) {
            case OBJECT -> "settings in braces";
            case LIST -> "a list";
            case NULL -> "null";
            case NUMBER -> "a number";
            case BOOLEAN -> "true or false";
            case STRING -> "text";
        };
        problems.add(setting.value().origin(), setting.path() + " must be " + what + ", not " + is);
    }

    private static String text(Setting setting) {
        return setting.value().atKey("value").getString("value");
    }

    private static String display(Duration duration) {
        if (duration.toDays() > 0) {
            return duration.toDays() + "d";
        }
        return duration.toSeconds() > 0 ? duration.toSeconds() + "s" : duration.toMillis() + "ms";
    }
}
