// Any bytes through wire_decode; what it accepts must come back from its own encoding, and must be
// one whole msgpack object to msgpack-c too.
#include "proto/wire/wire.h"

#include "tests/fuzz/fuzz.h"

#include <msgpack.h>

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

// msgpack-c refuses deep nesting for want of room; then it has no opinion.
static void check_against_msgpack(bytes in) {
    msgpack_unpacked unpacked;
    msgpack_unpacked_init(&unpacked);
    size_t read = 0;
    msgpack_unpack_return result =
        msgpack_unpack_next(&unpacked, (const char *)in.data, in.size, &read);
    check(result == MSGPACK_UNPACK_SUCCESS || result == MSGPACK_UNPACK_NOMEM_ERROR);
    if (result == MSGPACK_UNPACK_SUCCESS) {
        check(read == in.size);
        check(unpacked.data.type == MSGPACK_OBJECT_MAP);
    }
    msgpack_unpacked_destroy(&unpacked);
}

static void check_printed(const struct sample *sample) {
    struct buffer printed;
    buffer_init(&printed, SIZE_MAX);
    wire_print(&sample_record, sample, &printed);
    bytes line = buffer_bytes(&printed);
    check(bytes_starts_with(line, BYTES_LITERAL("sample{")));
    check(bytes_find(line, 0, '\n') == line.size);
    buffer_deinit(&printed);
}

static void check_round_trip(const struct sample *sample, struct arena *arena) {
    struct buffer first;
    struct buffer second;
    buffer_init(&first, SIZE_MAX);
    buffer_init(&second, SIZE_MAX);
    wire_encode(&sample_record, sample, &first);
    struct sample again;
    check(!err_is(wire_decode(&sample_record, buffer_bytes(&first), arena, &again)));
    wire_encode(&sample_record, &again, &second);
    check(bytes_equal(buffer_bytes(&first), buffer_bytes(&second)));
    check(again.due_ms == sample->due_ms && again.change == sample->change);
    check(again.serial == sample->serial && again.small == sample->small);
    check(bytes_equal(again.worker, sample->worker));
    check(again.tags.count == sample->tags.count && again.tasks.count == sample->tasks.count);
    check_against_msgpack(buffer_bytes(&first));
    buffer_deinit(&first);
    buffer_deinit(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
    struct arena *arena = arena_create(4096);
    struct sample sample;
    err error = wire_decode(&sample_record, bytes_of(input, size), arena, &sample);
    check(arena_used(arena) <= 16 * size + 1024);
    if (err_is(error)) {
        check(error.code == ERR_CORRUPT);
    } else {
        check_against_msgpack(bytes_of(input, size));
        check_printed(&sample);
        check_round_trip(&sample, arena);
    }
    arena_destroy(&arena);
    return 0;
}
