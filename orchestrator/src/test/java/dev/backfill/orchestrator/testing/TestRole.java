package dev.backfill.orchestrator.testing;

/**
 * An ordinary role that can log in and owns nothing.
 *
 * @param name needs no quotes in SQL
 * @param password what {@link TestPostgres#withPasswords()} asks for
 */
public record TestRole(String name, String password) {}
