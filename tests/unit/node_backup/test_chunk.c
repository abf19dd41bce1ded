// node/backup: what is damaged or cut short anywhere is refused, never read as something else.
#include "node/backup/chunk.h"
#include "node/backup/manifest.h"
#include "proto/limits.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

static void write_rows(struct buffer *out) {
    struct buffer rows;
    buffer_init(&rows, 4096);
    store_writes_put(&rows, BYTES_LITERAL("Wkey"), BYTES_LITERAL("value"));
    store_writes_put(&rows, BYTES_LITERAL("Xkey"), BYTES_LITERAL(""));
    struct backup_chunk head = {
        .group = 7,
        .groups = 9,
        .count = 2,
        .index = 300,
        .next = BYTES_LITERAL("Y"),
    };
    backup_chunk_write(BACKUP_ROWS, &head, buffer_bytes(&rows), out);
    buffer_deinit(&rows);
}

static void a_chunk_comes_back_as_it_was_written(void **state) {
    (void)state;
    struct arena *arena = arena_create(4096);
    struct buffer chunk;
    buffer_init(&chunk, 4096);
    write_rows(&chunk);
    enum backup_chunk_kind kind = BACKUP_CHUNK_KINDS;
    struct backup_chunk head;
    bytes body = BYTES_EMPTY;
    assert_ok(backup_chunk_read(buffer_bytes(&chunk), arena, &kind, &head, &body));
    assert_int_equal(kind, BACKUP_ROWS);
    assert_int_equal(head.group, 7);
    assert_int_equal(head.index, 300);
    assert_bytes_text(head.next, "Y");
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    assert_true(store_writes_take(&body, &key, &value));
    assert_bytes_text(key, "Wkey");
    assert_bytes_text(value, "value");
    assert_true(store_writes_take(&body, &key, &value));
    assert_int_equal(value.size, 0);
    assert_false(store_writes_take(&body, &key, &value));
    buffer_deinit(&chunk);
    arena_destroy(&arena);
}

static void a_chunk_with_any_byte_changed_or_cut_is_refused(void **state) {
    (void)state;
    struct arena *arena = arena_create(4096);
    struct buffer chunk;
    buffer_init(&chunk, 4096);
    write_rows(&chunk);
    enum backup_chunk_kind kind = BACKUP_CHUNK_KINDS;
    struct backup_chunk head;
    bytes body = BYTES_EMPTY;
    for (size_t at = 0; at < chunk.size; at++) {
        chunk.data[at] ^= 0x10;
        assert_err(
            backup_chunk_read(buffer_bytes(&chunk), arena, &kind, &head, &body), ERR_CORRUPT
        );
        chunk.data[at] ^= 0x10;
        bytes cut = bytes_slice(buffer_bytes(&chunk), 0, at);
        assert_err(backup_chunk_read(cut, arena, &kind, &head, &body), ERR_CORRUPT);
    }
    buffer_deinit(&chunk);
    arena_destroy(&arena);
}

static void a_chunk_that_counts_wrong_is_refused(void **state) {
    (void)state;
    struct arena *arena = arena_create(4096);
    struct buffer chunk;
    buffer_init(&chunk, 4096);
    struct backup_chunk head = {.count = 1};
    backup_chunk_write(BACKUP_ENTRIES, &head, BYTES_EMPTY, &chunk);
    enum backup_chunk_kind kind = BACKUP_CHUNK_KINDS;
    bytes body = BYTES_EMPTY;
    assert_err(backup_chunk_read(buffer_bytes(&chunk), arena, &kind, &head, &body), ERR_CORRUPT);
    buffer_deinit(&chunk);
    arena_destroy(&arena);
}

static void entries_come_back_one_behind_the_other(void **state) {
    (void)state;
    struct buffer body;
    buffer_init(&body, 4096);
    struct store_entry entry = {3, -1, {1, 2}, BYTES_LITERAL("payload")};
    backup_entry_put(&body, &entry);
    entry.payload = BYTES_EMPTY;
    backup_entry_put(&body, &entry);
    bytes rest = buffer_bytes(&body);
    struct store_entry back;
    assert_true(backup_entry_take(&rest, &back));
    assert_bytes_text(back.payload, "payload");
    assert_int_equal(back.time_ms, -1);
    assert_int_equal(back.chain.low, 2);
    assert_true(backup_entry_take(&rest, &back));
    assert_int_equal(back.payload.size, 0);
    assert_false(backup_entry_take(&rest, &back));
    buffer_deinit(&body);
}

static void what_is_the_clusters_own_is_told_from_what_is_backed_up(void **state) {
    (void)state;
    assert_true(backup_is_own(0, BYTES_LITERAL("N....")));
    assert_true(backup_is_own(0, BYTES_LITERAL("V")));
    assert_false(backup_is_own(0, BYTES_LITERAL("C\1name\0....")));
    assert_false(backup_is_own(3, BYTES_LITERAL("N........"))); // queue counters
    assert_false(backup_is_own(3, BYTES_LITERAL("P........")));
    assert_true(backup_is_soft(3, BYTES_LITERAL("P........")));
    assert_true(backup_is_own(3, BYTES_LITERAL("M")));
}

static void a_manifest_comes_back_and_any_change_of_it_is_seen(void **state) {
    (void)state;
    struct arena *arena = arena_create(4096);
    struct backup_group groups[2] = {
        {.first = 1, .checked = 2, .mark = 3, .state = {4, 5}, .rows = {6, 7, {8, 9}}},
        {.first = 0, .checked = 0, .mark = 1, .log = {10, 11, {12, 13}}},
    };
    struct backup_manifest manifest = {
        .cluster = {{1, 2, 3}},
        .number = 14,
        .version = BYTES_LITERAL("0.1.0"),
        .group_count = 2,
        .groups = groups,
    };
    struct buffer text;
    buffer_init(&text, 4096);
    backup_manifest_write(&manifest, &text);
    struct backup_manifest back;
    assert_ok(backup_manifest_read(buffer_bytes(&text), arena, &back));
    assert_int_equal(back.number, 14);
    assert_int_equal(back.group_count, 2);
    assert_int_equal(back.groups[0].rows.digest.low, 9);
    assert_int_equal(back.groups[1].log.count, 11);
    assert_memory_equal(back.cluster.bytes, manifest.cluster.bytes, 16);
    for (size_t at = 0; at < text.size; at++) {
        text.data[at] ^= 1;
        assert_err(backup_manifest_read(buffer_bytes(&text), arena, &back), ERR_CORRUPT);
        text.data[at] ^= 1;
        bytes cut = bytes_slice(buffer_bytes(&text), 0, at);
        assert_err(backup_manifest_read(cut, arena, &back), ERR_CORRUPT);
    }
    buffer_deinit(&text);
    arena_destroy(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chunk_comes_back_as_it_was_written),
        cmocka_unit_test(a_chunk_with_any_byte_changed_or_cut_is_refused),
        cmocka_unit_test(a_chunk_that_counts_wrong_is_refused),
        cmocka_unit_test(entries_come_back_one_behind_the_other),
        cmocka_unit_test(what_is_the_clusters_own_is_told_from_what_is_backed_up),
        cmocka_unit_test(a_manifest_comes_back_and_any_change_of_it_is_seen),
    };
    return cmocka_run_group_tests_name("node/backup/chunk", tests, NULL, NULL);
}
