package dev.backfill.orchestrator.control;

import dev.backfill.orchestrator.registration.RegisteredJob;
import java.util.Optional;

/**
 * A job of one database as people see it.
 *
 * @param database the database's configured name
 * @param job what is registered
 * @param run its latest run
 */
public record JobView(String database, RegisteredJob job, Optional<RunView> run) {}
