package dev.backfill.orchestrator.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.AtOnce;
import dev.backfill.orchestrator.testing.SettableTiming;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class HandsTest {

    private final Stop asked = new Stop(Timing.system());

    HandsTest() {
        asked.request();
    }

    @Test
    void there_are_no_more_hands_than_said() {
        Hands hands = Hands.of(2);

        assertThat(take(hands)).isTrue();
        assertThat(take(hands)).isTrue();
        assertThat(take(hands)).isFalse();
        hands.giveBack();
        assertThat(take(hands)).isTrue();
    }

    @Test
    void no_more_of_them_than_said_are_in_one_place() {
        Hands all = Hands.of(3);
        Hands here = all.atMost(1);
        Hands there = all.atMost(5);

        assertThat(take(here)).isTrue();
        assertThat(take(here)).isFalse();
        assertThat(take(there)).isTrue();
        assertThat(take(there)).isTrue();
        assertThat(take(there)).as("all three are taken").isFalse();
        here.giveBack();
        assertThat(take(there)).isTrue();
    }

    @Test
    void who_finds_its_place_full_leaves_the_hands_to_others() {
        Hands all = Hands.of(2);
        Hands here = all.atMost(1);
        take(here);

        assertThat(take(here)).isFalse();

        assertThat(take(all.atMost(1))).isTrue();
    }

    @Test
    void who_waits_is_not_given_a_hand_once_work_is_asked_to_stop() {
        Hands hands = Hands.of(1);
        SettableTiming timing = new SettableTiming();
        Stop stop = new Stop(timing);
        assertThat(hands.take(stop)).isTrue();

        stop.request();

        assertThat(hands.take(stop)).isFalse();
        assertThat(timing.waits()).isEmpty();
    }

    @Test
    void who_waits_gets_the_hand_that_is_given_back() throws Exception {
        Hands hands = Hands.of(1).atMost(1);
        Stop stop = new Stop(Timing.system());
        hands.take(stop);
        CountDownLatch waits = new CountDownLatch(1);

        AtOnce.call(2, number -> {
            if (number == 0) {
                waits.countDown();
                assertThat(hands.take(stop)).isTrue();
            } else {
                waits.await(10, TimeUnit.SECONDS);
                hands.giveBack();
            }
            return number;
        });
    }

    @Test
    void many_workers_in_two_places_never_have_more_hands_than_there_are() throws Exception {
        Hands all = Hands.of(3);
        Hands[] places = {all.atMost(2), all.atMost(2)};
        AtomicInteger everywhere = new AtomicInteger();
        AtomicInteger[] each = {new AtomicInteger(), new AtomicInteger()};
        Stop stop = new Stop(new Impatient());

        AtOnce.call(8, number -> {
            int place = number % 2;
            for (int i = 0; i < 200; i++) {
                assertThat(places[place].take(stop)).isTrue();
                assertThat(everywhere.incrementAndGet()).isLessThanOrEqualTo(3);
                assertThat(each[place].incrementAndGet()).isLessThanOrEqualTo(2);
                each[place].decrementAndGet();
                everywhere.decrementAndGet();
                places[place].giveBack();
            }
            return number;
        });
        for (int place : new int[] {0, 0, 1}) {
            assertThat(take(places[place])).as("all were given back").isTrue();
        }
    }

    /** Waits a hundredth of what it is asked to. */
    private static final class Impatient implements Timing {
        private final Timing system = Timing.system();

        @Override
        public long nanos() {
            return system.nanos();
        }

        @Override
        public Instant now() {
            return system.now();
        }

        @Override
        public boolean await(CountDownLatch stop, Duration atMost) {
            return system.await(stop, atMost.dividedBy(100));
        }
    }

    /** Takes a hand if there is one now. */
    private boolean take(Hands hands) {
        return hands.take(asked);
    }
}
