// node/raft/message: frames to bytes and back, and bytes that are no frame.
#include "node/raft/message.h"
#include "proto/limits.h"
#include "tests/unit/golden.h"
#include "tests/unit/test.h"

static struct message sample(enum message_kind kind) {
    return (struct message){
        .kind = kind,
        .group = 300,
        .term = 7,
        .index = 1000,
        .log_term = 6,
        .commit = 998,
        .epoch = 2,
        .hint = 990,
        .hint_term = 5,
        .last = 995,
        .offset = 65536,
        .asked = 8,
        .granted = 1,
        .transfer = 1,
        .version = 44,
        .install = 3,
        .number = 17,
        .total = 200000,
        .final = 1,
        .state = 2,
        .time = 1764250000000,
        .chain = {0x1122334455667788, 0x99aabbccddeeff00},
        .body = BYTES_LITERAL("body"),
    };
}

static struct frame_header sample_header(void) {
    return (struct frame_header){
        .incarnation = 1764250000000,
        .to_incarnation = 1764250000001,
        .sequence = 129,
        .round = 77,
        .echo = 76,
        .lead_version = 44,
        .held_version = 43,
        .asks = true,
        .exception_count = 2,
        .exceptions = {5, 1024},
    };
}

static void put_frame(struct buffer *out) {
    struct frame_header header = sample_header();
    message_put_header(out, &header);
    for (int kind = MESSAGE_NONE + 1; kind < MESSAGE_KIND_COUNT; kind++) {
        struct message message = sample((enum message_kind)kind);
        message_put(out, &message);
    }
}

static void a_frame_of_every_kind_keeps_its_bytes(void **state) {
    (void)state;
    struct buffer frame;
    buffer_init(&frame, LIMIT_RAFT_FRAME_BYTES);
    put_frame(&frame);
    assert_golden(GOLDEN_DIRECTORY, "frame", buffer_bytes(&frame));
    bytes rest = buffer_bytes(&frame);
    struct frame_header header;
    assert_ok(message_take_header(&rest, &header));
    assert_int_equal(header.exceptions[1], 1024);
    assert_int_equal(header.to_incarnation, 1764250000001);
    assert_true(header.asks);
    for (int kind = MESSAGE_NONE + 1; kind < MESSAGE_KIND_COUNT; kind++) {
        struct message message;
        assert_ok(message_take(&rest, &message));
        assert_int_equal(message.kind, kind);
        assert_int_equal(message.group, 300);
        assert_int_equal(message.term, 7);
    }
    assert_int_equal(rest.size, 0);
    buffer_deinit(&frame);
}

static void an_entry_and_a_part_come_back(void **state) {
    (void)state;
    struct buffer body;
    buffer_init(&body, 1024);
    struct store_entry entry = {
        .term = 3, .time_ms = 1764250000000, .chain = {1, 2}, .payload = BYTES_LITERAL("rows")};
    message_put_entry(&body, &entry);
    message_put_entry(&body, &entry);
    bytes rest = buffer_bytes(&body);
    struct store_entry again;
    assert_ok(message_take_entry(&rest, &again));
    assert_ok(message_take_entry(&rest, &again));
    assert_int_equal(rest.size, 0);
    assert_bytes_text(again.payload, "rows");
    assert_int_equal(again.time_ms, 1764250000000);
    buffer_clear(&body);
    uint64_t total = 0;
    message_put_part(&body, &entry, 100000, BYTES_LITERAL("piece"));
    assert_ok(message_take_part(buffer_bytes(&body), &again, &total));
    assert_bytes_text(again.payload, "piece");
    assert_int_equal(total, 100000);
    buffer_deinit(&body);
}

// Every prefix of a frame that ends inside a message is refused, never read past its end.
static void a_cut_frame_is_refused(void **state) {
    (void)state;
    struct buffer frame;
    buffer_init(&frame, LIMIT_RAFT_FRAME_BYTES);
    put_frame(&frame);
    size_t whole = 0;
    for (size_t size = 0; size < frame.size; size++) {
        uint8_t *exact = malloc(size + 1); // so that a reader past the end is seen by asan
        assert_non_null(exact);
        memcpy(exact, frame.data, size);
        bytes rest = bytes_of(exact, size);
        struct frame_header header;
        struct message message;
        err error = message_take_header(&rest, &header);
        while (!err_is(error) && rest.size > 0) {
            error = message_take(&rest, &message);
        }
        whole += err_is(error) ? 0 : 1;
        assert_true(!err_is(error) || error.code == ERR_INVALID);
        free(exact);
    }
    assert_int_equal(whole, MESSAGE_KIND_COUNT - 1); // the header alone, and after each message
    buffer_deinit(&frame);
}

static void numbers_are_in_their_shortest_form_and_bounded(void **state) {
    (void)state;
    static const uint8_t longer[] = {MESSAGE_COMMIT, 0x81, 0x00, 1, 1};
    static const uint8_t huge[] = {
        MESSAGE_COMMIT, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 1};
    static const uint8_t unknown[] = {MESSAGE_KIND_COUNT, 1, 1};
    const bytes all[] = {
        bytes_of(longer, sizeof(longer)),
        bytes_of(huge, sizeof(huge)),
        bytes_of(unknown, sizeof(unknown)),
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        bytes rest = all[i];
        struct message message;
        assert_err(message_take(&rest, &message), ERR_INVALID);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_of_every_kind_keeps_its_bytes),
        cmocka_unit_test(an_entry_and_a_part_come_back),
        cmocka_unit_test(a_cut_frame_is_refused),
        cmocka_unit_test(numbers_are_in_their_shortest_form_and_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
