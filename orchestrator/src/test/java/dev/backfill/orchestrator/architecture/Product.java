package dev.backfill.orchestrator.architecture;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import dev.backfill.api.JobDefinition;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Where the classes and the sources of the product are. */
final class Product {

    static final String PACKAGE = "dev.backfill.orchestrator";
    static final String PACKAGE_INFO = "package-info";

    private static final Path MODULE =
            Path.of(System.getProperty("basedir", "")).toAbsolutePath();
    private static final Path SOURCES = Path.of("src", "main", "java");

    private Product() {}

    /** The compiled classes of the program. */
    static JavaClasses classes() {
        return new ClassFileImporter().importPath(MODULE.resolve("target").resolve("classes"));
    }

    /** The compiled classes of the API. */
    static JavaClasses apiClasses() {
        return new ClassFileImporter()
                .importUrl(JobDefinition.class
                        .getProtectionDomain()
                        .getCodeSource()
                        .getLocation());
    }

    /** The root of the program's sources. */
    static Path sources() {
        return MODULE.resolve(SOURCES);
    }

    /** The root of the API's sources. */
    static Path apiSources() {
        return MODULE.resolveSibling("backfill-api").resolve(SOURCES);
    }

    /** All source files below a root. */
    static List<Path> files(Path root) throws IOException {
        try (Stream<Path> paths = Files.walk(root)) {
            return paths.filter(path -> path.toString().endsWith(".java"))
                    .sorted()
                    .toList();
        }
    }

    /** The names of the types that the source files below a root are named after. */
    static List<String> typeNames(Path root) throws IOException {
        return files(root).stream()
                .map(file -> root.relativize(file).toString())
                .map(file -> file.substring(0, file.length() - ".java".length()).replaceAll("[/\\\\]", "."))
                .toList();
    }

    /** The package of the program that a class belongs to, as it is written in {@link Arrows}. */
    static String packageOf(JavaClass javaClass) {
        return javaClass.getPackageName().equals(PACKAGE)
                ? Arrows.ROOT
                : javaClass.getPackageName().substring(PACKAGE.length() + 1);
    }

    static boolean isOfProgram(JavaClass javaClass) {
        return javaClass.getPackageName().equals(PACKAGE)
                || javaClass.getPackageName().startsWith(PACKAGE + ".");
    }

    /** The class itself, or the one that it is nested in. */
    static JavaClass topLevel(JavaClass javaClass) {
        return javaClass.getEnclosingClass().map(Product::topLevel).orElse(javaClass);
    }
}
