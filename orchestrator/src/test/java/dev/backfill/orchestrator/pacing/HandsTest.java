package dev.backfill.orchestrator.pacing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.AtOnce;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
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
        Stop stop = new Stop(Timing.system());
        assertThat(take(hands, stop)).isTrue();

        stop.request();

        assertThat(take(hands, stop)).isFalse();
        hands.giveBack();
        assertThat(take(hands, stop)).as("nothing was taken by halves").isTrue();
    }

    @Test
    void who_is_interrupted_waits_no_longer() {
        Hands hands = Hands.of(1);
        Stop stop = new Stop(Timing.system());
        take(hands, stop);

        Thread.currentThread().interrupt();
        boolean taken = take(hands, stop);

        assertThat(Thread.interrupted()).as("its owner can still tell").isTrue();
        assertThat(taken).isFalse();
    }

    @Test
    void who_has_to_wait_lets_go_of_what_it_holds_once_and_who_does_not_keeps_it() throws Exception {
        Hands hands = Hands.of(1).atMost(1);
        Stop stop = new Stop(Timing.system());
        AtomicInteger letGo = new AtomicInteger();

        hands.take(stop, letGo::incrementAndGet);
        assertThat(letGo).hasValue(0);
        AtOnce.call(2, number -> {
            if (number == 0) {
                assertThat(hands.take(stop, letGo::incrementAndGet)).isTrue();
            } else {
                Thread.sleep(350); // for longer than one look
                hands.giveBack();
            }
            return number;
        });

        assertThat(letGo).hasValue(1);
    }

    @Test
    void who_has_a_hand_can_tell_that_another_waits_for_it_and_does_not_get_it_again_first() throws Exception {
        Hands hands = Hands.of(1);
        Stop stop = new Stop(Timing.system());
        take(hands, stop);
        assertThat(hands.areWanted()).isFalse();
        List<String> order = Collections.synchronizedList(new ArrayList<>());

        AtOnce.call(2, number -> {
            if (number == 0) {
                take(hands, stop);
                order.add("who waited");
            } else {
                while (!hands.areWanted()) {
                    Thread.onSpinWait();
                }
                hands.giveBack();
                take(hands, stop);
                order.add("who had it");
            }
            hands.giveBack();
            return number;
        });

        assertThat(order).containsExactly("who waited", "who had it");
        assertThat(hands.areWanted()).isFalse();
    }

    @Test
    void who_waits_longest_is_served_first_however_long_it_takes() throws Exception {
        Hands hands = Hands.of(1);
        Stop stop = new Stop(Timing.system());
        take(hands, stop);
        CountDownLatch[] before = {new CountDownLatch(0), new CountDownLatch(1), new CountDownLatch(1)};
        List<Integer> order = Collections.synchronizedList(new ArrayList<>());

        AtOnce.call(4, number -> {
            if (number == 3) {
                before[2].await(10, TimeUnit.SECONDS);
                Thread.sleep(730); // several looks, at different times for each
                hands.giveBack();
                return number;
            }
            before[number].await(10, TimeUnit.SECONDS);
            Thread.sleep(37);
            if (number < 2) {
                Thread next = new Thread(() -> {
                    sleep(60);
                    before[number + 1].countDown();
                });
                next.start();
            }
            take(hands, stop);
            order.add(number);
            hands.giveBack();
            return number;
        });

        assertThat(order).containsExactly(0, 1, 2);
    }

    private static void sleep(long milliseconds) {
        try {
            Thread.sleep(milliseconds);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void who_waits_gets_the_hand_that_is_given_back() throws Exception {
        Hands hands = Hands.of(1).atMost(1);
        Stop stop = new Stop(Timing.system());
        take(hands, stop);
        CountDownLatch waits = new CountDownLatch(1);

        AtOnce.call(2, number -> {
            if (number == 0) {
                waits.countDown();
                assertThat(take(hands, stop)).isTrue();
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
        Stop stop = new Stop(Timing.system());

        AtOnce.call(8, number -> {
            int place = number % 2;
            for (int i = 0; i < 200; i++) {
                assertThat(take(places[place], stop)).isTrue();
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

    /** Takes a hand if there is one now. */
    private boolean take(Hands hands) {
        return take(hands, asked);
    }

    private static boolean take(Hands hands, Stop stop) {
        return hands.take(stop, () -> {});
    }
}
