// The scrubber: rows that changed under the store are found by reading them all, whatever is
// written meanwhile, and nothing else is (distributed.md §13).
//
// With planted bugs built in, the name of one as the argument makes this program fail.
#include "storage/view/row.h"
#include "tests/unit/storage/rig.h"

enum {
    SEGMENT_BYTES = 256 * 1024,
    GROUP = 1,
    KEYS = 400,
    SLICE_BYTES = 2000, // some 30 rows
    SLICE_MS = 10,
    REST_MS = 100000
};

struct bench {
    struct rig rig;
    struct random random;
    int64_t now_ms;
};

static void bench_init(struct bench *bench, enum rig_kind kind, uint64_t seed) {
    rig_init(&bench->rig, kind, SEGMENT_BYTES);
    bench->rig.options.scrub_bytes = SLICE_BYTES;
    bench->rig.options.scrub_ms = SLICE_MS;
    bench->rig.options.scrub_rest_ms = REST_MS;
    random_init(&bench->random, seed);
    bench->now_ms = 1;
    rig_open(&bench->rig);
}

static bytes key_of(uint8_t out[3], uint64_t number) {
    out[0] = 'k';
    bytes_put_u16(out + 1, (uint16_t)number);
    return bytes_of(out, 3);
}

static void write_some(struct bench *bench, int count) {
    for (int i = 0; i < count; i++) {
        uint8_t key[3];
        uint8_t value[90];
        memset(value, (int)random_below(&bench->random, 256), sizeof(value));
        bytes put = bytes_of(value, 10 + (size_t)random_below(&bench->random, 80));
        bool deletes = random_one_in(&bench->random, 4);
        bytes name = key_of(key, random_below(&bench->random, KEYS));
        (void)rig_put(&bench->rig, GROUP, name, deletes ? BYTES_EMPTY : put);
    }
    rig_sync(&bench->rig);
}

// One checkpoint as a server does them, by its clock. False: nothing was due.
static bool checkpoint(struct bench *bench) {
    bench->now_ms += SLICE_MS;
    struct store_checkpoint *next =
        store_checkpoint_begin(bench->rig.store, (mono_time){bench->now_ms * 1000000}, false);
    if (next == NULL) {
        return false;
    }
    assert_ok(store_checkpoint_write(next));
    store_checkpoint_end(bench->rig.store, &next);
    return true;
}

// Until every group was read to its end `times` more, with writes between the slices if there are
// any.
static void walk(struct bench *bench, uint64_t times, int writes) {
    uint64_t goal = store_stats(bench->rig.store).scrubbed_groups;
    goal += times * bench->rig.options.group_count;
    while (store_stats(bench->rig.store).scrubbed_groups < goal) {
        if (!checkpoint(bench)) {
            bench->now_ms += REST_MS;
        }
        write_some(bench, writes);
    }
}

// Changes a row under the store, its checksum with it if `sealed`.
static void damage(struct bench *bench, bytes key, bytes value, bool sealed) {
    struct map_txn *txn = NULL;
    struct row_room room = {0};
    struct row_key map_key = row_key(GROUP, key);
    struct sorted_map *map = bench->rig.map;
    assert_ok(map_txn_begin(map, &txn));
    if (value.data == NULL) {
        assert_ok(map_txn_del(map, txn, MAP_STATE, row_key_bytes(&map_key)));
    } else {
        bytes stored = sealed ? row_seal(&room, row_key_bytes(&map_key), value) : value;
        assert_ok(map_txn_put(map, txn, MAP_STATE, row_key_bytes(&map_key), stored));
    }
    assert_ok(map_txn_commit(map, txn));
    row_room_deinit(&room);
}

static void fill(struct bench *bench) {
    for (uint64_t i = 0; i < KEYS; i++) {
        uint8_t key[3];
        (void)rig_put(&bench->rig, GROUP, key_of(key, i), BYTES_LITERAL("as it was written first"));
    }
    rig_sync(&bench->rig);
    rig_checkpoint(&bench->rig);
}

static void rows_that_are_right_are_never_suspected(void **state) {
    struct bench bench;
    bench_init(&bench, *(const enum rig_kind *)*state, 3);
    fill(&bench);
    walk(&bench, 1, 0);
    walk(&bench, 12, 25);
    assert_false(store_rotten(bench.rig.store, GROUP));
    struct store_stats stats = store_stats(bench.rig.store);
    assert_int_equal(stats.rotten, 0);
    assert_true(stats.scrubbed_bytes > 13 * KEYS * 20);
    rig_deinit(&bench.rig);
}

static void everything_is_read_once_and_then_there_is_rest(void **state) {
    struct bench bench;
    bench_init(&bench, *(const enum rig_kind *)*state, 4);
    fill(&bench);
    uint64_t before = store_stats(bench.rig.store).checkpoints;
    walk(&bench, 1, 0);
    uint64_t once = store_stats(bench.rig.store).scrubbed_bytes;
    assert_true(once >= KEYS * (3 + 23 + 4));
    for (int i = 0; i < REST_MS / SLICE_MS - 2; i++) {
        assert_false(checkpoint(&bench));
    }
    assert_int_equal(store_stats(bench.rig.store).scrubbed_bytes, once);
    assert_int_equal(store_stats(bench.rig.store).checkpoints, before); // nothing was written
    walk(&bench, 1, 0);
    assert_int_equal(store_stats(bench.rig.store).scrubbed_bytes, 2 * once);
    rig_deinit(&bench.rig);
}

static void expect_found(enum rig_kind kind, bytes value, bool sealed) {
    for (uint64_t number = 0; number < KEYS; number += KEYS / 4 - 1) {
        struct bench bench;
        uint8_t key[3];
        bench_init(&bench, kind, 5 + number);
        fill(&bench);
        walk(&bench, 1, 3);
        damage(&bench, key_of(key, number), value, sealed);
        assert_false(store_rotten(bench.rig.store, GROUP));
        walk(&bench, 2, 3);
        assert_true(store_rotten(bench.rig.store, GROUP));
        assert_false(store_rotten(bench.rig.store, GROUP + 1));
        rig_deinit(&bench.rig);
    }
}

static void a_row_that_was_changed_is_found(void **state) {
    expect_found(*(const enum rig_kind *)*state, BYTES_LITERAL("another value"), true);
}

static void a_row_that_was_lost_is_found(void **state) {
    expect_found(*(const enum rig_kind *)*state, BYTES_EMPTY, true);
}

static void a_row_that_does_not_verify_is_found(void **state) {
    expect_found(*(const enum rig_kind *)*state, BYTES_LITERAL("without a checksum"), false);
}

// A checkpoint that replaces it goes on: the row is right again, the state hash is not.
static void a_rotten_row_that_is_replaced_is_seen_and_stops_nothing(void **state) {
    struct bench bench;
    uint8_t key[3];
    bench_init(&bench, *(const enum rig_kind *)*state, 6);
    bench.rig.options.scrub_bytes = 0;
    fill(&bench);
    damage(&bench, key_of(key, 7), BYTES_LITERAL("rot"), false);
    bytes found = BYTES_EMPTY;
    assert_false(store_rotten(bench.rig.store, GROUP));
    (void)rig_put(&bench.rig, GROUP, key_of(key, 7), BYTES_LITERAL("new"));
    rig_sync(&bench.rig);
    rig_checkpoint(&bench.rig);
    assert_true(store_rotten(bench.rig.store, GROUP));
    assert_ok(store_get(bench.rig.store, GROUP, key_of(key, 7), &found));
    assert_true(bytes_equal_text(found, "new"));
    rig_deinit(&bench.rig);
}

static void a_rotten_row_that_is_read_is_seen(void **state) {
    struct bench bench;
    uint8_t key[3];
    bench_init(&bench, *(const enum rig_kind *)*state, 7);
    fill(&bench);
    damage(&bench, key_of(key, 9), BYTES_LITERAL("rot"), false);
    bytes found = BYTES_EMPTY;
    rig_checkpoint(&bench.rig);
    (void)rig_put(&bench.rig, GROUP, key_of(key, 1), BYTES_LITERAL("new")); // the snapshot moves on
    rig_sync(&bench.rig);
    rig_checkpoint(&bench.rig);
    assert_int_equal(store_get(bench.rig.store, GROUP, key_of(key, 9), &found).code, ERR_CORRUPT);
    assert_true(store_rotten(bench.rig.store, GROUP));
    struct store_position position = store_position(bench.rig.store, GROUP);
    (void)store_install_begin(bench.rig.store, GROUP, &position);
    assert_false(store_rotten(bench.rig.store, GROUP));
    rig_deinit(&bench.rig);
}

// Rows that go and come anew in the middle of a walk belong to another walk.
static void an_install_in_mid_walk_is_no_rot(void **state) {
    struct bench bench;
    bench_init(&bench, *(const enum rig_kind *)*state, 8);
    fill(&bench);
    assert_true(checkpoint(&bench)); // group 0, which is empty
    assert_true(checkpoint(&bench));
    assert_true(checkpoint(&bench));
    struct store *store = bench.rig.store;
    struct store_position position = store_position(store, GROUP);
    struct buffer rows;
    struct buffer next;
    bool done = false;
    log_index applied = 0;
    buffer_init(&rows, (size_t)1024 * 1024);
    buffer_init(&next, 1024);
    assert_ok(store_scan(store, GROUP, BYTES_EMPTY, 8000, &rows, &next, &done, &applied));
    (void)store_install_begin(store, GROUP, &position);
    assert_ok(store_install_rows(store, GROUP, buffer_bytes(&rows), true));
    for (int i = 0; i < 5; i++) {
        assert_ok(rig_try_sync(&bench.rig));
        assert_ok(rig_try_checkpoint(&bench.rig));
    }
    store_install_end(store, GROUP, store_group(store, GROUP).commit_index);
    rig_checkpoint(&bench.rig);
    assert_int_equal(store_installing(store, GROUP), STORE_INSTALL_NONE);
    walk(&bench, 3, 5);
    assert_false(store_rotten(store, GROUP));
    buffer_deinit(&rows);
    buffer_deinit(&next);
    rig_deinit(&bench.rig);
}

#define BOTH(test) cmocka_unit_test_prestate(test, &memory), cmocka_unit_test_prestate(test, &real)

int main(void) {
    enum rig_kind memory = RIG_MEMORY;
    enum rig_kind real = RIG_REAL;
    const struct CMUnitTest tests[] = {
        BOTH(rows_that_are_right_are_never_suspected),
        BOTH(everything_is_read_once_and_then_there_is_rest),
        BOTH(a_row_that_was_changed_is_found),
        BOTH(a_row_that_was_lost_is_found),
        BOTH(a_row_that_does_not_verify_is_found),
        BOTH(a_rotten_row_that_is_replaced_is_seen_and_stops_nothing),
        BOTH(a_rotten_row_that_is_read_is_seen),
        BOTH(an_install_in_mid_walk_is_no_rot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
