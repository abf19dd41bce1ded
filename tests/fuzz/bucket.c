// What a service that speaks S3 says: the input is an answer's body, read as a page of a list and
// as an error. It is refused, or its names and sizes lie in it and can be read again.
#include "node/bucket/answer.h"
#include "proto/base/check.h"
#include "tests/fuzz/fuzz.h"

static err note(void *argument, bytes key, uint64_t size) {
    size_t *total = argument;
    (void)size;
    *total += key.size;
    return ERR_NONE;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
    struct arena *arena = arena_create(4096);
    bytes in = bytes_of(input, size);
    bytes next = BYTES_EMPTY;
    size_t total = 0;
    struct bucket_error error;
    err read = bucket_list_read(in, arena, note, &total, &next);
    check(!err_is(read) || read.code == ERR_CORRUPT);
    check(total <= size && next.size <= size);
    bucket_error_read(in, arena, &error);
    check(error.code.size + error.message.size + error.region.size <= size);
    for (size_t i = 0; i < error.message.size; i++) {
        check(error.message.data[i] >= ' ' && error.message.data[i] <= '~');
    }
    arena_destroy(&arena);
    return 0;
}
