/** The connection to a target database: sessions, own tables, error classes, facts about tables. */
@NullMarked
package dev.backfill.orchestrator.db;

import org.jspecify.annotations.NullMarked;
