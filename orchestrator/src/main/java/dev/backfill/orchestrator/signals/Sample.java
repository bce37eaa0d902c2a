package dev.backfill.orchestrator.signals;

import java.util.Optional;

/**
 * What was read of one source of a signal.
 *
 * @param source what it is of; empty for the whole database
 * @param value how much, in the signal's unit
 * @param detail who or what it is, for a message; may be empty
 * @param alarm why everything holds whatever the value; empty for no such reason
 */
record Sample(String source, double value, String detail, Optional<String> alarm) {}
