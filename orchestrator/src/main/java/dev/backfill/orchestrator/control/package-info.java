/** What people see of jobs and runs, and what they want of them. */
@NullMarked
package dev.backfill.orchestrator.control;

import org.jspecify.annotations.NullMarked;
