package dev.backfill.orchestrator.testing;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.backfill.api.processor.Processor;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Collectors;

/** Plugins made of classes of the tests. */
public final class PluginJar {

    private static final String SERVICES = "META-INF/services/";

    private PluginJar() {}

    /** Writes a jar with processors, each a class without others of its own. */
    public static Path write(Path jar, Class<?>... processors) throws IOException {
        Files.createDirectories(Objects.requireNonNull(jar.getParent()));
        try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar))) {
            for (Class<?> processor : processors) {
                String name = processor.getName().replace('.', '/') + ".class";
                try (InputStream in = processor.getClassLoader().getResourceAsStream(name)) {
                    add(out, name, Objects.requireNonNull(in, name).readAllBytes());
                }
            }
            String names = List.of(processors).stream().map(Class::getName).collect(Collectors.joining("\n"));
            add(out, SERVICES + Processor.class.getName(), names.getBytes(UTF_8));
        }
        return jar;
    }

    private static void add(JarOutputStream out, String name, byte... content) throws IOException {
        out.putNextEntry(new JarEntry(name));
        out.write(content);
        out.closeEntry();
    }
}
