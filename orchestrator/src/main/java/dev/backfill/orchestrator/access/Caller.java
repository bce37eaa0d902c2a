package dev.backfill.orchestrator.access;

/**
 * Somebody who came with a token.
 *
 * @param name as the configuration calls the owner of the token, and the audit log then does
 * @param role what this one may do
 */
public record Caller(String name, Role role) {}
