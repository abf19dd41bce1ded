// Stored bytes that must not change by accident: a test's output against a file of hex.
//
// With GOLDEN_REWRITE set in the environment the file is written instead; the diff is what gets
// reviewed. The folder comes from the test's own list: see tests/unit/proto_wire/tests.cmake.
#pragma once

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

// `directory`/`name`.hex holds exactly `actual`.
static inline void assert_golden(const char *directory, const char *name, bytes actual) {
    char path[4096];
    int size = snprintf(path, sizeof(path), "%s/%s.hex", directory, name);
    assert_true(size > 0 && (size_t)size < sizeof(path));
    if (getenv("GOLDEN_REWRITE") != NULL) {
        golden_write(path, actual);
    }
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fail_msg("%s is not there", path);
    }
    uint8_t *stored = malloc(GOLDEN_BYTES_MAX);
    assert_non_null(stored);
    size_t count = 0;
    unsigned byte = 0;
    while (count < GOLDEN_BYTES_MAX && fscanf(file, "%2x", &byte) == 1) {
        stored[count++] = (uint8_t)byte;
    }
    assert_int_equal(fclose(file), 0);
    assert_int_equal(count, actual.size);
    assert_memory_equal(stored, actual.data, actual.size);
    free(stored);
}
