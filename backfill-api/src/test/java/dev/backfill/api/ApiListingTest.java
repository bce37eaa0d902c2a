package dev.backfill.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What users compile against changes only when somebody says so. */
class ApiListingTest {

    private static final Path LISTING =
            Path.of(System.getProperty("basedir", ""), "src", "test", "resources", "api.txt");

    @Test
    void the_public_api_is_the_one_that_was_agreed_on() throws Exception {
        List<String> current = ApiListing.of(Path.of(JobDefinition.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toURI()));
        if (Boolean.getBoolean("api.accept")) {
            Files.write(LISTING, current);
        }
        List<String> agreed = Files.readAllLines(LISTING);

        assertThat(current).hasSizeGreaterThan(10);
        assertThat(difference(agreed, current))
                .as("the public API differs from api.txt; when that is meant, say so in CHANGELOG.md and run: "
                        + "mvn test -pl backfill-api -Dapi.accept=true")
                .isEmpty();
        assertThat(current).isEqualTo(agreed);
    }

    private static List<String> difference(List<String> agreed, List<String> current) {
        Set<String> gone = new LinkedHashSet<>(withTypes(agreed));
        Set<String> come = new LinkedHashSet<>(withTypes(current));
        gone.removeAll(withTypes(current));
        come.removeAll(withTypes(agreed));
        return Stream.concat(
                        gone.stream().map(line -> "- " + line), come.stream().map(line -> "+ " + line))
                .toList();
    }

    private static List<String> withTypes(List<String> lines) {
        List<String> whole = new ArrayList<>();
        String type = "";
        for (String line : lines) {
            if (line.startsWith(" ")) {
                whole.add(type + ": " + line.strip());
            } else {
                type = line;
                whole.add(line);
            }
        }
        return whole;
    }
}
