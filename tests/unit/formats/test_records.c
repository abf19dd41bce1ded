// Records of every release stay readable, and what this release writes does not change unseen.
//
// `release_N/` holds, for each record that release N wrote, one with every field set: to a value
// that follows from tag and kind alone. The files of releases that are out are never written again.
// Those of the release that is being made are held to be whole: after a field was added,
// GOLDEN_REWRITE=1 accepts it, and the diff is what gets reviewed.
#include "proto/wire/wire.h"
#include "tests/unit/formats/records.h"
#include "tests/unit/golden.h"
#include "tests/unit/test.h"

#include <dirent.h>

enum {
    RELEASES = 3, // the newest is the one that is being made
    ITEMS = 3     // of a list
};

#define DECLARE(name) extern const struct wire_record name##_record;
EVERY_RECORD(DECLARE)
#undef DECLARE

#define NAME(name) &name##_record,
static const struct wire_record *const RECORDS[] = {EVERY_RECORD(NAME)};
#undef NAME

enum {
    RECORD_COUNT = sizeof(RECORDS) / sizeof(RECORDS[0])
};

struct bench {
    struct arena *arena;
    struct buffer buffer;
};

static int set_up(void **state) {
    static struct bench bench;
    bench.arena = arena_create(64 * 1024);
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

// --- one record with every field set -------------------------------------------------------------

static bytes text_for(struct arena *arena, unsigned tag, unsigned item) {
    return bytes_from_text(arena_format(arena, "text %u of field %u", item, tag));
}

static void fill_list(struct arena *arena, const struct wire_field *field, uint8_t *at) {
    if (field->kind == WIRE_U32_LIST) {
        struct wire_u32_list list = {ARENA_ARRAY(arena, uint32_t, ITEMS), ITEMS};
        for (unsigned i = 0; i < ITEMS; i++) {
            list.items[i] = (field->tag + i) * 1000;
        }
        memcpy(at, &list, sizeof(list));
    } else {
        struct wire_text_list list = {ARENA_ARRAY(arena, bytes, ITEMS), ITEMS};
        for (unsigned i = 0; i < ITEMS; i++) {
            list.items[i] = text_for(arena, field->tag, i);
        }
        memcpy(at, &list, sizeof(list));
    }
}

#define FILL(type, value)                    \
    do {                                     \
        type filled = (type)(value);         \
        memcpy(at, &filled, sizeof(filled)); \
    } while (0)

static void fill(struct arena *arena, const struct wire_field *field, uint8_t *at) {
    unsigned tag = field->tag;
    id128 id = {{0}};
    bytes text = BYTES_EMPTY;
    switch (field->kind) {
    case WIRE_U8:
        FILL(uint8_t, 100 + tag % 100);
        break;
    case WIRE_U16:
        FILL(uint16_t, 1000 + tag);
        break;
    case WIRE_U32:
        FILL(uint32_t, 100000 + tag);
        break;
    case WIRE_U64:
        FILL(uint64_t, UINT64_C(1) << 40 | tag);
        break;
    case WIRE_I32:
        FILL(int32_t, -100000 - (int32_t)tag);
        break;
    case WIRE_I64:
        FILL(int64_t, INT64_C(1800000000000) + tag);
        break;
    case WIRE_BOOL:
        FILL(bool, true);
        break;
    case WIRE_TEXT:
        text = text_for(arena, tag, 0);
        memcpy(at, &text, sizeof(text));
        break;
    case WIRE_ID:
        memset(id.bytes, (int)tag, sizeof(id.bytes));
        memcpy(at, &id, sizeof(id));
        break;
    case WIRE_U32_LIST:
    case WIRE_TEXT_LIST:
        fill_list(arena, field, at);
        break;
    }
}

static void encode_full(struct bench *bench, const struct wire_record *record) {
    uint8_t *value = arena_alloc(bench->arena, record->size);
    memset(value, 0, record->size);
    for (size_t i = 0; i < record->field_count; i++) {
        fill(bench->arena, &record->fields[i], value + record->fields[i].offset);
    }
    buffer_clear(&bench->buffer);
    wire_encode(record, value, &bench->buffer);
    assert_ok(buffer_status(&bench->buffer));
}

// --- the tests -----------------------------------------------------------------------------------

static void this_release_writes_what_its_files_hold(void **state) {
    struct bench *bench = *state;
    char folder[1024];
    (void)snprintf(folder, sizeof(folder), "%s/release_%d", FORMATS_DIRECTORY, RELEASES);
    for (size_t i = 0; i < RECORD_COUNT; i++) {
        encode_full(bench, RECORDS[i]);
        assert_golden(folder, RECORDS[i]->name, buffer_bytes(&bench->buffer));
        arena_reset(bench->arena);
    }
}

// The stored bytes decode, and say the same again: no tag went to another field, no field is lost,
// none became narrower.
static void
read_release(struct bench *bench, const struct wire_record *record, const char *folder) {
    uint8_t *value = arena_alloc(bench->arena, record->size);
    bytes stored = golden_read(folder, record->name, bench->arena);
    if (stored.data == NULL) {
        return; // that release did not have it
    }
    assert_ok(wire_decode(record, stored, bench->arena, value));
    buffer_clear(&bench->buffer);
    wire_encode(record, value, &bench->buffer);
    assert_int_equal(buffer_bytes(&bench->buffer).size, stored.size);
    assert_memory_equal(buffer_bytes(&bench->buffer).data, stored.data, stored.size);
}

static void every_release_is_read(void **state) {
    struct bench *bench = *state;
    for (int release = 1; release <= RELEASES; release++) {
        char folder[1024];
        (void)snprintf(folder, sizeof(folder), "%s/release_%d", FORMATS_DIRECTORY, release);
        for (size_t i = 0; i < RECORD_COUNT; i++) {
            read_release(bench, RECORDS[i], folder);
            arena_reset(bench->arena);
        }
    }
}

static bool is_known(const char *name) {
    for (size_t i = 0; i < RECORD_COUNT; i++) {
        if (strcmp(RECORDS[i]->name, name) == 0) {
            return true;
        }
    }
    return false;
}

// A record that left the tree is still in the stores of those who ran that release.
static void no_record_of_a_release_is_forgotten(void **state) {
    (void)state;
    for (int release = 1; release <= RELEASES; release++) {
        char folder[1024];
        (void)snprintf(folder, sizeof(folder), "%s/release_%d", FORMATS_DIRECTORY, release);
        DIR *directory = opendir(folder);
        assert_non_null(directory);
        for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
            char *dot = strstr(entry->d_name, ".hex");
            if (dot != NULL) {
                *dot = '\0';
                assert_true(is_known(entry->d_name));
            }
        }
        (void)closedir(directory);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(this_release_writes_what_its_files_hold, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_release_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_record_of_a_release_is_forgotten, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("formats/records", tests, NULL, NULL);
}
