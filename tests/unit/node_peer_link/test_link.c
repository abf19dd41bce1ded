// A link that is up: order, parts, what is refused, silence.
#include "proto/base/random.h"
#include "proto/limits.h"
#include "tests/unit/node_peer_link/ends.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

static uint8_t *pattern(size_t size, uint8_t seed) {
    uint8_t *data = malloc(size);
    assert_non_null(data);
    for (size_t at = 0; at < size; at++) {
        data[at] = (uint8_t)(at * 31 + at / 251 + seed);
    }
    return data;
}

// Carries a frame from end 0 and gives the messages in it to end 1, which notes class and size.
struct heard {
    size_t count;
    enum peer_class classes[1000];
    size_t sizes[1000];
    bytes last; // borrowed from `copy` or the link
    uint8_t *copy;
};

static bool carry_and_hear(struct ends *ends, struct heard *heard) {
    if (!ends_take_frame(ends, 0)) {
        return false;
    }
    free(heard->copy);
    heard->copy = malloc(ends->frame_bytes);
    assert_non_null(heard->copy);
    memcpy(heard->copy, ends->frame, ends->frame_bytes);
    link_receive(ends->links[1], ends->now, heard->copy, ends->frame_bytes);
    enum peer_class peer_class;
    while (link_next_message(ends->links[1], &peer_class, &heard->last)) {
        assert_in_range(heard->count, 0, 999);
        heard->classes[heard->count] = peer_class;
        heard->sizes[heard->count++] = heard->last.size;
    }
    return true;
}

static void joined(struct ends *ends, bool plain) {
    ends_init(ends);
    ends->options[0].self.plain = plain;
    ends->options[1].self.plain = plain;
    ends_open(ends);
    ends_join(ends);
}

static void small_messages_share_a_frame_in_order_of_class(void **state) {
    (void)state;
    struct ends ends;
    struct heard heard = {0};
    joined(&ends, false);
    assert_true(link_send(ends.links[0], PEER_STREAM, BYTES_LITERAL("rows")));
    assert_true(link_send(ends.links[0], PEER_BULK, BYTES_LITERAL("an append")));
    assert_true(link_send(ends.links[0], PEER_URGENT, BYTES_LITERAL("a")));
    assert_true(link_send(ends.links[0], PEER_URGENT, BYTES_LITERAL("bc")));
    assert_true(link_has_frame(ends.links[0]));
    assert_true(carry_and_hear(&ends, &heard));
    assert_false(carry_and_hear(&ends, &heard));
    assert_int_equal(heard.count, 4);
    static const size_t SIZES[] = {1, 2, 9, 4};
    assert_memory_equal(heard.sizes, SIZES, sizeof(SIZES));
    assert_bytes_text(heard.last, "rows");
    assert_int_equal(heard.classes[3], PEER_STREAM);
    free(heard.copy);
    ends_deinit(&ends);
}

static void messages_of_every_size_arrive_whole(void **state) {
    (void)state;
    static const size_t SIZES[] = {
        1,
        LIMIT_PEER_FRAME_BYTES - LINK_FRAME_HEAD_BYTES - LINK_SEAL_BYTES - LINK_PIECE_WHOLE_BYTES,
        LIMIT_PEER_FRAME_BYTES - LINK_FRAME_HEAD_BYTES - LINK_SEAL_BYTES - LINK_PIECE_WHOLE_BYTES +
            1,
        LIMIT_PEER_FRAME_BYTES,
        1000 * 1000,
        LIMIT_PEER_MESSAGE_BYTES,
    };
    for (int plain = 0; plain < 2; plain++) {
        struct ends ends;
        joined(&ends, plain == 1);
        for (size_t at = 0; at < sizeof(SIZES) / sizeof(SIZES[0]); at++) {
            struct heard heard = {0};
            uint8_t *data = pattern(SIZES[at], (uint8_t)at);
            assert_true(link_send(ends.links[0], PEER_STREAM, bytes_of(data, SIZES[at])));
            while (heard.count == 0) {
                assert_true(carry_and_hear(&ends, &heard));
            }
            assert_true(bytes_equal(heard.last, bytes_of(data, SIZES[at])));
            free(heard.copy);
            free(data);
        }
        assert_int_equal(ends_counters(&ends, 1)->partial_lost, 0);
        ends_deinit(&ends);
    }
}

static void a_vote_does_not_wait_behind_a_snapshot(void **state) {
    (void)state;
    struct ends ends;
    struct heard heard = {0};
    joined(&ends, false);
    uint8_t *data = pattern(LIMIT_PEER_MESSAGE_BYTES, 0);
    assert_true(link_send(ends.links[0], PEER_STREAM, bytes_of(data, LIMIT_PEER_MESSAGE_BYTES)));
    assert_true(carry_and_hear(&ends, &heard));
    assert_true(link_send(ends.links[0], PEER_URGENT, BYTES_LITERAL("a vote")));
    assert_true(link_send(ends.links[0], PEER_BULK, BYTES_LITERAL("an append")));
    assert_true(carry_and_hear(&ends, &heard));
    assert_int_equal(heard.count, 2);
    assert_int_equal(heard.classes[0], PEER_URGENT);
    while (heard.count == 2) {
        assert_true(carry_and_hear(&ends, &heard));
    }
    assert_true(bytes_equal(heard.last, bytes_of(data, LIMIT_PEER_MESSAGE_BYTES)));
    free(heard.copy);
    free(data);
    ends_deinit(&ends);
}

static void random_messages_arrive_in_order(void **state) {
    (void)state;
    struct random random;
    random_init(&random, 11);
    struct ends ends;
    joined(&ends, false);
    uint32_t sent[PEER_CLASS_COUNT] = {0};
    uint32_t got[PEER_CLASS_COUNT] = {0};
    uint8_t *data = pattern(600 * 1000, 1);
    for (int step = 0; step < 3000; step++) {
        enum peer_class peer_class = (enum peer_class)random_below(&random, PEER_CLASS_COUNT);
        size_t size = 4 + (size_t)random_below(&random, random_one_in(&random, 50) ? 590000 : 3000);
        bytes_put_u32(data, sent[peer_class]);
        if (peer_class != PEER_URGENT || size < 100000) {
            sent[peer_class] += link_send(ends.links[0], peer_class, bytes_of(data, size)) ? 1 : 0;
        }
        if (!random_one_in(&random, 3) || !ends_take_frame(&ends, 0)) {
            continue;
        }
        bytes message;
        link_receive(ends.links[1], ends.now, ends.frame, ends.frame_bytes);
        while (link_next_message(ends.links[1], &peer_class, &message)) {
            assert_int_equal(bytes_get_u32(message.data), got[peer_class]++);
            assert_memory_equal(message.data + 4, data + 4, message.size - 4);
        }
    }
    assert_true(got[PEER_URGENT] > 500 && got[PEER_BULK] > 500 && got[PEER_STREAM] > 300);
    free(data);
    ends_deinit(&ends);
}

static void a_frame_counts_once(void **state) {
    (void)state;
    struct ends ends;
    joined(&ends, false);
    assert_true(link_send(ends.links[0], PEER_URGENT, BYTES_LITERAL("once")));
    assert_true(ends_carry(&ends, 0));
    uint64_t before = ends_counters(&ends, 1)->messages_received;
    ends_give_frame(&ends, 1);
    assert_int_equal(ends_counters(&ends, 1)->messages_received, before);
    assert_int_equal(ends_counters(&ends, 1)->refused_old, 1);
    assert_true(link_is_up(ends.links[1]));
    ends_deinit(&ends);
}

static void a_frame_that_was_overtaken_is_refused(void **state) {
    (void)state;
    struct ends ends;
    joined(&ends, false);
    assert_true(link_send(ends.links[0], PEER_URGENT, BYTES_LITERAL("first")));
    assert_true(ends_take_frame(&ends, 0));
    uint8_t early[256];
    size_t early_bytes = ends.frame_bytes;
    memcpy(early, ends.frame, early_bytes);
    assert_true(link_send(ends.links[0], PEER_URGENT, BYTES_LITERAL("second")));
    assert_true(ends_carry(&ends, 0));
    assert_int_equal(ends_counters(&ends, 1)->frames_lost, 1);
    memcpy(ends.frame, early, early_bytes);
    ends.frame_bytes = early_bytes;
    ends_give_frame(&ends, 1);
    assert_int_equal(ends_counters(&ends, 1)->refused_old, 1);
    ends_deinit(&ends);
}

static void a_changed_frame_changes_nothing(void **state) {
    (void)state;
    struct ends ends;
    joined(&ends, false);
    assert_true(link_send(ends.links[0], PEER_URGENT, BYTES_LITERAL("a vote")));
    assert_true(ends_take_frame(&ends, 0));
    struct peer_counters before = *ends_counters(&ends, 1);
    for (size_t bit = 0; bit < 8 * ends.frame_bytes; bit++) {
        ends.frame[bit / 8] ^= (uint8_t)(1U << bit % 8);
        ends_give_frame(&ends, 1);
        ends.frame[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    for (size_t size = ends.frame_bytes; size > 0; size--) {
        ends.frame_bytes = size - 1;
        ends_give_frame(&ends, 1);
        ends.frame_bytes = size;
    }
    const struct peer_counters *after = ends_counters(&ends, 1);
    assert_int_equal(after->messages_received, before.messages_received);
    assert_int_equal(after->frames_received, before.frames_received);
    assert_true(link_is_up(ends.links[1]));
    ends_deinit(&ends);
}

static void a_frame_of_an_earlier_connection_is_foreign(void **state) {
    (void)state;
    for (int plain = 0; plain < 2; plain++) {
        struct ends ends;
        joined(&ends, plain == 1);
        assert_true(link_send(ends.links[0], PEER_URGENT, BYTES_LITERAL("for the one before")));
        assert_true(ends_take_frame(&ends, 0));
        uint8_t early[256];
        size_t early_bytes = ends.frame_bytes;
        memcpy(early, ends.frame, early_bytes);
        ends_disconnect(&ends);
        ends_connect(&ends);
        memcpy(ends.frame, early, early_bytes);
        ends.frame_bytes = early_bytes;
        ends_give_frame(&ends, 1); // before the hello
        ends_settle(&ends);
        memcpy(ends.frame, early, early_bytes);
        ends.frame_bytes = early_bytes;
        ends_give_frame(&ends, 1);
        assert_int_equal(ends_counters(&ends, 1)->refused_foreign, 2);
        assert_int_equal(ends_counters(&ends, 1)->messages_received, 0);
        assert_true(link_is_up(ends.links[1]));
        ends_deinit(&ends);
    }
}

static void parts_whose_beginning_was_lost_are_dropped(void **state) {
    (void)state;
    struct ends ends;
    struct heard heard = {0};
    joined(&ends, false);
    uint8_t *data = pattern(600 * 1000, 0);
    assert_true(link_send(ends.links[0], PEER_BULK, bytes_of(data, 600 * 1000)));
    assert_true(link_send(ends.links[0], PEER_BULK, BYTES_LITERAL("after it")));
    assert_true(carry_and_hear(&ends, &heard));
    assert_true(ends_take_frame(&ends, 0)); // the middle gets lost
    while (carry_and_hear(&ends, &heard)) {
    }
    assert_int_equal(heard.count, 1);
    assert_bytes_text(heard.last, "after it");
    assert_int_equal(ends_counters(&ends, 1)->partial_lost, 1);
    assert_int_equal(ends_counters(&ends, 1)->frames_lost, 1);
    free(heard.copy);
    free(data);
    ends_deinit(&ends);
}

static void what_has_no_room_is_dropped_and_counted(void **state) {
    (void)state;
    struct ends ends;
    joined(&ends, false);
    uint8_t *data = pattern(LIMIT_PEER_URGENT_BYTES / 4, 0);
    int taken = 0;
    while (link_send(ends.links[0], PEER_URGENT, bytes_of(data, LIMIT_PEER_URGENT_BYTES / 4))) {
        taken++;
    }
    assert_int_equal(taken, 3);
    assert_int_equal(ends_counters(&ends, 0)->dropped_full, 1);
    assert_true(link_send(ends.links[0], PEER_BULK, BYTES_LITERAL("another queue")));
    free(data);
    data = calloc(1, LIMIT_PEER_MESSAGE_BYTES + 1);
    assert_non_null(data);
    assert_false(link_send(ends.links[0], PEER_STREAM, bytes_of(data, LIMIT_PEER_MESSAGE_BYTES + 1))
    );
    assert_int_equal(ends_counters(&ends, 0)->dropped_large, 1);
    free(data);
    ends_deinit(&ends);
}

static void heartbeats_keep_a_quiet_link_up(void **state) {
    (void)state;
    struct ends ends;
    joined(&ends, false);
    for (int beat = 0; beat < 50; beat++) {
        int64_t due = link_next_wakeup(ends.links[0], true).ns - ends.now.ns;
        assert_in_range(due, 0, INT64_C(1000000) * LIMIT_PEER_HEARTBEAT_MS);
        ends_wait(&ends, LIMIT_PEER_HEARTBEAT_MS);
        assert_true(ends_carry(&ends, 0));
        assert_true(ends_carry(&ends, 1));
        assert_false(ends_carry(&ends, 0));
    }
    assert_true(link_is_up(ends.links[0]));
    assert_int_equal(ends_counters(&ends, 0)->silences, 0);
    ends_deinit(&ends);
}

static void silence_is_noticed_and_ends_with_the_next_frame(void **state) {
    (void)state;
    struct ends ends;
    joined(&ends, false);
    assert_true(link_send(ends.links[0], PEER_BULK, BYTES_LITERAL("never sent")));
    ends_wait(&ends, LIMIT_PEER_SILENCE_MS - 1);
    assert_true(link_is_up(ends.links[0]));
    ends_wait(&ends, 1);
    assert_int_equal(link_state_of(ends.links[0]), LINK_SILENT);
    assert_false(link_send(ends.links[0], PEER_BULK, BYTES_LITERAL("nor this")));
    assert_int_equal(ends_counters(&ends, 0)->dropped_down, 2);
    assert_true(ends_carry(&ends, 1)); // its heartbeat
    assert_true(link_is_up(ends.links[0]));
    assert_int_equal(ends_counters(&ends, 0)->silences, 1);
    assert_int_equal(ends_counters(&ends, 0)->ups, 2);
    ends_deinit(&ends);
}

static void a_peer_without_power_is_given_up(void **state) {
    (void)state;
    struct ends ends;
    joined(&ends, false);
    ends_wait(&ends, LIMIT_PEER_SILENCE_MS);
    assert_false(link_wants_close(ends.links[0]));
    ends_wait(&ends, LIMIT_PEER_ABANDON_MS);
    assert_true(link_wants_close(ends.links[0]));
    ends_disconnect(&ends);
    ends_join(&ends);
    ends_deinit(&ends);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_messages_share_a_frame_in_order_of_class),
        cmocka_unit_test(messages_of_every_size_arrive_whole),
        cmocka_unit_test(a_vote_does_not_wait_behind_a_snapshot),
        cmocka_unit_test(random_messages_arrive_in_order),
        cmocka_unit_test(a_frame_counts_once),
        cmocka_unit_test(a_frame_that_was_overtaken_is_refused),
        cmocka_unit_test(a_changed_frame_changes_nothing),
        cmocka_unit_test(a_frame_of_an_earlier_connection_is_foreign),
        cmocka_unit_test(parts_whose_beginning_was_lost_are_dropped),
        cmocka_unit_test(what_has_no_room_is_dropped_and_counted),
        cmocka_unit_test(heartbeats_keep_a_quiet_link_up),
        cmocka_unit_test(silence_is_noticed_and_ends_with_the_next_frame),
        cmocka_unit_test(a_peer_without_power_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
