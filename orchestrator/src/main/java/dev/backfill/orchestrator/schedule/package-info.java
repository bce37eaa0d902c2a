/** When runs begin: registered jobs as alarms in Quartz, and the runs that are due. */
@NullMarked
package dev.backfill.orchestrator.schedule;

import org.jspecify.annotations.NullMarked;
