package dev.backfill.orchestrator.processor;

import dev.backfill.api.processor.Processor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * What is in a directory of plugins. A plugin is a jar, or a directory of jars, and has a class loader of its own: it sees
 * the JDK, the API and the JDBC driver, and neither the program's libraries nor other plugins.
 */
final class PluginCatalog {

    private static final String JAR = ".jar";
    private static final int MOST_FAILURES = 20;

    /** A processor, and the plugins that have it. */
    record Entry(String type, Supplier<? extends Processor> provider, List<String> plugins) {}

    private final Map<String, Entry> entries = new TreeMap<>();
    private final List<String> broken = new ArrayList<>();

    private PluginCatalog() {}

    /** Reads a directory; one that does not exist has no plugins. */
    static PluginCatalog read(Path directory) {
        PluginCatalog catalog = new PluginCatalog();
        if (Files.isDirectory(directory)) {
            try {
                list(directory).forEach(catalog::add);
            } catch (IOException | UncheckedIOException e) {
                catalog.broken.add(directory + " cannot be read: " + e.getMessage());
            }
        }
        return catalog;
    }

    Optional<Entry> find(String type) {
        return Optional.ofNullable(entries.get(type));
    }

    Set<String> types() {
        return entries.keySet();
    }

    /** Plugins that cannot be used, each with the reason. */
    List<String> broken() {
        return broken;
    }

    private void add(Path plugin) {
        String name = String.valueOf(plugin.getFileName());
        try {
            List<Path> jars = Files.isDirectory(plugin)
                    ? list(plugin).stream().filter(PluginCatalog::isJar).toList()
                    : Stream.of(plugin).filter(PluginCatalog::isJar).toList();
            if (!jars.isEmpty()) {
                add(name, new URLClassLoader(name, urls(jars), new ApiLoader())); // open as long as the process lives
            }
        } catch (IOException | UncheckedIOException e) {
            broken.add("the plugin " + name + " cannot be read: " + e.getMessage());
        }
    }

    private void add(String name, URLClassLoader loader) {
        Iterator<ServiceLoader.Provider<Processor>> providers =
                ServiceLoader.load(Processor.class, loader).stream().iterator();
        int found = 0;
        for (int failures = 0; failures < MOST_FAILURES; ) {
            try {
                if (!providers.hasNext()) {
                    break;
                }
                ServiceLoader.Provider<Processor> provider = providers.next();
                add(provider.type().getName(), provider, name);
                found++;
            } catch (ServiceConfigurationError | LinkageError e) {
                failures++;
                found++;
                broken.add("the plugin " + name + " cannot be used: " + e.getMessage());
            }
        }
        if (found == 0) {
            broken.add("the plugin " + name + " is no jar, or names no processor in META-INF/services/"
                    + Processor.class.getName());
        }
    }

    private void add(String type, Supplier<? extends Processor> provider, String plugin) {
        Entry before = entries.get(type);
        List<String> plugins = new ArrayList<>(before == null ? List.of() : before.plugins());
        plugins.add(plugin);
        entries.put(type, new Entry(type, provider, List.copyOf(plugins)));
    }

    private static boolean isJar(Path file) {
        return Files.isRegularFile(file) && file.toString().endsWith(JAR);
    }

    private static List<Path> list(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.sorted().toList();
        }
    }

    private static URL[] urls(List<Path> jars) throws MalformedURLException {
        List<URL> urls = new ArrayList<>();
        for (Path jar : jars) {
            urls.add(jar.toUri().toURL());
        }
        return urls.toArray(URL[]::new);
    }

    /** Lets plugins see what they are meant to see of the program. */
    private static final class ApiLoader extends ClassLoader {

        private static final List<String> SEEN = List.of("dev.backfill.api.", "org.postgresql.", "org.slf4j.");

        ApiLoader() {
            super("api", ClassLoader.getPlatformClassLoader());
        }

        @Override
        protected Class<?> findClass(String name) throws ClassNotFoundException {
            if (SEEN.stream().anyMatch(name::startsWith)) {
                return Class.forName(name, false, PluginCatalog.class.getClassLoader());
            }
            throw new ClassNotFoundException(name);
        }
    }
}
