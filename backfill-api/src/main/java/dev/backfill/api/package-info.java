/**
 * The job model: what a job file says, as immutable values that check themselves.
 *
 * <p>Every type here is an immutable value and safe to share between threads. Nothing in this package depends on more
 * than the JDK.
 */
@NullMarked
package dev.backfill.api;

import org.jspecify.annotations.NullMarked;
