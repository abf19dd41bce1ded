// Stored bytes that must not change by accident: a test's output against a file of hex.
//
// With GOLDEN_REWRITE set in the environment the file is written instead; the diff is what gets
// reviewed. The folder comes from the test's own list: see tests/unit/proto_wire/tests.cmake.
#pragma once

#include "proto/base/arena.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    GOLDEN_BYTES_MAX = 64 * 1024,
    GOLDEN_LINE_BYTES = 32
};

static inline void golden_write(const char *path, bytes actual) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (size_t at = 0; at < actual.size; at++) {
        bool ends = at + 1 == actual.size || at % GOLDEN_LINE_BYTES == GOLDEN_LINE_BYTES - 1;
        assert_true(fprintf(file, "%02x%s", (unsigned)actual.data[at], ends ? "\n" : "") > 0);
    }
    assert_int_equal(fclose(file), 0);
}

// The bytes in `directory`/`name`.hex, in `arena`; none when there is no such file.
static inline bytes golden_read(const char *directory, const char *name, struct arena *arena) {
    FILE *file = fopen(arena_format(arena, "%s/%s.hex", directory, name), "r");
    if (file == NULL) {
        return (bytes){0};
    }
    uint8_t *stored = arena_alloc(arena, GOLDEN_BYTES_MAX);
    size_t count = 0;
    unsigned byte = 0;
    while (count < GOLDEN_BYTES_MAX && fscanf(file, "%2x", &byte) == 1) {
        stored[count++] = (uint8_t)byte;
    }
    assert_int_equal(fclose(file), 0);
    return bytes_of(stored, count);
}

// `directory`/`name`.hex holds exactly `actual`.
static inline void assert_golden(const char *directory, const char *name, bytes actual) {
    struct arena *arena = arena_create(2 * GOLDEN_BYTES_MAX);
    if (getenv("GOLDEN_REWRITE") != NULL) {
        golden_write(arena_format(arena, "%s/%s.hex", directory, name), actual);
    }
    bytes stored = golden_read(directory, name, arena);
    if (stored.data == NULL) {
        fail_msg("%s/%s.hex is not there", directory, name);
    }
    assert_int_equal(stored.size, actual.size);
    assert_memory_equal(stored.data, actual.data, actual.size);
    arena_destroy(&arena);
}
