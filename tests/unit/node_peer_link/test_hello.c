// Who is believed: every way in which the two ends may not belong together, each by its name.
#include "proto/base/random.h"
#include "proto/limits.h"
#include "tests/unit/node_peer_link/ends.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

static enum link_fault fault_of(struct ends *ends, int end) {
    enum link_fault fault = LINK_FAULT_NONE;
    const char *detail = "";
    (void)!link_take_refusal(ends->links[end], &fault, &detail);
    return fault;
}

// End 0 is as it should not be: neither comes up, and end 1 says why.
static void assert_refused(struct ends *ends, enum link_fault fault) {
    ends_open(ends);
    ends_connect(ends);
    ends_settle(ends);
    assert_int_equal(link_state_of(ends->links[0]), LINK_REFUSED);
    assert_int_equal(link_state_of(ends->links[1]), LINK_REFUSED);
    assert_string_equal(link_fault_name(fault_of(ends, 1)), link_fault_name(fault));
    assert_int_not_equal(fault_of(ends, 0), LINK_FAULT_NONE);
    assert_false(link_send(ends->links[0], PEER_URGENT, BYTES_LITERAL("let me in")));
    assert_int_equal(ends_counters(ends, 1)->refused_hello, 1);
    ends_deinit(ends);
}

static void nodes_of_one_cluster_meet(void **state) {
    (void)state;
    struct ends ends;
    ends_init(&ends);
    ends_open(&ends);
    ends_join(&ends);
    assert_int_equal(link_peer_incarnation(ends.links[0]), 8);
    assert_int_equal(link_peer_store(ends.links[0]).bytes[1], 1);
    assert_int_equal(link_release_agreed(ends.links[0]), 2);
    assert_bytes_text(link_peer_release(ends.links[1]), "0.1.0");
    ends_deinit(&ends);
}

static void another_cluster_is_refused(void **state) {
    (void)state;
    struct ends ends;
    ends_init(&ends);
    ends.options[0].self.cluster_id.bytes[15] = 1;
    assert_refused(&ends, LINK_FAULT_CLUSTER);
}

static void another_key_is_refused(void **state) {
    (void)state;
    struct ends ends;
    ends_init(&ends);
    ends.options[0].key = link_key_from_secret(BYTES_LITERAL("a secret of nobody here"));
    assert_refused(&ends, LINK_FAULT_KEY);
}

static void releases_without_a_common_version_are_refused(void **state) {
    (void)state;
    struct ends ends;
    ends_init(&ends);
    ends.options[0].self.release_low = 3;
    ends.options[0].self.release_high = 4;
    assert_refused(&ends, LINK_FAULT_RELEASE);
}

static void neighbouring_releases_agree_on_the_older(void **state) {
    (void)state;
    struct ends ends;
    ends_init(&ends);
    ends.options[0].self.release_low = 2;
    ends.options[0].self.release_high = 3;
    ends_open(&ends);
    ends_join(&ends);
    assert_int_equal(link_release_agreed(ends.links[0]), 2);
    assert_int_equal(link_release_agreed(ends.links[1]), 2);
    ends_deinit(&ends);
}

static void another_node_is_refused(void **state) {
    (void)state;
    struct ends ends;
    ends_init(&ends);
    ends.options[0].self.node_id = 3;
    assert_refused(&ends, LINK_FAULT_NODE);
}

static void plain_and_sealed_do_not_mix(void **state) {
    (void)state;
    struct ends ends;
    ends_init(&ends);
    ends.options[0].self.plain = true;
    assert_refused(&ends, LINK_FAULT_SECURITY);
}

// Node 1 begins anew with what `change` says of it, after it was known as it is.
static void assert_refused_after(struct ends *ends, enum link_fault fault) {
    ends_disconnect(ends);
    link_destroy(&ends->links[0]);
    ends->links[0] = link_create(&ends->options[0]);
    ends_connect(ends);
    ends_settle(ends);
    assert_string_equal(link_fault_name(fault_of(ends, 1)), link_fault_name(fault));
    assert_false(link_is_up(ends->links[0]));
    ends_deinit(ends);
}

static void an_earlier_process_is_refused(void **state) {
    (void)state;
    struct ends ends;
    ends_init(&ends);
    ends_open(&ends);
    ends_join(&ends);
    ends.options[0].self.incarnation--;
    assert_refused_after(&ends, LINK_FAULT_INCARNATION);
}

static void one_incarnation_has_one_store(void **state) {
    (void)state;
    struct ends ends;
    ends_init(&ends);
    ends_open(&ends);
    ends_join(&ends);
    ends.options[0].self.store_uuid.bytes[9] = 1;
    assert_refused_after(&ends, LINK_FAULT_STORE);
}

static void a_later_process_is_welcome_with_any_store(void **state) {
    (void)state;
    struct ends ends;
    ends_init(&ends);
    ends_open(&ends);
    ends_join(&ends);
    ends_disconnect(&ends);
    link_destroy(&ends.links[0]);
    ends.options[0].self.incarnation += 5;
    ends.options[0].self.store_uuid.bytes[9] = 1;
    ends.links[0] = link_create(&ends.options[0]);
    ends_join(&ends);
    assert_int_equal(link_peer_incarnation(ends.links[1]), 12);
    assert_int_equal(link_peer_store(ends.links[1]).bytes[9], 1);
    ends_deinit(&ends);
}

static void the_refused_end_hears_why(void **state) {
    (void)state;
    struct ends ends;
    enum link_fault fault;
    const char *detail;
    ends_init(&ends);
    ends_open(&ends);
    ends_join(&ends);
    ends_disconnect(&ends);
    link_destroy(&ends.links[0]);
    ends.options[0].self.incarnation--;
    ends.links[0] = link_create(&ends.options[0]);
    ends_connect(&ends);
    ends_settle(&ends);
    assert_true(link_take_refusal(ends.links[0], &fault, &detail));
    assert_int_equal(fault, LINK_FAULT_REFUSES);
    assert_non_null(strstr(detail, "its_fault=incarnation"));
    assert_true(link_take_refusal(ends.links[1], &fault, &detail));
    assert_string_equal(detail, "theirs=6 known=7");
    assert_false(link_take_refusal(ends.links[1], &fault, &detail));
    ends_deinit(&ends);
}

static void a_refused_connection_is_held_and_then_closed(void **state) {
    (void)state;
    struct ends ends;
    ends_init(&ends);
    ends.options[0].self.cluster_id.bytes[15] = 1;
    ends_open(&ends);
    ends_connect(&ends);
    ends_settle(&ends);
    assert_false(link_wants_close(ends.links[1]));
    assert_int_equal(
        link_next_wakeup(ends.links[1], true).ns,
        ends.now.ns + INT64_C(1000000) * LIMIT_PEER_REFUSED_MS
    );
    ends_wait(&ends, LIMIT_PEER_REFUSED_MS);
    assert_true(link_wants_close(ends.links[1]));
    ends_disconnect(&ends);
    assert_false(link_wants_close(ends.links[1]));
    ends_deinit(&ends);
}

static void who_says_nothing_is_closed(void **state) {
    (void)state;
    struct ends ends;
    ends_init(&ends);
    ends_open(&ends);
    ends_connect(&ends);
    ends_wait(&ends, LIMIT_PEER_HELLO_MS - 1);
    assert_int_equal(link_state_of(ends.links[0]), LINK_GREETING);
    ends_wait(&ends, 1);
    assert_true(link_wants_close(ends.links[0]));
    assert_int_equal(fault_of(&ends, 0), LINK_FAULT_SILENT);
    ends_deinit(&ends);
}

static void an_answer_to_our_own_hello_is_no_proof(void **state) {
    (void)state;
    struct ends ends;
    ends_init(&ends);
    ends_open(&ends);
    ends_connect(&ends);
    assert_true(ends_take_frame(&ends, 0)); // its hello, thrown back at it
    ends_give_frame(&ends, 0);
    assert_int_equal(link_state_of(ends.links[0]), LINK_REFUSED);
    assert_int_equal(fault_of(&ends, 0), LINK_FAULT_NODE);
    ends_deinit(&ends);
}

static void the_proof_of_another_connection_proves_nothing(void **state) {
    (void)state;
    struct ends ends;
    ends_init(&ends);
    ends_open(&ends);
    ends_connect(&ends);
    assert_true(ends_carry(&ends, 1)); // hello
    assert_true(ends_carry(&ends, 0)); // hello
    assert_true(ends_take_frame(&ends, 1));
    ends_connect(&ends);
    ends_give_frame(&ends, 0); // before a hello
    assert_int_equal(link_state_of(ends.links[0]), LINK_GREETING);
    ends_settle(&ends);
    assert_true(link_is_up(ends.links[0]));
    assert_int_equal(ends_counters(&ends, 0)->refused_foreign, 1);
    ends_deinit(&ends);
}

static void a_hello_that_waited_in_the_socket_is_replaced(void **state) {
    (void)state;
    struct ends ends;
    ends_init(&ends);
    ends_open(&ends);
    ends_connect(&ends);
    assert_true(ends_take_frame(&ends, 1)); // for a connection that goes away
    ends_connect(&ends);
    ends_give_frame(&ends, 0);
    assert_int_equal(link_state_of(ends.links[0]), LINK_PROVING);
    ends_settle(&ends);
    assert_true(link_is_up(ends.links[0]));
    assert_true(link_is_up(ends.links[1]));
    ends_deinit(&ends);
}

// Whatever one bit of the hello is changed into, the two do not meet on it.
static void a_changed_hello_is_never_believed(void **state) {
    (void)state;
    for (size_t bit = 0;; bit++) {
        struct ends ends;
        ends_init(&ends);
        ends_open(&ends);
        ends_connect(&ends);
        assert_true(ends_take_frame(&ends, 0));
        if (bit / 8 >= ends.frame_bytes) {
            ends_deinit(&ends);
            break;
        }
        ends.frame[bit / 8] ^= (uint8_t)(1U << bit % 8);
        ends_give_frame(&ends, 1);
        ends_settle(&ends);
        assert_false(link_is_up(ends.links[0]));
        assert_false(link_is_up(ends.links[1]));
        ends_deinit(&ends);
    }
}

static void a_hello_cut_short_is_refused(void **state) {
    (void)state;
    for (size_t size = 0;; size++) {
        struct ends ends;
        ends_init(&ends);
        ends_open(&ends);
        ends_connect(&ends);
        assert_true(ends_take_frame(&ends, 0));
        bool whole = size >= ends.frame_bytes;
        ends.frame_bytes = whole ? ends.frame_bytes : size;
        ends_give_frame(&ends, 1);
        assert_int_equal(link_state_of(ends.links[1]), whole ? LINK_PROVING : LINK_REFUSED);
        ends_deinit(&ends);
        if (whole) {
            break;
        }
    }
}

static void random_bytes_bring_nobody_up(void **state) {
    (void)state;
    struct random random;
    random_init(&random, 3);
    for (int round = 0; round < 2000; round++) {
        struct ends ends;
        ends_init(&ends);
        ends_open(&ends);
        ends_connect(&ends);
        for (int frame = 0; frame < 8; frame++) {
            ends.frame_bytes = (size_t)random_below(&random, 200);
            for (size_t at = 0; at < ends.frame_bytes; at++) {
                ends.frame[at] = (uint8_t)random_u64(&random);
            }
            if (ends.frame_bytes >= LINK_FRAME_PREFIX_BYTES && !random_one_in(&random, 4)) {
                link_frame_put_prefix(
                    ends.frame, (enum link_frame_kind)(1 + random_below(&random, 5))
                );
            }
            ends_give_frame(&ends, 1);
        }
        assert_false(link_is_up(ends.links[1]));
        ends_deinit(&ends);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_of_one_cluster_meet),
        cmocka_unit_test(another_cluster_is_refused),
        cmocka_unit_test(another_key_is_refused),
        cmocka_unit_test(releases_without_a_common_version_are_refused),
        cmocka_unit_test(neighbouring_releases_agree_on_the_older),
        cmocka_unit_test(another_node_is_refused),
        cmocka_unit_test(plain_and_sealed_do_not_mix),
        cmocka_unit_test(an_earlier_process_is_refused),
        cmocka_unit_test(one_incarnation_has_one_store),
        cmocka_unit_test(a_later_process_is_welcome_with_any_store),
        cmocka_unit_test(the_refused_end_hears_why),
        cmocka_unit_test(a_refused_connection_is_held_and_then_closed),
        cmocka_unit_test(who_says_nothing_is_closed),
        cmocka_unit_test(an_answer_to_our_own_hello_is_no_proof),
        cmocka_unit_test(the_proof_of_another_connection_proves_nothing),
        cmocka_unit_test(a_hello_that_waited_in_the_socket_is_replaced),
        cmocka_unit_test(a_changed_hello_is_never_believed),
        cmocka_unit_test(a_hello_cut_short_is_refused),
        cmocka_unit_test(random_bytes_bring_nobody_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
