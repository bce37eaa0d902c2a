/** What runs give way to: which signals count, and what is allowed. Values only. */
@NullMarked
package dev.backfill.orchestrator.policy;

import org.jspecify.annotations.NullMarked;
