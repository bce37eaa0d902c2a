/**
 * Work whose change SQL cannot express: a class of one's own that is given batch after batch.
 *
 * <p>A {@link dev.backfill.api.processor.Processor} is found by {@link java.util.ServiceLoader} in a plugin of the
 * program. {@link dev.backfill.api.processor.RowProcessor} is a ready base for the usual case: read rows, compute in Java,
 * write back.
 */
@NullMarked
package dev.backfill.api.processor;

import org.jspecify.annotations.NullMarked;
