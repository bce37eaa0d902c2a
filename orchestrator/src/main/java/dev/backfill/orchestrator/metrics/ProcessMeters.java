package dev.backfill.orchestrator.metrics;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.FileDescriptorMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.core.instrument.config.MeterFilter;
import java.time.Duration;
import java.util.List;

/**
 * What the JVM says of itself: memory, garbage collection, threads, processors, uptime, file descriptors. Under the
 * names of Micrometer, apart from two that {@code promtool check metrics} refuses.
 */
final class ProcessMeters implements AutoCloseable {

    private static final String CPU_TIME = "process.cpu.time";
    private static final String CPU_COUNT = "system.cpu.count";

    private final JvmGcMetrics collections = new JvmGcMetrics();
    private final ProcessHandle process = ProcessHandle.current();

    ProcessMeters(MeterRegistry registry) {
        registry.config().meterFilter(MeterFilter.denyNameStartsWith(CPU_TIME)).meterFilter(new CpuCountRenamed());
        List.of(
                        new JvmMemoryMetrics(),
                        collections,
                        new JvmThreadMetrics(),
                        new ProcessorMetrics(),
                        new UptimeMetrics(),
                        new FileDescriptorMetrics())
                .forEach(binder -> binder.bindTo(registry));
        FunctionCounter.builder("process.cpu.seconds", process, ProcessMeters::cpuSeconds)
                .description("Processor time that the process has used, in seconds.")
                .register(registry);
    }

    @Override
    public void close() {
        collections.close();
    }

    private static double cpuSeconds(ProcessHandle process) {
        return process.info().totalCpuDuration().map(Duration::toMillis).orElse(0L) / 1000.0;
    }

    private static final class CpuCountRenamed implements MeterFilter {
        @Override
        public Meter.Id map(Meter.Id id) {
            return id.getName().equals(CPU_COUNT) ? id.withName("system.cpus") : id;
        }
    }
}
