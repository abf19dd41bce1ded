// storage/wal over the twin disk: round trips, torn tails, damage, segments used again.
#include "storage/memory/memory.h"
#include "storage/wal/segment.h"
#include "storage/wal/varint.h"
#include "storage/wal/wal.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SEGMENT_BYTES = 16 * 1024
};

struct log {
    struct memory_faults faults;
    struct disk *disk;
    struct arena *arena;
    struct wal_options options;
    struct wal *wal;
    log_index next; // of the entry to write
    // of the last recovery
    log_index first_read;
    log_index last_read;
    size_t payload_read;
};

static err note(void *argument, const struct record *record, log_lsn lsn, uint64_t segment) {
    struct log *log = argument;
    assert_int_equal(record->type, RECORD_ENTRY);
    assert_int_equal(record->group, 3);
    assert_int_equal(lsn, record->index);
    assert_true(segment >= log->options.first_segment);
    if (log->last_read != 0) {
        assert_int_equal(record->index, log->last_read + 1);
    } else {
        log->first_read = record->index;
    }
    for (size_t i = 0; i < record->payload.size; i++) {
        assert_int_equal(record->payload.data[i], (uint8_t)(record->index * 31 + i));
    }
    log->last_read = record->index;
    log->payload_read += record->payload.size;
    return ERR_NONE;
}

static err try_open(struct log *log) {
    log->first_read = 0;
    log->last_read = 0;
    log->payload_read = 0;
    err error = wal_open(&log->options, log->arena, note, log, &log->wal);
    if (!err_is(error)) {
        log->options.formatting = false;
        log->next = wal_next_lsn(log->wal);
    }
    return error;
}

static void init(struct log *log) {
    *log = (struct log){.next = 1};
    log->arena = arena_create(1024);
    memory_faults_init(&log->faults, 5);
    log->disk = memory_disk_create(&log->faults);
    log->options = (struct wal_options){
        .disk = log->disk,
        .segment_bytes = SEGMENT_BYTES,
        .cluster = "cluster",
        .store_uuid = "store",
        .first_segment = 1,
        .formatting = true,
        .random_seed = 11,
    };
    assert_ok(try_open(log));
}

static void deinit(struct log *log) {
    wal_close(&log->wal);
    memory_disk_destroy(&log->disk);
    arena_destroy(&log->arena);
}

// Writes one batch of `count` entries with `payload_bytes` each. Returns the segment it begins in.
static uint64_t write_batch(struct log *log, size_t count, size_t payload_bytes) {
    bytes *pieces = calloc(count, sizeof(bytes));
    assert_non_null(pieces);
    for (size_t i = 0; i < count; i++) {
        uint8_t *piece = arena_alloc(log->arena, RECORD_HEAD_BYTES_MAX + payload_bytes);
        struct record record = {
            .type = RECORD_ENTRY,
            .group = 3,
            .index = log->next++,
            .term = 7,
            .payload = {piece, payload_bytes},
        };
        size_t head = record_encode_head(&record, piece);
        for (size_t at = 0; at < payload_bytes; at++) {
            piece[head + at] = (uint8_t)(record.index * 31 + at);
        }
        pieces[i] = bytes_of(piece, head + payload_bytes);
    }
    uint64_t written = 0;
    uint64_t segment = 0;
    assert_ok(wal_write(log->wal, pieces, count, (uint32_t)count, &written, &segment));
    assert_int_equal(written % 4096, 0);
    free(pieces);
    return segment;
}

static err reopen(struct log *log) {
    wal_close(&log->wal);
    memory_disk_crash(log->disk);
    return try_open(log);
}

static const char *first_name(void) {
    return "wal-00000000";
}

static const char *second_name(void) {
    return "wal-00000001";
}

static void records_come_back_as_they_were_written(void **state) {
    (void)state;
    struct record records[] = {
        {.type = RECORD_ENTRY,
         .group = 65535,
         .index = UINT64_MAX,
         .term = UINT64_MAX,
         .time_ms = INT64_MAX,
         .chain = {1, 2},
         .payload = BYTES_LITERAL("payload")},
        {.type = RECORD_MOVED, .index = 1, .payload = BYTES_LITERAL("")},
        {.type = RECORD_HARD, .group = 1, .term = UINT64_MAX, .vote = 65535},
        {.type = RECORD_COMMIT, .group = 300, .index = 1000000},
        {.type = RECORD_CUT, .group = 2, .index = UINT64_MAX},
        {.type = RECORD_INSTALL,
         .group = 65535,
         .epoch = UINT64_MAX,
         .index = UINT64_MAX,
         .term = UINT64_MAX,
         .time_ms = INT64_MAX,
         .chain = {3, 4}},
    };
    for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
        uint8_t bytes_written[128];
        size_t head = record_encode_head(&records[i], bytes_written);
        if (records[i].payload.size > 0) {
            memcpy(bytes_written + head, records[i].payload.data, records[i].payload.size);
        }
        size_t whole = head + records[i].payload.size;
        bytes rest = bytes_of(bytes_written, whole);
        struct record read;
        assert_true(record_take(&rest, &read));
        assert_int_equal(rest.size, 0);
        assert_int_equal(read.type, records[i].type);
        assert_int_equal(read.group, records[i].group);
        assert_true(read.index == records[i].index);
        assert_true(read.term == records[i].term);
        assert_true(read.epoch == records[i].epoch);
        assert_int_equal(read.vote, records[i].vote);
        assert_true(read.time_ms == records[i].time_ms);
        assert_true(hash128_equal(read.chain, records[i].chain));
        assert_true(bytes_equal(read.payload, records[i].payload));
        for (size_t size = 0; size < whole; size++) {
            rest = bytes_of(bytes_written, size);
            assert_false(record_take(&rest, &read));
        }
    }
    bytes unknown = BYTES_LITERAL("\x63\x01\x01");
    struct record read;
    assert_false(record_take(&unknown, &read));
}

static void numbers_of_any_size_come_back_and_longer_ones_are_refused(void **state) {
    (void)state;
    uint8_t room[VARINT_BYTES_MAX];
    for (unsigned shift = 0; shift < 64; shift++) {
        uint64_t value = (uint64_t)1 << shift;
        bytes rest = bytes_of(room, varint_put(room, value));
        uint64_t read = 0;
        assert_true(varint_take(&rest, &read));
        assert_true(read == value);
        assert_int_equal(rest.size, 0);
    }
    bytes over = BYTES_LITERAL("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02");
    uint64_t read = 0;
    assert_false(varint_take(&over, &read));
}

static void batches_come_back_in_order_over_many_segments(void **state) {
    (void)state;
    struct log log;
    init(&log);
    for (size_t i = 0; i < 60; i++) {
        (void)write_batch(&log, 1 + i % 4, i * 97 % 5000);
    }
    log_index last = log.next - 1;
    assert_true(wal_active_segment(log.wal) > 10);
    assert_ok(reopen(&log));
    assert_int_equal(log.first_read, 1);
    assert_int_equal(log.last_read, last);
    (void)write_batch(&log, 1, 10);
    assert_ok(reopen(&log));
    assert_int_equal(log.last_read, last + 1);
    deinit(&log);
}

static void a_torn_tail_is_cut_and_written_over(void **state) {
    (void)state;
    struct log log;
    init(&log);
    (void)write_batch(&log, 2, 100);  // at 4096
    (void)write_batch(&log, 1, 6000); // at 8192, two blocks
    assert_true(memory_disk_damage(log.disk, first_name(), 8192 + 4096, 512));
    assert_ok(reopen(&log));
    assert_int_equal(log.last_read, 2);
    (void)write_batch(&log, 1, 50);
    (void)write_batch(&log, 1, 50);
    assert_ok(reopen(&log));
    assert_int_equal(log.last_read, 4);
    deinit(&log);
}

static void damage_before_a_valid_batch_is_refused(void **state) {
    (void)state;
    for (uint64_t block = 1; block <= 2; block++) {
        for (uint64_t at = 0; at < 100; at += 7) {
            struct log log;
            init(&log);
            (void)write_batch(&log, 1, 100);
            (void)write_batch(&log, 1, 100);
            (void)write_batch(&log, 1, 100);
            assert_true(memory_disk_damage(log.disk, first_name(), block * 4096 + at, 1));
            err error = reopen(&log);
            assert_err(error, ERR_CORRUPT);
            assert_non_null(strstr(error.text, first_name()));
            deinit(&log);
        }
    }
}

static void damage_at_the_end_of_a_segment_is_refused_when_another_follows(void **state) {
    (void)state;
    struct log log;
    init(&log);
    (void)write_batch(&log, 1, 3000);
    (void)write_batch(&log, 1, 3000);
    (void)write_batch(&log, 1, 3000);
    (void)write_batch(&log, 1, 3000);
    assert_int_equal(wal_active_segment(log.wal), 2);
    assert_true(memory_disk_damage(log.disk, first_name(), 3 * 4096 + 20, 1));
    assert_err(reopen(&log), ERR_CORRUPT);
    deinit(&log);
}

static void a_missing_segment_is_refused(void **state) {
    (void)state;
    struct log log;
    init(&log);
    for (int i = 0; i < 8; i++) {
        (void)write_batch(&log, 1, 3000);
    }
    assert_int_equal(wal_active_segment(log.wal), 3);
    wal_close(&log.wal);
    struct disk *disk = log.disk;
    assert_ok(disk_remove(disk, second_name()));
    assert_err(try_open(&log), ERR_CORRUPT);
    assert_ok(disk_remove(disk, first_name()));
    assert_ok(disk_remove(disk, "wal-00000002"));
    assert_err(try_open(&log), ERR_CORRUPT);
    deinit(&log);
}

static void one_rotten_header_copy_is_survived_and_two_are_not(void **state) {
    (void)state;
    struct log log;
    init(&log);
    (void)write_batch(&log, 1, 100);
    assert_true(memory_disk_damage(log.disk, first_name(), 30, 1));
    assert_ok(reopen(&log));
    assert_int_equal(log.last_read, 1);
    assert_true(memory_disk_damage(log.disk, first_name(), SEGMENT_HEADER_COPY_AT + 30, 1));
    assert_err(reopen(&log), ERR_CORRUPT);
    deinit(&log);
}

static void old_batches_of_a_segment_used_again_are_not_accepted(void **state) {
    (void)state;
    struct log log;
    init(&log);
    for (int i = 0; i < 6; i++) {
        (void)write_batch(&log, 1, 3000);
    }
    assert_int_equal(wal_active_segment(log.wal), 2);
    log.options.first_segment = 2;
    wal_recycle(log.wal, 2);
    assert_int_equal(write_batch(&log, 1, 3000), 3);
    assert_int_equal(wal_segment_count(log.wal), 2);
    // the file of segment 1 holds one new batch and, behind it, two old ones that were valid there
    assert_ok(reopen(&log));
    assert_int_equal(log.first_read, 4);
    assert_int_equal(log.last_read, 7);
    deinit(&log);
}

static void a_batch_copied_to_another_place_is_not_accepted(void **state) {
    (void)state;
    struct segment_header header = {.version = SEGMENT_VERSION, .number = 1, .salt = 9};
    uint8_t *segment = aligned_alloc(4096, SEGMENT_BYTES);
    assert_non_null(segment);
    memset(segment, 0, SEGMENT_BYTES);
    memcpy(segment + 4096 + SEGMENT_CHUNK_HEADER_BYTES, "content", 7);
    struct segment_chunk chunk = {
        .sequence = 1,
        .content = {segment + 4096 + SEGMENT_CHUNK_HEADER_BYTES, 7},
    };
    (void)segment_encode_chunk(&header, 4096, &chunk, segment + 4096);
    memcpy(segment + 8192, segment + 4096, 4096);
    bytes view = bytes_of(segment, SEGMENT_BYTES);
    struct segment_chunk read;
    assert_true(segment_decode_chunk(&header, view, 4096, &read));
    assert_bytes_text(read.content, "content");
    assert_false(segment_decode_chunk(&header, view, 8192, &read));
    header.salt++;
    assert_false(segment_decode_chunk(&header, view, 4096, &read));
    header.salt--;
    header.number++;
    assert_false(segment_decode_chunk(&header, view, 4096, &read));
    header.number--;
    header.store_uuid[3] ^= 1;
    assert_false(segment_decode_chunk(&header, view, 4096, &read));
    free(segment);
}

static void a_batch_over_a_segments_end_is_whole_or_absent(void **state) {
    (void)state;
    struct log log;
    init(&log);
    (void)write_batch(&log, 1, 100);
    assert_int_equal(write_batch(&log, 3, 4000), 1);
    assert_int_equal(wal_active_segment(log.wal), 2);
    assert_ok(reopen(&log));
    assert_int_equal(log.last_read, 4);
    // its second chunk torn: the first one, intact in the segment before, leads nowhere
    assert_true(memory_disk_damage(log.disk, second_name(), 4096 + 1000, 1));
    assert_ok(reopen(&log));
    assert_int_equal(log.last_read, 1);
    (void)write_batch(&log, 2, 20);
    assert_ok(reopen(&log));
    assert_int_equal(log.last_read, 3);
    deinit(&log);
}

static void the_rest_of_a_batch_whose_begin_was_freed_is_skipped(void **state) {
    (void)state;
    struct log log;
    init(&log);
    assert_int_equal(write_batch(&log, 2, 7000), 1);
    assert_int_equal(wal_active_segment(log.wal), 2);
    (void)write_batch(&log, 1, 10);
    log.options.first_segment = 2;
    assert_ok(reopen(&log));
    assert_int_equal(log.first_read, 3);
    assert_int_equal(log.last_read, 3);
    deinit(&log);
}

static void segments_of_another_store_or_cluster_are_refused(void **state) {
    (void)state;
    struct log log;
    init(&log);
    (void)write_batch(&log, 1, 100);
    log.options.store_uuid[0] ^= 1;
    assert_err(reopen(&log), ERR_CONFLICT);
    log.options.store_uuid[0] ^= 1;
    log.options.cluster[0] ^= 1;
    assert_err(reopen(&log), ERR_CONFLICT);
    log.options.cluster[0] ^= 1;
    log.options.lane = 1;
    assert_err(reopen(&log), ERR_CONFLICT);
    log.options.lane = 0;
    assert_ok(reopen(&log));
    deinit(&log);
}

static void a_failed_sync_is_an_error_and_the_batch_may_be_absent(void **state) {
    (void)state;
    int absent = 0;
    int present = 0;
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct log log;
        init(&log);
        (void)write_batch(&log, 1, 100);
        memory_faults_init(&log.faults, seed);
        log.faults.sync_fails_one_in = 1;
        uint64_t written = 0;
        uint64_t segment = 0;
        struct record record = {.type = RECORD_ENTRY, .group = 3, .index = 2};
        uint8_t head[RECORD_HEAD_BYTES_MAX];
        bytes piece = bytes_of(head, record_encode_head(&record, head));
        assert_err(wal_write(log.wal, &piece, 1, 1, &written, &segment), ERR_IO);
        log.faults.sync_fails_one_in = 0;
        assert_ok(reopen(&log));
        assert_true(log.last_read == 1 || log.last_read == 2);
        absent += log.last_read == 1;
        present += log.last_read == 2;
        deinit(&log);
    }
    assert_true(absent > 0);
    assert_true(present > 0);
}

static void a_full_disk_is_an_error(void **state) {
    (void)state;
    struct log log;
    init(&log);
    log.faults.full_at_bytes = SEGMENT_BYTES;
    for (int i = 0; i < 6; i++) {
        (void)write_batch(&log, 1, 3000);
    }
    bytes piece = BYTES_LITERAL("x");
    uint64_t written = 0;
    uint64_t segment = 0;
    assert_err(wal_write(log.wal, &piece, 1, 1, &written, &segment), ERR_FULL);
    log.faults.full_at_bytes = 0;
    assert_ok(reopen(&log));
    assert_int_equal(log.last_read, 6);
    deinit(&log);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_back_as_they_were_written),
        cmocka_unit_test(numbers_of_any_size_come_back_and_longer_ones_are_refused),
        cmocka_unit_test(batches_come_back_in_order_over_many_segments),
        cmocka_unit_test(a_torn_tail_is_cut_and_written_over),
        cmocka_unit_test(damage_before_a_valid_batch_is_refused),
        cmocka_unit_test(damage_at_the_end_of_a_segment_is_refused_when_another_follows),
        cmocka_unit_test(a_missing_segment_is_refused),
        cmocka_unit_test(one_rotten_header_copy_is_survived_and_two_are_not),
        cmocka_unit_test(old_batches_of_a_segment_used_again_are_not_accepted),
        cmocka_unit_test(a_batch_copied_to_another_place_is_not_accepted),
        cmocka_unit_test(a_batch_over_a_segments_end_is_whole_or_absent),
        cmocka_unit_test(the_rest_of_a_batch_whose_begin_was_freed_is_skipped),
        cmocka_unit_test(segments_of_another_store_or_cluster_are_refused),
        cmocka_unit_test(a_failed_sync_is_an_error_and_the_batch_may_be_absent),
        cmocka_unit_test(a_full_disk_is_an_error),
    };
    return cmocka_run_group_tests_name("storage/wal", tests, NULL, NULL);
}
