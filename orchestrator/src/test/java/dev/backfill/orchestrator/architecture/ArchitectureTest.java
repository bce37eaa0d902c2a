package dev.backfill.orchestrator.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnitAccess;
import com.tngtech.archunit.core.domain.JavaConstructor;
import com.tngtech.archunit.core.domain.JavaModifier;
import java.io.IOException;
import java.time.Clock;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ArchitectureTest {

    private static final Set<String> CLOCKS = Set.of(
            "java.lang.System.currentTimeMillis",
            "java.lang.System.nanoTime",
            "java.time.Clock.system",
            "java.time.Clock.systemDefaultZone",
            "java.time.Clock.systemUTC",
            "java.time.Clock.tickMillis",
            "java.time.Clock.tickMinutes",
            "java.time.Clock.tickSeconds");
    private static final Set<String> WAITS = Set.of(
            "java.lang.Thread.sleep",
            "java.lang.Object.wait",
            "java.util.concurrent.TimeUnit.sleep",
            "java.util.concurrent.locks.LockSupport.parkNanos",
            "java.util.concurrent.locks.LockSupport.parkUntil");

    private final JavaClasses classes = Product.classes();

    @Test
    void every_source_file_is_seen() throws IOException {
        Set<String> seen = classes.stream()
                .filter(javaClass -> javaClass.getEnclosingClass().isEmpty())
                .map(JavaClass::getName)
                .collect(Collectors.toSet());

        assertThat(seen).containsExactlyInAnyOrderElementsOf(Product.typeNames(Product.sources()));
    }

    @Test
    void every_package_is_listed_and_holds_something() {
        Map<String, Set<String>> classNames = classes.stream()
                .collect(Collectors.groupingBy(
                        Product::packageOf, Collectors.mapping(JavaClass::getSimpleName, Collectors.toSet())));

        assertThat(Arrows.PACKAGES).containsKeys(classNames.keySet().toArray(String[]::new));
        assertThat(classNames)
                .allSatisfy((name, inPackage) -> assertThat(inPackage)
                        .as("package %s", name)
                        .contains(Product.PACKAGE_INFO)
                        .hasSizeGreaterThan(1));
    }

    @Test
    void every_package_says_that_nothing_is_null_unless_it_is_marked() {
        assertThat(classes.stream()
                        .filter(javaClass -> javaClass.getSimpleName().equals(Product.PACKAGE_INFO))
                        .filter(javaClass -> !javaClass.isAnnotatedWith(NullMarked.class))
                        .map(JavaClass::getPackageName))
                .isEmpty();
    }

    @Test
    void packages_use_each_other_only_along_the_arrows() {
        assertThat(dependencies(classes, Product::isOfProgram)
                        .filter(dependency -> !isArrow(
                                Product.packageOf(dependency.getOriginClass()),
                                Product.packageOf(element(dependency.getTargetClass()))))
                        .map(ArchitectureTest::shortly)
                        .distinct())
                .isEmpty();
    }

    @Test
    void libraries_are_seen_only_where_they_are_at_home() {
        assertThat(dependencies(classes, target -> !Product.isOfProgram(target))
                        .filter(dependency -> !isAtHome(
                                Product.packageOf(dependency.getOriginClass()),
                                element(dependency.getTargetClass()).getName()))
                        .map(ArchitectureTest::shortly)
                        .distinct())
                .isEmpty();
    }

    @Test
    void the_api_uses_nothing_but_java() {
        JavaClasses api = Product.apiClasses();

        assertThat(api).isNotEmpty();
        assertThat(dependencies(
                        api,
                        target -> Stream.of("java.", "org.jspecify.annotations.", "dev.backfill.api.")
                                .noneMatch(target.getName()::startsWith)))
                .isEmpty();
    }

    @Test
    void time_and_waiting_are_injected() {
        assertThat(classes.stream()
                        .filter(javaClass -> !Arrows.KEEPERS_OF_TIME.contains(
                                Product.topLevel(javaClass).getSimpleName()))
                        .flatMap(javaClass -> accesses(javaClass).stream())
                        .filter(ArchitectureTest::looksAtTheClockOrWaits)
                        .map(JavaCodeUnitAccess::getDescription))
                .isEmpty();
    }

    @Test
    void no_static_field_changes() {
        assertThat(classes.stream()
                        .flatMap(javaClass -> javaClass.getFields().stream())
                        .filter(field -> field.getModifiers().contains(JavaModifier.STATIC))
                        .filter(field -> !field.getModifiers().contains(JavaModifier.FINAL))
                        .filter(field -> !field.getModifiers().contains(JavaModifier.SYNTHETIC))
                        .map(field -> field.getFullName() + " is not final"))
                .isEmpty();
    }

    @Test
    void nobody_extends_what_is_not_made_for_it() {
        assertThat(classes.stream()
                        .filter(javaClass -> !javaClass.isInterface() && !javaClass.isEnum())
                        .filter(javaClass -> !javaClass.getSimpleName().equals(Product.PACKAGE_INFO))
                        .filter(javaClass -> !javaClass.isAnonymousClass())
                        .filter(javaClass -> !javaClass.getModifiers().contains(JavaModifier.SYNTHETIC))
                        .filter(javaClass -> !javaClass.getModifiers().contains(JavaModifier.FINAL))
                        .filter(javaClass -> !javaClass.getModifiers().contains(JavaModifier.ABSTRACT))
                        .map(javaClass -> javaClass.getName() + " is neither final nor abstract"))
                .isEmpty();
    }

    private static Stream<Dependency> dependencies(JavaClasses classes, Predicate<JavaClass> target) {
        return classes.stream()
                .flatMap(javaClass -> javaClass.getDirectDependenciesFromSelf().stream())
                .filter(dependency -> !element(dependency.getTargetClass()).isPrimitive())
                .filter(dependency -> target.test(element(dependency.getTargetClass())));
    }

    private static String shortly(Dependency dependency) {
        return dependency.getOriginClass().getName() + " uses "
                + element(dependency.getTargetClass()).getName();
    }

    private static JavaClass element(JavaClass javaClass) {
        return javaClass.getBaseComponentType();
    }

    private static boolean isArrow(String from, String to) {
        return from.equals(to)
                || Arrows.COMMON.contains(to)
                || Arrows.PACKAGES.getOrDefault(from, Set.of()).contains(to);
    }

    private static boolean isAtHome(String from, String type) {
        return Arrows.COMMON_LIBRARIES.stream().anyMatch(type::startsWith)
                || Arrows.LIBRARIES.entrySet().stream()
                        .anyMatch(library -> type.startsWith(library.getKey())
                                && library.getValue().contains(from));
    }

    private static Collection<JavaCodeUnitAccess<?>> accesses(JavaClass javaClass) {
        return Stream.of(
                        javaClass.getMethodCallsFromSelf(),
                        javaClass.getMethodReferencesFromSelf(),
                        javaClass.getConstructorCallsFromSelf(),
                        javaClass.getConstructorReferencesFromSelf())
                .<JavaCodeUnitAccess<?>>flatMap(Collection::stream)
                .toList();
    }

    private static boolean looksAtTheClockOrWaits(JavaCodeUnitAccess<?> access) {
        var target = access.getTarget();
        String owner = target.getOwner().getName();
        String method = owner + "." + target.getName();
        boolean now = owner.startsWith("java.time.")
                && target.getName().equals("now")
                && target.getRawParameterTypes().stream().noneMatch(type -> type.isEquivalentTo(Clock.class));
        boolean date = method.equals("java.util.Date." + JavaConstructor.CONSTRUCTOR_NAME)
                && target.getRawParameterTypes().isEmpty();
        return now || date || CLOCKS.contains(method) || WAITS.contains(method);
    }
}
