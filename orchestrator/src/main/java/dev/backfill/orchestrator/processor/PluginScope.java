package dev.backfill.orchestrator.processor;

import dev.backfill.api.processor.Processor;

/** While a plugin's code runs, libraries that it brings look for more of themselves in the plugin, not in the program. */
final class PluginScope {

    private PluginScope() {}

    /** What a plugin does. */
    interface Action<T> {
        T run() throws Exception;
    }

    /** Does it, on this thread. */
    static <T> T of(Processor processor, Action<T> action) throws Exception {
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        thread.setContextClassLoader(processor.getClass().getClassLoader());
        try {
            return action.run();
        } finally {
            thread.setContextClassLoader(before);
        }
    }

    /** Closes a processor. */
    static void close(Processor processor) throws Exception {
        of(processor, () -> {
            processor.close();
            return processor;
        });
    }
}
