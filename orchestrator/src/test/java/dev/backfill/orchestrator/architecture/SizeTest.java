package dev.backfill.orchestrator.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.architecture.SourceShapes.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SizeTest {

    private static final int FILE_LINES = 300;
    private static final int METHOD_LINES = 40;
    private static final int CONSTRUCTOR_PARAMETERS = 5;
    private static final int FILES_IN_A_PACKAGE = 12;

    private final List<Path> files = new ArrayList<>();
    private final List<Shape> shapes = new ArrayList<>();

    @BeforeAll
    void read_the_sources_of_both_modules() throws IOException {
        files.addAll(Product.files(Product.sources()));
        files.addAll(Product.files(Product.apiSources()));
        shapes.addAll(SourceShapes.of(files));

        assertThat(files).hasSizeGreaterThan(10);
        assertThat(shapes)
                .extracting(Shape::name)
                .contains("JobTarget", "JobTarget.<init>", "SqlName.parse")
                .hasSizeGreaterThan(files.size());
    }

    @Test
    void no_file_is_long() throws IOException {
        for (Path file : files) {
            assertThat(Files.readAllLines(file).size()).as("lines of %s", file).isLessThanOrEqualTo(FILE_LINES);
        }
    }

    @Test
    void no_method_is_long() {
        assertThat(shapes).filteredOn(shape -> shape.lines() > METHOD_LINES).isEmpty();
    }

    @Test
    void no_constructor_takes_many_parameters() {
        assertThat(shapes)
                .filteredOn(shape -> shape.constructorParameters() > CONSTRUCTOR_PARAMETERS)
                .isEmpty();
    }

    @Test
    void no_package_holds_many_files() {
        Map<Path, Long> sizes = files.stream()
                .filter(file -> !file.endsWith(Product.PACKAGE_INFO + ".java"))
                .collect(Collectors.groupingBy(Path::getParent, Collectors.counting()));

        assertThat(sizes)
                .allSatisfy((directory, size) ->
                        assertThat(size).as("files in %s", directory).isLessThanOrEqualTo(FILES_IN_A_PACKAGE));
    }
}
