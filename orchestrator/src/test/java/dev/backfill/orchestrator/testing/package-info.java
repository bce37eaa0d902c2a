/** What tests run the product with: real servers, the real program as a process of its own, and broken networks. */
@NullMarked
package dev.backfill.orchestrator.testing;

import org.jspecify.annotations.NullMarked;
