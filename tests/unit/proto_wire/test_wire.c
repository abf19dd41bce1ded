// proto/wire: records to bytes and back, and bytes that are no record.
#include "proto/wire/wire.h"
#include "tests/unit/golden.h"
#include "tests/unit/test.h"

// A record with every kind of field.
#define SAMPLE_FIELDS(FIELD)   \
    FIELD(1, U8, small)        \
    FIELD(2, U16, port)        \
    FIELD(3, U32, count)       \
    FIELD(4, U64, serial)      \
    FIELD(5, I32, change)      \
    FIELD(6, I64, due_ms)      \
    FIELD(7, BOOL, paused)     \
    FIELD(8, TEXT, worker)     \
    FIELD(9, ID, workflow)     \
    FIELD(10, U32_LIST, tasks) \
    FIELD(200, TEXT_LIST, tags)
WIRE_STRUCT(sample, SAMPLE_FIELDS);
#define WIRE_SELF struct sample
WIRE_RECORD(sample, SAMPLE_FIELDS)
#undef WIRE_SELF

// The same record in an older release, which knew less and in another order.
#define OLDER_FIELDS(FIELD) \
    FIELD(8, TEXT, worker)  \
    FIELD(6, I64, due_ms)
WIRE_STRUCT(older, OLDER_FIELDS);
#define WIRE_SELF struct older
WIRE_RECORD(older, OLDER_FIELDS)
#undef WIRE_SELF

struct bench {
    struct arena *arena;
    struct buffer buffer;
};

static int set_up(void **state) {
    static struct bench bench;
    bench.arena = arena_create(4096);
    buffer_init(&bench.buffer, 1 << 20);
    *state = &bench;
    return 0;
}

static int tear_down(void **state) {
    struct bench *bench = *state;
    arena_destroy(&bench->arena);
    buffer_deinit(&bench->buffer);
    return 0;
}

static uint32_t task_numbers[] = {0, 127, 128, 65536, UINT32_MAX};

static struct sample full_sample(struct arena *arena) {
    bytes *tags = ARENA_ARRAY(arena, bytes, 3);
    tags[0] = BYTES_LITERAL("blue");
    tags[1] = BYTES_LITERAL("");
    tags[2] = BYTES_LITERAL("a tag of more than thirty-two bytes in length");
    struct sample sample = {
        .small = 255,
        .port = 8080,
        .count = 70000,
        .serial = UINT64_MAX,
        .change = INT32_MIN,
        .due_ms = -1,
        .paused = true,
        .worker = BYTES_LITERAL("w\"1\n\xc3\xa9"),
        .workflow =
            {{0x3f, 0x1c, 0x2b, 0x54, 0x58, 0xa1, 0x4c, 0x7e, 0x8a, 0x63, 1, 2, 3, 4, 5, 6}},
        .tasks = {task_numbers, 5},
        .tags = {tags, 3},
    };
    return sample;
}

static void assert_sample_equal(const struct sample *left, const struct sample *right) {
    assert_int_equal(left->small, right->small);
    assert_int_equal(left->port, right->port);
    assert_int_equal(left->count, right->count);
    assert_true(left->serial == right->serial);
    assert_int_equal(left->change, right->change);
    assert_true(left->due_ms == right->due_ms);
    assert_int_equal(left->paused, right->paused);
    assert_true(bytes_equal(left->worker, right->worker));
    assert_true(id_equal(left->workflow, right->workflow));
    assert_int_equal(left->tasks.count, right->tasks.count);
    for (uint32_t index = 0; index < left->tasks.count; index++) {
        assert_int_equal(left->tasks.items[index], right->tasks.items[index]);
    }
    assert_int_equal(left->tags.count, right->tags.count);
    for (uint32_t index = 0; index < left->tags.count; index++) {
        assert_true(bytes_equal(left->tags.items[index], right->tags.items[index]));
    }
}

static void a_full_record_comes_back_as_it_was(void **state) {
    struct bench *bench = *state;
    struct sample sample = full_sample(bench->arena);
    wire_encode(&sample_record, &sample, &bench->buffer);
    assert_ok(buffer_status(&bench->buffer));
    struct sample decoded;
    bytes in = buffer_bytes(&bench->buffer);
    assert_ok(wire_decode(&sample_record, in, bench->arena, &decoded));
    assert_sample_equal(&sample, &decoded);
    assert_true(decoded.worker.data > in.data && decoded.worker.data < in.data + in.size);
}

static void every_width_of_integer_comes_back(void **state) {
    struct bench *bench = *state;
    for (unsigned shift = 0; shift < 64; shift++) {
        for (uint64_t nudge = 0; nudge < 3; nudge++) {
            uint64_t number = ((uint64_t)1 << shift) + nudge - 1;
            struct sample sample = {
                .small = (uint8_t)number,
                .port = (uint16_t)number,
                .count = (uint32_t)number,
                .serial = number,
                .change = (int32_t)(0 - number),
                .due_ms = (int64_t)(0 - number),
            };
            buffer_clear(&bench->buffer);
            wire_encode(&sample_record, &sample, &bench->buffer);
            struct sample decoded;
            bytes in = buffer_bytes(&bench->buffer);
            assert_ok(wire_decode(&sample_record, in, bench->arena, &decoded));
            assert_sample_equal(&sample, &decoded);
        }
    }
}

static void long_texts_and_lists_come_back(void **state) {
    struct bench *bench = *state;
    static const uint32_t sizes[] = {31, 32, 255, 256, 65535, 65536};
    for (size_t index = 0; index < sizeof(sizes) / sizeof(sizes[0]); index++) {
        struct sample sample = {
            .worker = bytes_of(arena_alloc(bench->arena, sizes[index]), sizes[index]),
            .tasks = {ARENA_ARRAY(bench->arena, uint32_t, sizes[index]), sizes[index]},
        };
        buffer_clear(&bench->buffer);
        wire_encode(&sample_record, &sample, &bench->buffer);
        struct sample decoded;
        bytes in = buffer_bytes(&bench->buffer);
        assert_ok(wire_decode(&sample_record, in, bench->arena, &decoded));
        assert_sample_equal(&sample, &decoded);
    }
}

static void absent_fields_are_zero_whatever_was_there(void **state) {
    struct bench *bench = *state;
    struct sample zero = {0};
    wire_encode(&sample_record, &zero, &bench->buffer);
    assert_bytes_text(buffer_bytes(&bench->buffer), "\x80");
    struct sample decoded;
    memset(&decoded, 0xff, sizeof(decoded));
    assert_ok(wire_decode(&sample_record, buffer_bytes(&bench->buffer), bench->arena, &decoded));
    assert_sample_equal(&zero, &decoded);
    assert_null(decoded.worker.data);
    assert_null(decoded.tags.items);
}

static void an_older_release_skips_the_tags_it_does_not_know(void **state) {
    struct bench *bench = *state;
    struct sample sample = full_sample(bench->arena);
    wire_encode(&sample_record, &sample, &bench->buffer);
    struct older older;
    assert_ok(wire_decode(&older_record, buffer_bytes(&bench->buffer), bench->arena, &older));
    assert_true(bytes_equal(older.worker, sample.worker));
    assert_true(older.due_ms == sample.due_ms);
    buffer_clear(&bench->buffer);
    wire_encode(&older_record, &older, &bench->buffer);
    struct sample newer;
    assert_ok(wire_decode(&sample_record, buffer_bytes(&bench->buffer), bench->arena, &newer));
    assert_true(bytes_equal(newer.worker, sample.worker));
    assert_int_equal(newer.port, 0);
}

static void an_unknown_tag_may_hold_anything_msgpack_has(void **state) {
    struct bench *bench = *state;
    static const struct {
        const char *text;
        size_t size;
    } values[] = {
#define VALUE(literal) {literal, sizeof(literal) - 1}
        VALUE("\xc0"),
        VALUE("\xc2"),
        VALUE("\xca"
              "1234"),
        VALUE("\xcb"
              "12345678"),
        VALUE("\xc4\x02"
              "ab"),
        VALUE("\xc5\x00\x02"
              "ab"),
        VALUE("\xc6\x00\x00\x00\x02"
              "ab"),
        VALUE("\xc7\x02t"
              "ab"),
        VALUE("\xc8\x00\x02t"
              "ab"),
        VALUE("\xc9\x00\x00\x00\x02t"
              "ab"),
        VALUE("\xd4t1"),
        VALUE("\xd5t12"),
        VALUE("\xd6t1234"),
        VALUE("\xd7t12345678"),
        VALUE("\xd8t1234567812345678"),
        VALUE("\xd9\x01"
              "a"),
        VALUE("\xda\x00\x01"
              "a"),
        VALUE("\xdb\x00\x00\x00\x01"
              "a"),
        VALUE("\x82\x01\x93\x01\x02\x91\xc0\xa1"
              "a\x80"),
        VALUE("\xdc\x00\x01\xde\x00\x01\x01\xdd\x00\x00\x00\x01\xdf\x00\x00\x00\x00"),
        VALUE("\xff"),
        VALUE("\xd3\x80\x00\x00\x00\x00\x00\x00\x00"),
#undef VALUE
    };
    for (size_t index = 0; index < sizeof(values) / sizeof(values[0]); index++) {
        buffer_clear(&bench->buffer);
        buffer_append(&bench->buffer, BYTES_LITERAL("\x83\x06\x07\xcd\x01\x00"));
        buffer_append(&bench->buffer, bytes_of(values[index].text, values[index].size));
        buffer_append(&bench->buffer, BYTES_LITERAL("\x08\xa1w"));
        struct older older;
        bytes in = buffer_bytes(&bench->buffer);
        assert_ok(wire_decode(&older_record, in, bench->arena, &older));
        assert_true(older.due_ms == 7);
        assert_bytes_text(older.worker, "w");
    }
}

static void a_cut_at_every_byte_is_corrupt(void **state) {
    struct bench *bench = *state;
    struct sample sample = full_sample(bench->arena);
    wire_encode(&sample_record, &sample, &bench->buffer);
    bytes whole = buffer_bytes(&bench->buffer);
    for (size_t size = 0; size < whole.size; size++) {
        uint8_t *cut =
            malloc(size == 0 ? 1 : size); // its own block, so that a read past it is seen
        assert_non_null(cut);
        memcpy(cut, whole.data, size);
        struct sample decoded;
        err error = wire_decode(&sample_record, bytes_of(cut, size), bench->arena, &decoded);
        assert_err(error, ERR_CORRUPT);
        struct older older;
        error = wire_decode(&older_record, bytes_of(cut, size), bench->arena, &older);
        assert_err(error, ERR_CORRUPT);
        free(cut);
    }
}

static void bytes_behind_a_record_are_refused(void **state) {
    struct bench *bench = *state;
    struct sample sample = full_sample(bench->arena);
    wire_encode(&sample_record, &sample, &bench->buffer);
    buffer_append_byte(&bench->buffer, 0);
    struct sample decoded;
    err error = wire_decode(&sample_record, buffer_bytes(&bench->buffer), bench->arena, &decoded);
    assert_err(error, ERR_CORRUPT);
    assert_string_equal(error.text, "sample has bytes behind it");
}

static void assert_refused(struct arena *arena, bytes in, const char *text) {
    struct sample decoded;
    err error = wire_decode(&sample_record, in, arena, &decoded);
    assert_err(error, ERR_CORRUPT);
    assert_string_equal(error.text, text);
}

static void a_value_of_another_kind_is_corrupt(void **state) {
    struct bench *bench = *state;
    struct arena *arena = bench->arena;
    assert_refused(arena, BYTES_LITERAL("\x81\x01\xa1x"), "sample.small is of another kind");
    assert_refused(arena, BYTES_LITERAL("\x81\x04\xff"), "sample.serial is of another kind");
    assert_refused(arena, BYTES_LITERAL("\x81\x06\xc3"), "sample.due_ms is of another kind");
    assert_refused(arena, BYTES_LITERAL("\x81\x07\x01"), "sample.paused is of another kind");
    assert_refused(arena, BYTES_LITERAL("\x81\x08\xc4\x01x"), "sample.worker is of another kind");
    assert_refused(arena, BYTES_LITERAL("\x81\x08\xc0"), "sample.worker is of another kind");
    assert_refused(arena, BYTES_LITERAL("\x81\x09\xa1x"), "sample.workflow is of another kind");
    assert_refused(
        arena, BYTES_LITERAL("\x81\x09\xc4\x01x"), "sample.workflow has not the size of an id"
    );
    assert_refused(arena, BYTES_LITERAL("\x81\x0a\x01"), "sample.tasks is of another kind");
    assert_refused(arena, BYTES_LITERAL("\x81\x0a\x91\xc2"), "sample.tasks is of another kind");
    assert_refused(arena, BYTES_LITERAL("\x81\xcc\xc8\x91\x01"), "sample.tags is of another kind");
    assert_refused(arena, BYTES_LITERAL("\x90"), "sample is not a map");
    assert_refused(arena, BYTES_LITERAL("\x81\xa1x\x01"), "sample is of another kind");
    assert_refused(arena, BYTES_LITERAL("\x81\x01\xc1"), "sample.small is not msgpack");
    assert_refused(arena, BYTES_LITERAL("\x81\x63\xc1"), "sample is not msgpack");
}

static void a_number_out_of_range_is_corrupt(void **state) {
    struct bench *bench = *state;
    struct arena *arena = bench->arena;
    assert_refused(arena, BYTES_LITERAL("\x81\x01\xcd\x01\x00"), "sample.small is out of range");
    assert_refused(
        arena, BYTES_LITERAL("\x81\x02\xce\x00\x01\x00\x00"), "sample.port is out of range"
    );
    assert_refused(
        arena,
        BYTES_LITERAL("\x81\x05\xd3\xff\xff\xff\xff\x7f\xff\xff\xff"),
        "sample.change is out of range"
    );
    assert_refused(
        arena,
        BYTES_LITERAL("\x81\x06\xcf\x80\x00\x00\x00\x00\x00\x00\x00"),
        "sample.due_ms is out of range"
    );
}

static void a_tag_that_comes_twice_is_corrupt(void **state) {
    struct bench *bench = *state;
    assert_refused(
        bench->arena, BYTES_LITERAL("\x82\x01\x05\x01\x06"), "sample.small is there twice"
    );
}

static void a_promise_of_more_than_there_is_allocates_nothing(void **state) {
    struct bench *bench = *state;
    size_t before = arena_used(bench->arena);
    assert_refused(
        bench->arena, BYTES_LITERAL("\x81\x0a\xdd\xff\xff\xff\xff\x01"), "sample.tasks is cut short"
    );
    assert_refused(
        bench->arena,
        BYTES_LITERAL("\x81\xcc\xc8\xdd\x7f\xff\xff\xff\xa0"),
        "sample.tags is cut short"
    );
    assert_refused(bench->arena, BYTES_LITERAL("\xdf\xff\xff\xff\xff"), "sample is cut short");
    assert_true(arena_used(bench->arena) - before < 1024);
}

static void a_million_nested_arrays_are_skipped_without_recursion(void **state) {
    struct bench *bench = *state;
    size_t depth = 1000000;
    uint8_t *in = arena_alloc(bench->arena, depth + 3);
    in[0] = 0x81;
    in[1] = 0x63;
    memset(in + 2, 0x91, depth);
    struct sample decoded;
    err error = wire_decode(&sample_record, bytes_of(in, depth + 2), bench->arena, &decoded);
    assert_err(error, ERR_CORRUPT);
    in[depth + 2] = 0x90;
    assert_ok(wire_decode(&sample_record, bytes_of(in, depth + 3), bench->arena, &decoded));
}

static void a_record_prints_on_one_line_without_its_zeros(void **state) {
    struct bench *bench = *state;
    struct sample sample = full_sample(bench->arena);
    wire_print(&sample_record, &sample, &bench->buffer);
    assert_bytes_text(
        buffer_bytes(&bench->buffer),
        "sample{small=255 port=8080 count=70000 serial=18446744073709551615 change=-2147483648 "
        "due_ms=-1 paused=true worker=\"w\\\"1\\x0a\xc3\xa9\" "
        "workflow=3f1c2b54-58a1-4c7e-8a63-010203040506 tasks=[0,127,128,65536,4294967295] "
        "tags=[\"blue\",\"\",\"a tag of more than thirty-two bytes in length\"]}"
    );
    struct sample zero = {.port = 1};
    buffer_clear(&bench->buffer);
    wire_print(&sample_record, &zero, &bench->buffer);
    assert_bytes_text(buffer_bytes(&bench->buffer), "sample{port=1}");
}

static void stored_bytes_are_those_of_every_release(void **state) {
    struct bench *bench = *state;
    struct sample sample = full_sample(bench->arena);
    wire_encode(&sample_record, &sample, &bench->buffer);
    assert_golden(GOLDEN_DIRECTORY, "sample_full", buffer_bytes(&bench->buffer));
    buffer_clear(&bench->buffer);
    struct sample sparse = {.due_ms = 1700000000000, .worker = BYTES_LITERAL("w1")};
    wire_encode(&sample_record, &sparse, &bench->buffer);
    assert_golden(GOLDEN_DIRECTORY, "sample_sparse", buffer_bytes(&bench->buffer));
}

static void a_record_too_large_for_its_buffer_is_told_by_the_buffer(void **state) {
    struct bench *bench = *state;
    struct sample sample = full_sample(bench->arena);
    struct buffer small;
    buffer_init(&small, 40);
    wire_encode(&sample_record, &sample, &small);
    assert_err(buffer_status(&small), ERR_TOO_LARGE);
    buffer_deinit(&small);
}

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_BENCH(a_full_record_comes_back_as_it_was),
        WITH_BENCH(every_width_of_integer_comes_back),
        WITH_BENCH(long_texts_and_lists_come_back),
        WITH_BENCH(absent_fields_are_zero_whatever_was_there),
        WITH_BENCH(an_older_release_skips_the_tags_it_does_not_know),
        WITH_BENCH(an_unknown_tag_may_hold_anything_msgpack_has),
        WITH_BENCH(a_cut_at_every_byte_is_corrupt),
        WITH_BENCH(bytes_behind_a_record_are_refused),
        WITH_BENCH(a_value_of_another_kind_is_corrupt),
        WITH_BENCH(a_number_out_of_range_is_corrupt),
        WITH_BENCH(a_tag_that_comes_twice_is_corrupt),
        WITH_BENCH(a_promise_of_more_than_there_is_allocates_nothing),
        WITH_BENCH(a_million_nested_arrays_are_skipped_without_recursion),
        WITH_BENCH(a_record_prints_on_one_line_without_its_zeros),
        WITH_BENCH(stored_bytes_are_those_of_every_release),
        WITH_BENCH(a_record_too_large_for_its_buffer_is_told_by_the_buffer),
    };
    return cmocka_run_group_tests_name("proto/wire", tests, NULL, NULL);
}
