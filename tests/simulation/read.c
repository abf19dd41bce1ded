#include "tests/simulation/read.h"

#include "proto/json/json.h"

#include <string.h>

bytes read_value(bytes object, const char *key) {
    bytes value = BYTES_EMPTY;
    return json_get_text(object, key, &value) ? value : BYTES_EMPTY;
}

bytes read_text(bytes object, const char *key, struct arena *arena) {
    bytes value = read_value(object, key);
    if (value.data == NULL || !json_is_string(value)) {
        return BYTES_EMPTY;
    }
    return json_string(value, arena);
}

int64_t read_int(bytes object, const char *key) {
    bytes value = read_value(object, key);
    int64_t number = 0;
    if (value.data != NULL && json_i64(value, &number)) {
        return number;
    }
    return 0;
}

bool read_bool(bytes object, const char *key) {
    bytes value = read_value(object, key);
    return value.data != NULL && json_kind(value) == JSON_TRUE;
}

bool read_is(bytes object, const char *key, const char *text) {
    bytes value = read_value(object, key);
    return value.data != NULL && json_is_string(value) &&
           json_string_equal(value, bytes_from_text(text));
}

id128 read_id(bytes object, const char *key) {
    bytes value = read_value(object, key);
    id128 id = {{0}};
    if (value.size == ID_TEXT_BYTES + 2 && id_parse(bytes_slice(value, 1, value.size - 1), &id)) {
        return id;
    }
    return (id128){{0}};
}

struct id_text id_text(id128 id) {
    struct id_text out = {{0}};
    id_format(id, out.text);
    return out;
}

bool raw_is(bytes raw, const char *text) {
    size_t size = strlen(text);
    return raw.size == size + 2 && raw.data[0] == '"' && memcmp(raw.data + 1, text, size) == 0;
}

bool read_contains(bytes text, const char *part) {
    bytes wanted = bytes_from_text(part);
    bool found = false;
    for (size_t i = 0; i + wanted.size <= text.size && !found; i++) {
        found = memcmp(text.data + i, part, wanted.size) == 0;
    }
    return found;
}

static bool is_one_of(bytes status, const char *const *texts) {
    for (size_t i = 0; texts[i] != NULL; i++) {
        if (bytes_equal_text(status, texts[i])) {
            return true;
        }
    }
    return false;
}

bool status_is_terminal(bytes status) {
    static const char *const open[] = {"RUNNING", "PAUSED", "SCHEDULED", "IN_PROGRESS", NULL};
    return !is_one_of(status, open);
}

bool status_is_successful(bytes status) {
    static const char *const failed[] = {
        "FAILED", "FAILED_WITH_TERMINAL_ERROR", "TIMED_OUT", "CANCELED", "TERMINATED", NULL};
    return !is_one_of(status, failed);
}
