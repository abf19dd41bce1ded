// The state hash at every nth index: equal on copies whose checkpoints fall anywhere, different
// once a row of one was (distributed.md §3.2).
//
// With planted bugs built in, the name of one as the argument makes this program fail.
#include "storage/view/row.h"
#include "tests/unit/storage/rig.h"

enum {
    SEGMENT_BYTES = 256 * 1024,
    GROUP = 1,
    EVERY = 16,
    KEYS = 12
};

#define KEY(text) BYTES_LITERAL(text)

static enum rig_kind kind_of(void **state) {
    return *(const enum rig_kind *)*state;
}

struct copies {
    struct rig leader;
    struct rig follower;
    struct random random;
};

static void copies_init(struct copies *copies, enum rig_kind kind, uint64_t seed) {
    rig_init(&copies->leader, kind, SEGMENT_BYTES);
    rig_init(&copies->follower, kind, SEGMENT_BYTES);
    copies->leader.options.attest_entries = EVERY;
    copies->follower.options.attest_entries = EVERY;
    random_init(&copies->random, seed);
    rig_open(&copies->leader);
    rig_open(&copies->follower);
}

static void copies_deinit(struct copies *copies) {
    rig_deinit(&copies->leader);
    rig_deinit(&copies->follower);
}

static void write_one(struct copies *copies) {
    uint8_t key[2] = {'k', (uint8_t)random_below(&copies->random, KEYS)};
    uint8_t value[40];
    memset(value, (uint8_t)random_u64(&copies->random), sizeof(value));
    bool deletes = random_one_in(&copies->random, 5);
    bytes put = bytes_of(value, 1 + (size_t)random_below(&copies->random, sizeof(value)));
    (void)rig_put(&copies->leader, GROUP, bytes_of(key, 2), deletes ? BYTES_EMPTY : put);
}

static void follow(struct copies *copies) {
    log_index last = store_group(copies->leader.store, GROUP).last_index;
    log_index index = store_group(copies->follower.store, GROUP).last_index + 1;
    for (; index <= last; index++) {
        struct store_entry entry;
        log_lsn lsn = 0;
        assert_ok(store_entry_read(copies->leader.store, GROUP, index, &entry));
        assert_ok(store_append(copies->follower.store, GROUP, &entry, &lsn));
    }
}

// As often as there is something to do; each says where it stopped.
static void checkpoint_all(struct rig *rig) {
    assert_ok(rig_try_sync(rig));
    store_commit(rig->store, GROUP, store_group(rig->store, GROUP).last_index);
    log_index before = 0;
    log_index applied = store_group(rig->store, GROUP).applied_index;
    do {
        before = applied;
        rig_checkpoint(rig);
        applied = store_group(rig->store, GROUP).applied_index;
        assert_true(applied / EVERY == before / EVERY || applied % EVERY == 0);
    } while (applied != before);
    assert_int_equal(applied, store_group(rig->store, GROUP).last_index);
}

static void go_on(struct copies *copies, int entries) {
    for (int i = 0; i < entries; i++) {
        write_one(copies);
        if (random_one_in(&copies->random, 6)) {
            checkpoint_all(&copies->leader);
        }
        if (random_one_in(&copies->random, 9)) {
            follow(copies);
            checkpoint_all(&copies->follower);
        }
    }
    checkpoint_all(&copies->leader);
    follow(copies);
    checkpoint_all(&copies->follower);
}

static bool attest_the_same(struct copies *copies) {
    hash128 left = {0, 0};
    hash128 right = {0, 0};
    log_index index = store_attested(copies->leader.store, GROUP, &left);
    assert_int_equal(index % EVERY, 0);
    assert_int_equal(index / EVERY, store_group(copies->leader.store, GROUP).last_index / EVERY);
    assert_int_equal(store_attested(copies->follower.store, GROUP, &right), index);
    return hash128_equal(left, right);
}

static void copies_attest_the_same_wherever_their_checkpoints_fall(void **state) {
    struct copies copies;
    copies_init(&copies, kind_of(state), 3);
    for (int round = 0; round < 20; round++) {
        go_on(&copies, 1 + (int)random_below(&copies.random, 40));
        assert_true(attest_the_same(&copies));
    }
    copies_deinit(&copies);
}

static void it_survives_a_restart(void **state) {
    struct copies copies;
    copies_init(&copies, kind_of(state), 4);
    go_on(&copies, 2 * EVERY + 3);
    rig_reopen(&copies.leader);
    assert_true(attest_the_same(&copies));
    go_on(&copies, EVERY);
    assert_true(attest_the_same(&copies));
    copies_deinit(&copies);
}

static void a_checkpoint_that_stopped_is_followed_at_once(void **state) {
    struct copies copies;
    copies_init(&copies, kind_of(state), 5);
    copies.leader.options.checkpoint_ms = 1000;
    for (int i = 0; i < EVERY + 5; i++) {
        write_one(&copies);
    }
    assert_ok(rig_try_sync(&copies.leader));
    store_commit(copies.leader.store, GROUP, EVERY + 5);
    rig_checkpoint(&copies.leader);
    assert_int_equal(store_group(copies.leader.store, GROUP).applied_index, EVERY);
    struct store_checkpoint *next =
        store_checkpoint_begin(copies.leader.store, (mono_time){0}, false);
    assert_non_null(next);
    assert_ok(store_checkpoint_write(next));
    store_checkpoint_end(copies.leader.store, &next);
    assert_int_equal(store_group(copies.leader.store, GROUP).applied_index, EVERY + 5);
    assert_null(store_checkpoint_begin(copies.leader.store, (mono_time){0}, false));
    copies_deinit(&copies);
}

// Changes a row under the store, its checksum with it: what no checksum shows.
static void flip(struct rig *rig, bytes key, bytes value) {
    struct map_txn *txn = NULL;
    struct row_room room = {0};
    struct row_key map_key = row_key(GROUP, key);
    assert_ok(map_txn_begin(rig->map, &txn));
    bytes sealed = row_seal(&room, row_key_bytes(&map_key), value);
    assert_ok(map_txn_put(rig->map, txn, MAP_STATE, row_key_bytes(&map_key), sealed));
    assert_ok(map_txn_commit(rig->map, txn));
    row_room_deinit(&room);
}

static void a_row_that_was_changed_shows_once_it_is_written_again(void **state) {
    struct copies copies;
    copies_init(&copies, kind_of(state), 6);
    (void)rig_put(&copies.leader, GROUP, KEY("row"), KEY("right"));
    go_on(&copies, 2 * EVERY);
    assert_true(attest_the_same(&copies));
    flip(&copies.follower, KEY("row"), KEY("wrong"));
    (void)rig_put(&copies.leader, GROUP, KEY("row"), KEY("new"));
    go_on(&copies, EVERY);
    assert_false(attest_the_same(&copies));
    go_on(&copies, EVERY);
    assert_false(attest_the_same(&copies));
    copies_deinit(&copies);
}

static void install_rows(struct copies *copies) {
    struct store *source = copies->leader.store;
    struct store *target = copies->follower.store;
    struct store_position position = store_position(source, GROUP);
    (void)store_install_begin(target, GROUP, &position);
    struct buffer rows;
    struct buffer next;
    buffer_init(&rows, (size_t)1024 * 1024);
    buffer_init(&next, 1024);
    bool done = false;
    log_index applied = 0;
    size_t most = (size_t)512 * 1024;
    assert_ok(store_scan(source, GROUP, BYTES_EMPTY, most, &rows, &next, &done, &applied));
    assert_true(done);
    assert_ok(store_install_rows(target, GROUP, buffer_bytes(&rows), true));
    buffer_deinit(&rows);
    buffer_deinit(&next);
    for (int i = 0; i < 5; i++) {
        assert_ok(rig_try_sync(&copies->follower));
        assert_ok(rig_try_checkpoint(&copies->follower));
    }
    assert_int_equal(store_installing(target, GROUP), STORE_INSTALL_FOLLOWING);
}

static void a_copy_whose_rows_are_wrong_remembers_it_until_they_go(void **state) {
    struct copies copies;
    copies_init(&copies, kind_of(state), 8);
    go_on(&copies, EVERY + 2);
    store_distrust(copies.follower.store, GROUP);
    rig_checkpoint(&copies.follower);
    rig_reopen(&copies.follower);
    assert_true(store_is_distrusted(copies.follower.store, GROUP));
    assert_false(store_is_distrusted(copies.follower.store, 0));
    go_on(&copies, 3);
    rig_reopen(&copies.follower);
    assert_true(store_is_distrusted(copies.follower.store, GROUP));
    install_rows(&copies);
    assert_false(store_is_distrusted(copies.follower.store, GROUP));
    rig_reopen(&copies.follower);
    assert_false(store_is_distrusted(copies.follower.store, GROUP));
    copies_deinit(&copies);
}

static void a_copy_that_is_given_rows_attests_again_after_its_end(void **state) {
    struct copies copies;
    copies_init(&copies, kind_of(state), 7);
    go_on(&copies, 2 * EVERY + 2);
    flip(&copies.follower, KEY("k\x01"), KEY("wrong"));
    install_rows(&copies);
    hash128 hash = {0, 0};
    for (int i = 0; i < EVERY; i++) {
        write_one(&copies);
    }
    checkpoint_all(&copies.leader);
    follow(&copies);
    checkpoint_all(&copies.follower);
    struct store *target = copies.follower.store;
    assert_int_equal(store_attested(target, GROUP, &hash), 0); // though it came by an index
    store_install_end(target, GROUP, store_group(target, GROUP).commit_index);
    rig_checkpoint(&copies.follower);
    assert_int_equal(store_installing(target, GROUP), STORE_INSTALL_NONE);
    go_on(&copies, EVERY);
    assert_true(attest_the_same(&copies));
    copies_deinit(&copies);
}

#define BOTH(test) cmocka_unit_test_prestate(test, &memory), cmocka_unit_test_prestate(test, &real)

int main(void) {
    enum rig_kind memory = RIG_MEMORY;
    enum rig_kind real = RIG_REAL;
    const struct CMUnitTest tests[] = {
        BOTH(copies_attest_the_same_wherever_their_checkpoints_fall),
        BOTH(it_survives_a_restart),
        BOTH(a_checkpoint_that_stopped_is_followed_at_once),
        BOTH(a_row_that_was_changed_shows_once_it_is_written_again),
        BOTH(a_copy_whose_rows_are_wrong_remembers_it_until_they_go),
        BOTH(a_copy_that_is_given_rows_attests_again_after_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
