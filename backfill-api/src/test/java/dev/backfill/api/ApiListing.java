package dev.backfill.api;

import java.io.IOException;
import java.lang.reflect.AnnotatedElement;
import java.lang.reflect.AnnotatedType;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Parameter;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Everything public in a directory of compiled classes, one line each, in an order that does not depend on the JVM. */
final class ApiListing {

    private static final int PUBLISHED = Modifier.PUBLIC | Modifier.PROTECTED;

    private ApiListing() {}

    static List<String> of(Path classes) throws IOException, ClassNotFoundException {
        List<String> names;
        try (Stream<Path> files = Files.walk(classes)) {
            names = files.map(file -> classes.relativize(file).toString())
                    .filter(file -> file.endsWith(".class") && !file.endsWith("-info.class"))
                    .map(file ->
                            file.substring(0, file.length() - ".class".length()).replaceAll("[/\\\\]", "."))
                    .sorted()
                    .toList();
        }
        List<String> lines = new ArrayList<>();
        for (String name : names) {
            Class<?> type = Class.forName(name, false, ApiListing.class.getClassLoader());
            if (isPublished(type)) {
                lines.add(head(type));
                members(type).sorted().map(member -> "    " + member).forEach(lines::add);
            }
        }
        return lines;
    }

    private static boolean isPublished(Class<?> type) {
        boolean self = (type.getModifiers() & PUBLISHED) != 0;
        return self && (type.getDeclaringClass() == null || isPublished(type.getDeclaringClass()));
    }

    private static String head(Class<?> type) {
        String head = marks(type) + kind(type) + " " + type.getName() + typeParameters(type.getTypeParameters());
        if (type.getGenericSuperclass() != null && !type.isEnum() && !type.isRecord()) {
            head += " extends " + type.getGenericSuperclass().getTypeName();
        }
        return head
                + list(" implements ", Arrays.stream(type.getGenericInterfaces()))
                + list(
                        " permits ",
                        type.isSealed() ? Arrays.<Type>stream(type.getPermittedSubclasses()) : Stream.<Type>empty());
    }

    private static String kind(Class<?> type) {
        int modifiers = type.getModifiers() & ~Modifier.INTERFACE;
        if (type.isInterface()) {
            modifiers &= ~Modifier.ABSTRACT;
        }
        return words(modifiers)
                + (type.isSealed() ? "sealed " : "")
                + (type.isAnnotation()
                        ? "@interface"
                        : type.isInterface()
                                ? "interface"
                                : type.isEnum() ? "enum" : type.isRecord() ? "record" : "class");
    }

    private static Stream<String> members(Class<?> type) {
        Stream<String> components =
                type.isRecord() ? Stream.of("components" + parameters(type.getRecordComponents())) : Stream.empty();
        return Stream.of(
                        components,
                        Arrays.stream(type.getDeclaredFields())
                                .filter(member -> isPublished(member.getModifiers(), member.isSynthetic()))
                                .map(ApiListing::field),
                        Arrays.stream(type.getDeclaredConstructors())
                                .filter(member -> isPublished(member.getModifiers(), member.isSynthetic()))
                                .filter(member -> !isCanonical(member))
                                .map(ApiListing::constructor),
                        Arrays.stream(type.getDeclaredMethods())
                                .filter(member -> isPublished(member.getModifiers(), member.isSynthetic()))
                                .map(ApiListing::method))
                .flatMap(lines -> lines);
    }

    private static boolean isPublished(int modifiers, boolean synthetic) {
        return !synthetic && (modifiers & PUBLISHED) != 0;
    }

    /** Its parameters are the components; not every compiler tells of their generic types twice. */
    private static boolean isCanonical(Constructor<?> constructor) {
        Class<?> type = constructor.getDeclaringClass();
        return type.isRecord()
                && Arrays.equals(
                        constructor.getParameterTypes(),
                        Arrays.stream(type.getRecordComponents())
                                .map(RecordComponent::getType)
                                .toArray());
    }

    private static String field(Field field) {
        return marks(field) + words(field.getModifiers()) + type(field.getAnnotatedType()) + " " + field.getName();
    }

    private static String constructor(Constructor<?> constructor) {
        return "constructor " + marks(constructor) + words(constructor.getModifiers()) + signature(constructor);
    }

    private static String method(Method method) {
        return marks(method)
                + words(method.getModifiers() & Modifier.methodModifiers())
                + (method.isDefault() ? "default " : "")
                + typeParameters(method.getTypeParameters())
                + type(method.getAnnotatedReturnType())
                + " "
                + method.getName()
                + signature(method);
    }

    private static String signature(Executable executable) {
        return Arrays.stream(executable.getParameters())
                        .map(Parameter::getAnnotatedType)
                        .map(ApiListing::type)
                        .collect(Collectors.joining(", ", "(", ")"))
                + list(" throws ", Arrays.stream(executable.getGenericExceptionTypes()));
    }

    private static String parameters(RecordComponent... components) {
        return Arrays.stream(components)
                .map(component -> type(component.getAnnotatedType()) + " " + component.getName())
                .collect(Collectors.joining(", ", "(", ")"));
    }

    private static String type(AnnotatedType type) {
        String mark = type.isAnnotationPresent(Nullable.class) ? "@Nullable " : "";
        return mark + type.getType().getTypeName();
    }

    private static String typeParameters(TypeVariable<?>... variables) {
        return Arrays.stream(variables)
                .map(variable -> variable.getName() + list(" extends ", Arrays.stream(variable.getBounds())))
                .collect(Collectors.collectingAndThen(
                        Collectors.joining(", "), joined -> joined.isEmpty() ? "" : "<" + joined + "> "));
    }

    private static String list(String word, Stream<Type> types) {
        String joined = types.map(Type::getTypeName).collect(Collectors.joining(", "));
        return joined.isEmpty() ? "" : word + joined;
    }

    private static String marks(AnnotatedElement element) {
        return element.isAnnotationPresent(Deprecated.class) ? "@Deprecated " : "";
    }

    private static String words(int modifiers) {
        return modifiers == 0 ? "" : Modifier.toString(modifiers) + " ";
    }
}
