// The bytes between nodes: as they were, and never read past their end.
#include "node/peer/link/frame.h"
#include "proto/limits.h"
#include "tests/unit/golden.h"
#include "tests/unit/node_peer_link/ends.h"

static void pieces_come_back_from_their_bytes(void **state) {
    (void)state;
    static const struct link_piece PIECES[] = {
        {.peer_class = PEER_URGENT, .content = {(const uint8_t *)"vote", 4}},
        {.peer_class = PEER_STREAM,
         .part = true,
         .stream = 7,
         .offset = 300000,
         .content = {(const uint8_t *)"rows", 4}},
        {.peer_class = PEER_BULK,
         .part = true,
         .last = true,
         .stream = 1,
         .offset = 1,
         .content = {(const uint8_t *)"x", 1}},
    };
    struct buffer out;
    buffer_init(&out, 1024);
    for (size_t at = 0; at < 3; at++) {
        link_piece_put(&out, &PIECES[at]);
    }
    assert_golden(GOLDEN_DIRECTORY, "pieces", buffer_bytes(&out));
    bytes rest = buffer_bytes(&out);
    for (size_t at = 0; at < 3; at++) {
        struct link_piece piece;
        assert_ok(link_piece_take(&rest, &piece));
        assert_int_equal(piece.peer_class, PIECES[at].peer_class);
        assert_int_equal(piece.part, PIECES[at].part);
        assert_int_equal(piece.last, PIECES[at].last);
        assert_int_equal(piece.stream, PIECES[at].stream);
        assert_int_equal(piece.offset, PIECES[at].offset);
        assert_true(bytes_equal(piece.content, PIECES[at].content));
    }
    assert_int_equal(rest.size, 0);
    buffer_deinit(&out);
}

static void a_piece_cut_short_is_refused(void **state) {
    (void)state;
    struct buffer out;
    buffer_init(&out, 1024);
    const struct link_piece part = {
        .peer_class = PEER_BULK, .part = true, .offset = 5, .content = BYTES_LITERAL("hello")};
    link_piece_put(&out, &part);
    for (size_t size = 0; size < out.size; size++) {
        bytes rest = bytes_of(out.data, size);
        struct link_piece piece;
        assert_err(link_piece_take(&rest, &piece), ERR_CORRUPT);
    }
    buffer_deinit(&out);
}

static void an_impossible_piece_is_refused(void **state) {
    (void)state;
    // no such class; a bit without a meaning; the last of no parts; empty; beyond the largest
    // message
    static const uint8_t WRONG[][14] = {
        {0x03, 0, 0, 0, 1, 'x'},
        {0x40, 0, 0, 0, 1, 'x'},
        {0x20, 0, 0, 0, 1, 'x'},
        {0x00, 0, 0, 0, 0, 'x'},
        {0x10, 0, 0, 0, 1, 0x01, 0x80, 0x00, 0x00, 0, 0, 0, 1, 'x'},
        {0x10, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 'x'},
        {0x00, 0xff, 0xff, 0xff, 0xff, 'x'},
    };
    for (size_t at = 0; at < sizeof(WRONG) / sizeof(WRONG[0]); at++) {
        bytes rest = bytes_of(WRONG[at], sizeof(WRONG[at]));
        struct link_piece piece;
        assert_err(link_piece_take(&rest, &piece), ERR_CORRUPT);
    }
}

// Everything of a handshake and a message depends on options, nonces and numbers only.
static void frames_look_as_ever(void **state) {
    (void)state;
    static const char *const NAMES[] = {"hello", "proof", "heartbeat", "sealed"};
    struct ends ends;
    ends_init(&ends);
    ends_open(&ends);
    ends_connect(&ends);
    for (int at = 0; at < 4; at++) {
        if (at == 3) {
            assert_true(link_send(ends.links[0], PEER_URGENT, BYTES_LITERAL("a vote")));
        }
        assert_true(ends_take_frame(&ends, 0));
        assert_golden(GOLDEN_DIRECTORY, NAMES[at], bytes_of(ends.frame, ends.frame_bytes));
        ends_give_frame(&ends, 1);
        (void)ends_carry(&ends, 1);
    }
    ends_deinit(&ends);
}

static void a_refusal_and_a_plain_frame_look_as_ever(void **state) {
    (void)state;
    struct ends ends;
    ends_init(&ends);
    ends.options[0].self.plain = true;
    ends.options[1].self.plain = true;
    ends_open(&ends);
    ends_join(&ends);
    assert_true(link_send(ends.links[0], PEER_BULK, BYTES_LITERAL("an append")));
    assert_true(ends_take_frame(&ends, 0));
    assert_golden(GOLDEN_DIRECTORY, "plain", bytes_of(ends.frame, ends.frame_bytes));
    ends_deinit(&ends);

    ends_init(&ends);
    ends.options[0].self.release_low = 9;
    ends.options[0].self.release_high = 9;
    ends_open(&ends);
    ends_connect(&ends);
    assert_true(ends_carry(&ends, 0));
    assert_true(ends_take_frame(&ends, 1));
    assert_golden(GOLDEN_DIRECTORY, "refusal", bytes_of(ends.frame, ends.frame_bytes));
    ends_deinit(&ends);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_come_back_from_their_bytes),
        cmocka_unit_test(a_piece_cut_short_is_refused),
        cmocka_unit_test(an_impossible_piece_is_refused),
        cmocka_unit_test(frames_look_as_ever),
        cmocka_unit_test(a_refusal_and_a_plain_frame_look_as_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
