package dev.backfill.orchestrator.policy;

import java.util.OptionalDouble;

/**
 * The limits of a signal, in its unit.
 *
 * @param slow above which runs slow down; empty when they do not
 * @param hold above which they hold; empty when they do not
 * @param resume at or below which a hold ends
 */
public record Level(OptionalDouble slow, OptionalDouble hold, double resume) {}
