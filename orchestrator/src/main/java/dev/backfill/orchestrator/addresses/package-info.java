/** Where things are: what a URL says, and which addresses nobody is sent to; pure. */
@NullMarked
package dev.backfill.orchestrator.addresses;

import org.jspecify.annotations.NullMarked;
