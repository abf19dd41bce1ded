// A store that a release wrote is opened by every later one: log, rows, terms and votes are there.
//
// `release_N/store.image` is a small store as text: its log's files and its map's rows. Part of it
// is in the map, part only in the log. What this release writes is held to be that of the release
// that is being made, byte for byte; GOLDEN_REWRITE=1 accepts a change, and the diff is what gets
// reviewed.
#include "tests/unit/storage/rig.h"

enum {
    RELEASES = 3, // the newest is the one that is being made
    GROUP_A = 1,
    GROUP_B = 3,
    TERM = 7,
    VOTE = 2,
    SEGMENT_BYTES = 16 * 1024,
    IMAGE_BYTES_MAX = 256 * 1024,
    NAMES_MAX = 16
};

#define KEY(text) BYTES_LITERAL(text)

// --- the store -----------------------------------------------------------------------------------

// Some of it is checkpointed, some stays in the log.
static void write_store(struct rig *rig) {
    rig_open(rig);
    (void)store_hard_state(rig->store, GROUP_A, TERM, VOTE);
    (void)rig_put(rig, GROUP_A, KEY("first"), KEY("in the map"));
    (void)rig_put(rig, GROUP_A, KEY("changed"), KEY("old"));
    (void)rig_put(rig, GROUP_B, KEY("gone"), KEY("for now"));
    rig_sync(rig);
    rig_checkpoint(rig);
    (void)rig_put(rig, GROUP_A, KEY("changed"), KEY("new, in the log"));
    (void)rig_put(rig, GROUP_B, KEY("gone"), (bytes){0});
    rig_sync(rig);
    (void)rig_put(rig, GROUP_B, KEY("last"), KEY("behind the newest hint of a commit"));
    assert_ok(rig_try_sync(rig));
}

static void expect_store(struct rig *rig) {
    struct store_group group = store_group(rig->store, GROUP_A);
    assert_int_equal(group.term, TERM);
    assert_int_equal(group.vote, VOTE);
    assert_int_equal(group.last_index, 3);
    assert_int_equal(store_group(rig->store, GROUP_B).last_index, 3);
    rig_commit_all(rig);
    rig_expect(rig, GROUP_A, KEY("first"), KEY("in the map"));
    rig_expect(rig, GROUP_A, KEY("changed"), KEY("new, in the log"));
    rig_expect(rig, GROUP_B, KEY("gone"), (bytes){0});
    rig_expect(rig, GROUP_B, KEY("last"), KEY("behind the newest hint of a commit"));
}

// --- its image -----------------------------------------------------------------------------------

struct names {
    char items[NAMES_MAX][DISK_NAME_BYTES_MAX + 1];
    size_t count;
};

static void note_name(void *argument, const char *name) {
    struct names *names = argument;
    assert_true(names->count < NAMES_MAX);
    (void)snprintf(names->items[names->count++], sizeof(names->items[0]), "%s", name);
}

static int name_order(const void *left, const void *right) {
    return strcmp(left, right);
}

static void image_hex(struct buffer *out, bytes content) {
    for (size_t i = 0; i < content.size; i++) {
        buffer_format(out, "%02x", (unsigned)content.data[i]);
    }
}

// A block of a file, without the zeros at its end.
static void image_block(struct buffer *out, bytes content, size_t offset) {
    bytes block = bytes_slice(content, offset, offset + DISK_BLOCK_BYTES);
    while (block.size > 0 && block.data[block.size - 1] == 0) {
        block.size--;
    }
    if (block.size > 0) {
        buffer_format(out, "at %zu ", offset);
        image_hex(out, block);
        buffer_format(out, "\n");
    }
}

static void image_files(struct disk *disk, struct buffer *out) {
    struct names names = {.count = 0};
    assert_ok(disk_list(disk, note_name, &names));
    qsort(names.items, names.count, sizeof(names.items[0]), name_order);
    for (size_t i = 0; i < names.count; i++) {
        bytes content = BYTES_EMPTY;
        assert_true(memory_disk_content(disk, names.items[i], &content));
        buffer_format(out, "file %s %zu\n", names.items[i], content.size);
        for (size_t offset = 0; offset < content.size; offset += DISK_BLOCK_BYTES) {
            image_block(out, content, offset);
        }
    }
}

static void image_rows(struct sorted_map *map, struct buffer *out) {
    struct map_snapshot *snapshot = NULL;
    assert_ok(map_snapshot_begin(map, &snapshot));
    for (int table = 0; table < MAP_TABLE_COUNT; table++) {
        struct map_cursor *cursor = NULL;
        assert_ok(map_cursor_open(map, snapshot, (enum map_table)table, &cursor));
        bytes key = BYTES_EMPTY;
        bytes value = BYTES_EMPTY;
        err error = map_cursor_seek(map, cursor, BYTES_EMPTY, &key, &value);
        while (!err_is(error)) {
            buffer_format(out, "row %d ", table);
            image_hex(out, key);
            buffer_format(out, " ");
            image_hex(out, value);
            buffer_format(out, "\n");
            error = map_cursor_next(map, cursor, &key, &value);
        }
        assert_int_equal(error.code, ERR_NOT_FOUND);
        map_cursor_close(map, cursor);
    }
    map_snapshot_end(map, snapshot);
}

// --- an image read -------------------------------------------------------------------------------

static bytes unhex(struct arena *arena, const char *text) {
    size_t size = strlen(text) / 2;
    uint8_t *out = arena_alloc(arena, size + 1);
    for (size_t i = 0; i < size; i++) {
        unsigned byte = 0;
        assert_int_equal(sscanf(text + 2 * i, "%2x", &byte), 1);
        out[i] = (uint8_t)byte;
    }
    return bytes_of(out, size);
}

struct image_reader {
    struct rig *rig;
    struct disk_file *file; // the one being filled
    struct map_txn *txn;
};

static void close_file(struct image_reader *reader) {
    if (reader->file != NULL) {
        assert_ok(disk_sync(reader->rig->disk, reader->file));
        disk_close(reader->rig->disk, reader->file);
        reader->file = NULL;
    }
}

static void take_line(struct image_reader *reader, char *line) {
    struct rig *rig = reader->rig;
    char name[DISK_NAME_BYTES_MAX + 1];
    size_t number = 0;
    int at = 0;
    if (sscanf(line, "file %63s %zu", name, &number) == 2) {
        close_file(reader);
        assert_ok(disk_create(rig->disk, name, number, &reader->file));
    } else if (sscanf(line, "at %zu %n", &number, &at) == 1) {
        bytes content = unhex(rig->arena, line + at);
        assert_ok(disk_write(rig->disk, reader->file, number, content.data, content.size));
    } else if (sscanf(line, "row %zu %n", &number, &at) == 1) {
        char *value = strchr(line + at, ' ');
        assert_non_null(value);
        *value++ = '\0';
        enum map_table table = (enum map_table)number;
        bytes key = unhex(rig->arena, line + at);
        assert_ok(map_txn_put(rig->map, reader->txn, table, key, unhex(rig->arena, value)));
    } else {
        fail_msg("not a line of an image: %s", line);
    }
}

static void read_image(struct rig *rig, const char *path) {
    static char line[IMAGE_BYTES_MAX];
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fail_msg("%s is not there", path);
    }
    struct image_reader reader = {.rig = rig};
    assert_ok(map_txn_begin(rig->map, &reader.txn));
    while (fgets(line, sizeof(line), file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        take_line(&reader, line);
    }
    assert_int_equal(fclose(file), 0);
    close_file(&reader);
    assert_ok(map_txn_commit(rig->map, reader.txn));
    assert_ok(disk_sync_directory(rig->disk));
}

static const char *image_path(struct rig *rig, int release) {
    return arena_format(rig->arena, "%s/release_%d/store.image", FORMATS_DIRECTORY, release);
}

// --- the tests -----------------------------------------------------------------------------------

static void this_release_writes_its_image(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig, RIG_MEMORY, SEGMENT_BYTES);
    write_store(&rig);
    struct buffer image;
    buffer_init(&image, IMAGE_BYTES_MAX);
    image_files(rig.disk, &image);
    image_rows(rig.map, &image);
    assert_ok(buffer_status(&image));
    bytes written = buffer_bytes(&image);
    const char *path = image_path(&rig, RELEASES);
    if (getenv("GOLDEN_REWRITE") != NULL) { // NOLINT(concurrency-mt-unsafe): one thread
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_int_equal(fwrite(written.data, 1, written.size, file), written.size);
        assert_int_equal(fclose(file), 0);
    }
    char *stored = arena_alloc(rig.arena, IMAGE_BYTES_MAX);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fread(stored, 1, IMAGE_BYTES_MAX, file), written.size);
    assert_int_equal(fclose(file), 0);
    assert_memory_equal(stored, written.data, written.size);
    buffer_deinit(&image);
    rig_deinit(&rig);
}

static void every_release_is_opened(void **state) {
    (void)state;
    for (int release = 1; release <= RELEASES; release++) {
        struct rig rig;
        rig_init(&rig, RIG_MEMORY, SEGMENT_BYTES);
        read_image(&rig, image_path(&rig, release));
        rig_open(&rig);
        expect_store(&rig);
        (void)rig_put(&rig, GROUP_A, KEY("next"), KEY("by this release"));
        rig_sync(&rig);
        rig_checkpoint(&rig);
        assert_ok(rig_crash(&rig));
        rig_commit_all(&rig);
        rig_expect(&rig, GROUP_A, KEY("next"), KEY("by this release"));
        rig_expect(&rig, GROUP_B, KEY("last"), KEY("behind the newest hint of a commit"));
        rig_deinit(&rig);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(this_release_writes_its_image),
        cmocka_unit_test(every_release_is_opened),
    };
    return cmocka_run_group_tests_name("formats/store_image", tests, NULL, NULL);
}
