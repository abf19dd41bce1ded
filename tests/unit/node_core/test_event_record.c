// node/core/event_record: what is written is read again, for every kind; anything cut off is
// refused.
#include "node/core/event_record.h"
#include "tests/unit/test.h"

static const struct node_request REQUEST = {
    .method = {(const uint8_t *)"GET", 3},
    .segments = (const bytes[]){{(const uint8_t *)"api", 3}, {(const uint8_t *)"", 0}},
    .segment_count = 2,
    .parameters =
        {(struct api_parameter[]){{{(const uint8_t *)"a", 1}, {(const uint8_t *)"1", 1}}}, 1},
    .body = {(const uint8_t *)"{}", 2},
};
static const struct evaluation_result EVALUATED = {
    .outcome = EVALUATION_FAILED, .error = {(const uint8_t *)"no", 2}};
static const struct call_result CALLED = {
    .outcome = CALL_ANSWERED, .status = -3, .body = {(const uint8_t *)"x", 1}};
static const struct disk_measure DISK = {7, 8, 9, true};

// Written, read, written again: the same bytes; any part of them alone is refused.
static void round_trip(struct arena *arena, const struct node_event *event) {
    struct buffer first;
    struct buffer second;
    struct node_event read;
    buffer_init(&first, 4096);
    buffer_init(&second, 4096);
    event_record_write(event, &first);
    assert_ok(event_record_read(buffer_bytes(&first), arena, &read));
    assert_int_equal(read.kind, event->kind);
    assert_int_equal(read.mono.ns, event->mono.ns);
    assert_int_equal(read.wall.ms, event->wall.ms);
    event_record_write(&read, &second);
    assert_true(bytes_equal(buffer_bytes(&first), buffer_bytes(&second)));
    for (size_t size = 0; size < first.size; size++) {
        bytes part = bytes_slice(buffer_bytes(&first), 0, size);
        assert_err(event_record_read(part, arena, &read), ERR_CORRUPT);
    }
    buffer_deinit(&first);
    buffer_deinit(&second);
}

static void every_kind_of_event_comes_back(void **state) {
    (void)state;
    struct arena *arena = arena_create(4096);
    for (int kind = NODE_TICK; kind <= NODE_LEAVE; kind++) {
        struct node_event event = {
            .kind = (enum node_event_kind)kind,
            .mono = {12345},
            .wall = {-6789},
            .request_id = 5,
            .request = &REQUEST,
            .lsn = 77,
            .evaluated = &EVALUATED,
            .called = &CALLED,
            .disk = &DISK,
            .peer = 3,
            .message = BYTES_LITERAL("hello"),
        };
        round_trip(arena, &event);
        assert_true(node_event_name(event.kind)[0] != '\0');
    }
    arena_destroy(&arena);
}

static void a_request_comes_back_with_all_its_parts(void **state) {
    (void)state;
    struct arena *arena = arena_create(4096);
    struct node_event event = {.kind = NODE_REQUEST, .request_id = 5, .request = &REQUEST};
    struct node_event read;
    struct buffer record;
    buffer_init(&record, 4096);
    event_record_write(&event, &record);
    assert_ok(event_record_read(buffer_bytes(&record), arena, &read));
    assert_int_equal(read.request_id, 5);
    assert_int_equal(read.request->segment_count, 2);
    assert_bytes_text(read.request->segments[0], "api");
    assert_bytes_text(read.request->parameters.items[0].value, "1");
    assert_bytes_text(read.request->body, "{}");
    buffer_deinit(&record);
    arena_destroy(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_event_comes_back),
        cmocka_unit_test(a_request_comes_back_with_all_its_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
