package dev.backfill.orchestrator.addresses;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LinkLocalTest {

    private static final LinkLocal NONE = new LinkLocal(Set.of());

    @ParameterizedTest
    @ValueSource(
            strings = {
                "169.254.169.254",
                "169.254.0.1",
                "fe80::1",
                "febf::1",
                "fd00:ec2::254",
                "100.100.100.200",
                "192.0.0.192",
                "::ffff:169.254.169.254",
                "::169.254.169.254",
                "64:ff9b::169.254.169.254"
            })
    void where_clouds_tell_secrets_nobody_is_sent(String address) {
        assertThat(NONE.refuses(LinkLocal.literal(address))).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"127.0.0.1", "::1", "10.1.2.3", "169.253.1.1", "100.100.100.201", "fd00:ec2::253", "1.1.1.1"})
    void everybody_else_may_be_asked(String address) {
        assertThat(NONE.refuses(LinkLocal.literal(address))).isFalse();
    }

    @Test
    void what_is_listed_may_be_asked_and_nothing_beside_it() {
        LinkLocal listed = new LinkLocal(Set.of(LinkLocal.literal("169.254.169.254")));

        assertThat(listed.refuses(LinkLocal.literal("169.254.169.254"))).isFalse();
        assertThat(listed.refuses(LinkLocal.literal("::ffff:169.254.169.254"))).isFalse();
        assertThat(listed.refuses(LinkLocal.literal("169.254.169.253"))).isTrue();
    }

    /** That is how HTTP clients and resolvers see it, too. */
    @Test
    void a_number_is_the_address_that_it_stands_for() throws Exception {
        assertThat(NONE.refuses(InetAddress.getByName("2852039166"))).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "localhost", "169.254.169", "169.254.169.256", "1:2", "fe80::1%eth0", "abc"})
    void a_name_is_no_address(String text) {
        assertThatThrownBy(() -> LinkLocal.literal(text)).isInstanceOf(IllegalArgumentException.class);
    }
}
