package dev.backfill.orchestrator.architecture;

import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.Tree;
import com.sun.source.tree.VariableTree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.SourcePositions;
import com.sun.source.util.TreeScanner;
import com.sun.source.util.Trees;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.lang.model.element.Modifier;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/** The sizes of what stands in source files, as the compiler's own parser sees them. */
final class SourceShapes {

    private SourceShapes() {}

    /** The methods, constructors and records of these files. */
    static List<Shape> of(List<Path> files) throws IOException {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        List<Shape> shapes = new ArrayList<>();
        try (StandardJavaFileManager manager = compiler.getStandardFileManager(null, null, null)) {
            JavacTask task = (JavacTask)
                    compiler.getTask(null, manager, null, null, null, manager.getJavaFileObjectsFromPaths(files));
            SourcePositions positions = Trees.instance(task).getSourcePositions();
            for (CompilationUnitTree unit : task.parse()) {
                unit.accept(new Scanner(unit, positions, shapes), "");
            }
        }
        return shapes;
    }

    /**
     * A method, a constructor or the head of a record.
     *
     * @param name with the names of the types around it
     * @param lines from its first modifier to its last brace; 0 for the head of a record
     * @param constructorParameters 0 for methods
     */
    record Shape(String name, long lines, int constructorParameters) {}

    private static final class Scanner extends TreeScanner<Void, String> {

        private final CompilationUnitTree unit;
        private final SourcePositions positions;
        private final List<Shape> shapes;

        Scanner(CompilationUnitTree unit, SourcePositions positions, List<Shape> shapes) {
            this.unit = unit;
            this.positions = positions;
            this.shapes = shapes;
        }

        @Override
        public Void visitClass(ClassTree type, String around) {
            String name = around + type.getSimpleName();
            if (type.getKind() == Tree.Kind.RECORD) {
                int components = (int)
                        type.getMembers().stream().filter(Scanner::isComponent).count();
                shapes.add(new Shape(name, 0, components));
            }
            return super.visitClass(type, name + ".");
        }

        @Override
        public Void visitMethod(MethodTree method, String around) {
            boolean constructor = method.getReturnType() == null;
            int parameters = constructor ? method.getParameters().size() : 0;
            shapes.add(new Shape(around + method.getName(), lines(method), parameters));
            return super.visitMethod(method, around);
        }

        private long lines(Tree tree) {
            return line(positions.getEndPosition(unit, tree)) - line(positions.getStartPosition(unit, tree)) + 1;
        }

        private long line(long position) {
            return unit.getLineMap().getLineNumber(position);
        }

        private static boolean isComponent(Tree member) {
            return member instanceof VariableTree variable
                    && !variable.getModifiers().getFlags().contains(Modifier.STATIC);
        }
    }
}
