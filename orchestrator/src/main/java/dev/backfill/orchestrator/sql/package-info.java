/**
 * SQL as text and keys as values: names, templates, fragments with their parameters, key ranges. Everything here is
 * pure; nothing knows a connection.
 */
@NullMarked
package dev.backfill.orchestrator.sql;

import org.jspecify.annotations.NullMarked;
