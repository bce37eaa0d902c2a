package dev.backfill.orchestrator.control;

/**
 * In whose name something is changed, and why.
 *
 * @param who such as {@code anonymous at 127.0.0.1}
 * @param reason in their own words; empty when they gave none
 */
public record Cause(String who, String reason) {}
