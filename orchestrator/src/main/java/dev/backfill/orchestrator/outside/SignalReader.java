package dev.backfill.orchestrator.outside;

import dev.backfill.orchestrator.gauges.Sample;

/** Reads one signal, again and again. One thread. */
interface SignalReader extends AutoCloseable {

    /**
     * Reads it, within a few seconds at most.
     *
     * @return what was answered
     * @throws UnreadableException when nothing was that counts
     */
    Sample read() throws UnreadableException;

    /** Gives back what it holds; a later reading takes it again. */
    @Override
    void close();
}
