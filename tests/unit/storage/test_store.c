// storage/store.h over the twins and over the real disk and LMDB.
#include "storage/view/row.h"
#include "tests/unit/storage/rig.h"

enum {
    SEGMENT_BYTES = 64 * 1024
};

#define KEY(text) BYTES_LITERAL(text)

static enum rig_kind kind_of(void **state) {
    return *(const enum rig_kind *)*state;
}

static void what_was_synced_is_there_after_a_restart(void **state) {
    struct rig rig;
    rig_init(&rig, kind_of(state), SEGMENT_BYTES);
    rig_open(&rig);
    log_lsn lsn = rig_put(&rig, 1, KEY("a"), KEY("one"));
    (void)rig_put(&rig, 2, KEY("a"), KEY("two"));
    rig_expect(&rig, 1, KEY("a"), KEY("one"));
    assert_true(store_batch_pending(rig.store));
    rig_sync(&rig);
    assert_true(store_stats(rig.store).durable_lsn >= lsn);
    assert_false(store_batch_pending(rig.store));
    struct store_group before = store_group(rig.store, 1);
    rig_reopen(&rig);
    rig_expect(&rig, 1, KEY("a"), BYTES_EMPTY);
    rig_commit_all(&rig);
    rig_expect(&rig, 1, KEY("a"), KEY("one"));
    rig_expect(&rig, 2, KEY("a"), KEY("two"));
    rig_expect(&rig, 3, KEY("a"), BYTES_EMPTY);
    struct store_group after = store_group(rig.store, 1);
    assert_int_equal(after.last_index, 1);
    assert_int_equal(after.last_term, 1);
    assert_int_equal(after.time_ms, 1000);
    assert_true(hash128_equal(after.last_chain, before.last_chain));
    rig_deinit(&rig);
}

static void a_checkpoint_and_the_log_behind_it_give_the_same_state(void **state) {
    struct rig rig;
    rig_init(&rig, kind_of(state), SEGMENT_BYTES);
    rig_open(&rig);
    (void)rig_put(&rig, 1, KEY("kept"), KEY("old"));
    (void)rig_put(&rig, 1, KEY("gone"), KEY("old"));
    (void)rig_put(&rig, 1, KEY("same"), KEY("old"));
    rig_sync(&rig);
    rig_checkpoint(&rig);
    assert_int_equal(store_group(rig.store, 1).applied_index, 3);
    assert_int_equal(store_stats(rig.store).overlay_bytes, 0);
    (void)rig_put(&rig, 1, KEY("kept"), KEY("new"));
    (void)rig_put(&rig, 1, KEY("gone"), BYTES_EMPTY);
    rig_sync(&rig);
    for (int i = 0; i < 3; i++) {
        rig_expect(&rig, 1, KEY("kept"), KEY("new"));
        rig_expect(&rig, 1, KEY("gone"), BYTES_EMPTY);
        rig_expect(&rig, 1, KEY("same"), KEY("old"));
        rig_reopen(&rig);
        rig_expect(&rig, 1, KEY("same"), KEY("old"));
        rig_commit_all(&rig);
        rig_checkpoint(&rig);
        assert_int_equal(store_group(rig.store, 1).applied_index, 5);
    }
    rig_deinit(&rig);
}

static void only_what_is_committed_is_checkpointed(void **state) {
    struct rig rig;
    rig_init(&rig, kind_of(state), SEGMENT_BYTES);
    rig_open(&rig);
    (void)rig_put(&rig, 1, KEY("a"), KEY("one"));
    (void)rig_put(&rig, 1, KEY("a"), KEY("two"));
    assert_ok(rig_try_sync(&rig));
    assert_null(store_checkpoint_begin(rig.store, (mono_time){0}, true));
    store_commit(rig.store, 1, 1);
    rig_checkpoint(&rig);
    assert_int_equal(store_group(rig.store, 1).applied_index, 1);
    rig_expect(&rig, 1, KEY("a"), KEY("two"));
    rig_reopen(&rig);
    assert_int_equal(store_group(rig.store, 1).last_index, 2);
    assert_int_equal(store_group(rig.store, 1).commit_index, 1);
    rig_expect(&rig, 1, KEY("a"), KEY("one"));
    store_commit(rig.store, 1, 2);
    rig_expect(&rig, 1, KEY("a"), KEY("two"));
    rig_deinit(&rig);
}

static void a_checkpoint_is_due_by_age_and_by_bytes(void **state) {
    struct rig rig;
    rig_init(&rig, kind_of(state), SEGMENT_BYTES);
    rig.options.checkpoint_bytes = 1000;
    rig_open(&rig);
    mono_time start = {1000000000};
    assert_null(store_checkpoint_begin(rig.store, start, true));
    (void)rig_put(&rig, 1, KEY("a"), KEY("one"));
    rig_sync(&rig);
    assert_null(store_checkpoint_begin(rig.store, (mono_time){start.ns + 249999999}, false));
    struct store_checkpoint *checkpoint =
        store_checkpoint_begin(rig.store, (mono_time){start.ns + 250000000}, false);
    assert_non_null(checkpoint);
    assert_null(store_checkpoint_begin(rig.store, (mono_time){start.ns * 9}, true));
    assert_ok(store_checkpoint_write(checkpoint));
    store_checkpoint_end(rig.store, &checkpoint);
    assert_null(checkpoint);
    uint8_t large[1000] = {0};
    (void)rig_put(&rig, 1, KEY("b"), bytes_of(large, sizeof(large)));
    rig_sync(&rig);
    assert_non_null(store_checkpoint_begin(rig.store, (mono_time){start.ns + 250000001}, false));
    rig_deinit(&rig);
}

static void rows_stay_visible_while_and_after_they_move_to_the_map(void **state) {
    struct rig rig;
    rig_init(&rig, kind_of(state), SEGMENT_BYTES);
    rig_open(&rig);
    (void)rig_put(&rig, 1, KEY("a"), KEY("one"));
    rig_sync(&rig);
    struct store_checkpoint *checkpoint = store_checkpoint_begin(rig.store, (mono_time){0}, true);
    (void)rig_put(&rig, 1, KEY("b"), KEY("during"));
    rig_expect(&rig, 1, KEY("a"), KEY("one"));
    assert_ok(store_checkpoint_write(checkpoint));
    rig_expect(&rig, 1, KEY("a"), KEY("one"));
    store_checkpoint_end(rig.store, &checkpoint);
    rig_expect(&rig, 1, KEY("a"), KEY("one"));
    rig_expect(&rig, 1, KEY("b"), KEY("during"));
    rig_deinit(&rig);
}

static void an_aborted_transaction_leaves_nothing(void **state) {
    struct rig rig;
    rig_init(&rig, kind_of(state), SEGMENT_BYTES);
    rig_open(&rig);
    struct store_txn *txn = NULL;
    assert_ok(store_txn_begin(rig.store, 1, &txn));
    store_txn_put(txn, KEY("a"), KEY("one"));
    assert_int_equal(store_txn_bytes(txn), 4);
    assert_int_equal(store_txn_group(txn), 1);
    assert_ptr_equal(store_txn_store(txn), rig.store);
    store_txn_abort(&txn);
    assert_null(txn);
    store_txn_abort(&txn);
    rig_expect(&rig, 1, KEY("a"), BYTES_EMPTY);
    assert_false(store_batch_pending(rig.store));
    rig_deinit(&rig);
}

static void a_transaction_finds_its_own_rows_and_no_others(void **state) {
    struct rig rig;
    rig_init(&rig, kind_of(state), SEGMENT_BYTES);
    rig_open(&rig);
    (void)rig_put(&rig, 1, KEY("a"), KEY("before"));
    struct store_txn *txn = NULL;
    bytes value = BYTES_EMPTY;
    assert_ok(store_txn_begin(rig.store, 1, &txn));
    assert_ok(store_txn_get(txn, KEY("a"), &value));
    assert_err(store_txn_get_own(txn, KEY("a"), &value), ERR_NOT_FOUND);
    store_txn_put(txn, KEY("b"), KEY("mine"));
    assert_ok(store_txn_get_own(txn, KEY("b"), &value));
    assert_bytes_text(value, "mine");
    store_txn_del(txn, KEY("b"));
    assert_err(store_txn_get_own(txn, KEY("b"), &value), ERR_NOT_FOUND);
    store_txn_abort(&txn);
    rig_deinit(&rig);
}

static void an_empty_transaction_makes_no_entry(void **state) {
    struct rig rig;
    rig_init(&rig, kind_of(state), SEGMENT_BYTES);
    rig_open(&rig);
    struct store_txn *txn = NULL;
    log_index index = 9;
    log_lsn lsn = 9;
    assert_ok(store_txn_begin(rig.store, 1, &txn));
    assert_int_equal(store_txn_bytes(txn), 0);
    store_txn_commit(&txn, 1, 1000, &index, &lsn);
    assert_int_equal(index, 0);
    assert_int_equal(lsn, 0);
    assert_null(store_batch_begin(rig.store));
    assert_int_equal(store_group(rig.store, 1).last_index, 0);
    rig_deinit(&rig);
}

struct visited {
    char text[256];
};

static void note_visit(void *argument, bytes key, bytes value) {
    struct visited *visited = argument;
    size_t used = strlen(visited->text);
    (void)snprintf(
        visited->text + used,
        sizeof(visited->text) - used,
        "%.*s=%.*s ",
        BYTES_ARG(key),
        value.data == NULL ? 1 : (int)value.size,
        value.data == NULL ? "-" : (const char *)value.data
    );
}

static void an_entry_shows_the_newest_write_of_each_key_in_order(void **state) {
    struct rig rig;
    rig_init(&rig, kind_of(state), SEGMENT_BYTES);
    rig_open(&rig);
    struct store_txn *txn = NULL;
    assert_ok(store_txn_begin(rig.store, 1, &txn));
    store_txn_put(txn, KEY("z"), KEY("1"));
    store_txn_put(txn, KEY("a"), KEY("2"));
    store_txn_put(txn, KEY("z"), KEY("3"));
    store_txn_del(txn, KEY("m"));
    store_txn_put(txn, KEY("b"), KEY(""));
    log_index index = 0;
    log_lsn lsn = 0;
    store_txn_commit(&txn, 1, 1000, &index, &lsn);
    struct visited visited = {""};
    store_entry_visit(rig.store, 1, index, note_visit, &visited);
    assert_string_equal(visited.text, "a=2 z=3 m=- b= ");
    rig_sync(&rig);
    rig_reopen(&rig);
    visited.text[0] = '\0';
    store_entry_visit(rig.store, 1, index, note_visit, &visited);
    assert_string_equal(visited.text, "a=2 z=3 m=- b= ");
    rig_commit_all(&rig);
    rig_expect(&rig, 1, KEY("b"), KEY(""));
    rig_deinit(&rig);
}

static void a_value_may_be_put_back_while_it_is_borrowed(void **state) {
    struct rig rig;
    rig_init(&rig, kind_of(state), SEGMENT_BYTES);
    rig_open(&rig);
    struct store_txn *txn = NULL;
    assert_ok(store_txn_begin(rig.store, 1, &txn));
    char text[3000];
    memset(text, 'x', sizeof(text));
    store_txn_put(txn, KEY("a"), bytes_of(text, sizeof(text)));
    for (int i = 0; i < 8; i++) {
        bytes borrowed = BYTES_EMPTY;
        assert_ok(store_txn_get(txn, KEY("a"), &borrowed));
        char key = (char)('b' + i);
        store_txn_put(txn, bytes_of(&key, 1), borrowed);
    }
    log_index index = 0;
    log_lsn lsn = 0;
    store_txn_commit(&txn, 1, 1000, &index, &lsn);
    for (char key = 'a'; key < 'j'; key++) {
        rig_expect(&rig, 1, bytes_of(&key, 1), bytes_of(text, sizeof(text)));
    }
    rig_deinit(&rig);
}

static void hard_state_survives_and_a_vote_is_never_unsaid(void **state) {
    struct rig rig;
    rig_init(&rig, kind_of(state), SEGMENT_BYTES);
    rig_open(&rig);
    (void)store_hard_state(rig.store, 2, 7, 0);
    log_lsn lsn = store_hard_state(rig.store, 2, 7, 3);
    assert_int_equal(lsn, store_stats(rig.store).appended_lsn);
    rig_sync(&rig);
    rig_reopen(&rig);
    assert_int_equal(store_group(rig.store, 2).term, 7);
    assert_int_equal(store_group(rig.store, 2).vote, 3);
    rig_checkpoint(&rig);
    rig_reopen(&rig);
    assert_int_equal(store_group(rig.store, 2).term, 7);
    assert_int_equal(store_group(rig.store, 2).vote, 3);
    rig_deinit(&rig);
}

static void a_full_overlay_pushes_back_until_a_checkpoint(void **state) {
    struct rig rig;
    rig_init(&rig, kind_of(state), SEGMENT_BYTES);
    rig.options.overlay_bytes_max = 10000;
    rig_open(&rig);
    uint8_t value[1000] = {0};
    struct store_txn *txn = NULL;
    int accepted = 0;
    while (!err_is(store_txn_begin(rig.store, 1, &txn))) {
        store_txn_abort(&txn);
        uint8_t key = (uint8_t)accepted++;
        (void)rig_put(&rig, 1, bytes_of(&key, 1), bytes_of(value, sizeof(value)));
        assert_true(accepted < 100);
    }
    assert_true(accepted > 5);
    assert_err(store_txn_begin(rig.store, 1, &txn), ERR_UNAVAILABLE);
    rig_sync(&rig);
    rig_checkpoint(&rig);
    assert_ok(store_txn_begin(rig.store, 1, &txn));
    rig_deinit(&rig);
}

static void segments_are_used_again_once_checkpointed(void **state) {
    struct rig rig;
    rig_init(&rig, kind_of(state), 16 * 1024);
    rig_open(&rig);
    uint8_t value[3000] = {0};
    for (int i = 0; i < 200; i++) {
        uint8_t key = (uint8_t)(i % 7);
        value[0] = (uint8_t)i;
        (void)rig_put(&rig, 1, bytes_of(&key, 1), bytes_of(value, sizeof(value)));
        rig_sync(&rig);
        if (i % 5 == 0) {
            rig_checkpoint(&rig);
        }
    }
    assert_true(store_stats(rig.store).segments <= 8);
    assert_true(store_stats(rig.store).batch_bytes > 40 * 16 * 1024);
    rig_reopen(&rig);
    rig_commit_all(&rig);
    for (int i = 193; i < 200; i++) {
        uint8_t key = (uint8_t)(i % 7);
        value[0] = (uint8_t)i;
        rig_expect(&rig, 1, bytes_of(&key, 1), bytes_of(value, sizeof(value)));
    }
    rig_deinit(&rig);
}

static void an_entry_larger_than_a_segment_is_whole_after_a_restart(void **state) {
    struct rig rig;
    rig_init(&rig, kind_of(state), 16 * 1024);
    rig_open(&rig);
    size_t size = 100000;
    uint8_t *value = malloc(size);
    assert_non_null(value);
    for (size_t i = 0; i < size; i++) {
        value[i] = (uint8_t)(i * 7);
    }
    (void)rig_put(&rig, 1, KEY("before"), KEY("x"));
    (void)rig_put(&rig, 1, KEY("large"), bytes_of(value, size));
    (void)rig_put(&rig, 1, KEY("after"), KEY("y"));
    rig_sync(&rig);
    rig_reopen(&rig);
    rig_commit_all(&rig);
    rig_expect(&rig, 1, KEY("before"), KEY("x"));
    rig_expect(&rig, 1, KEY("large"), bytes_of(value, size));
    rig_expect(&rig, 1, KEY("after"), KEY("y"));
    free(value);
    rig_deinit(&rig);
}

static void an_idle_group_does_not_pin_the_log(void **state) {
    struct rig rig;
    rig_init(&rig, kind_of(state), 16 * 1024);
    rig_open(&rig);
    (void)rig_put(&rig, 3, KEY("uncommitted"), KEY("1"));
    (void)rig_put(&rig, 3, KEY("uncommitted"), KEY("2"));
    uint8_t value[3000] = {0};
    for (int i = 0; i < 200; i++) {
        if (i == 10) {
            (void)rig_put(&rig, 3, KEY("uncommitted"), KEY("3"));
        }
        (void)rig_put(&rig, 1, KEY("busy"), bytes_of(value, sizeof(value)));
        assert_ok(rig_try_sync(&rig));
        store_commit(rig.store, 1, store_group(rig.store, 1).last_index);
        if (i % 3 == 0) {
            rig_checkpoint(&rig);
        }
    }
    assert_true(store_stats(rig.store).segments <= 12);
    rig_reopen(&rig);
    assert_int_equal(store_group(rig.store, 3).last_index, 3);
    assert_int_equal(store_group(rig.store, 3).commit_index, 0);
    rig_expect(&rig, 3, KEY("uncommitted"), BYTES_EMPTY);
    rig_commit_all(&rig);
    rig_expect(&rig, 3, KEY("uncommitted"), KEY("3"));
    rig_deinit(&rig);
}

static void the_state_hash_equals_a_recount(void **state) {
    struct rig rig;
    rig_init(&rig, kind_of(state), SEGMENT_BYTES);
    rig_open(&rig);
    struct random random;
    random_init(&random, 5);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 30; i++) {
            uint8_t key = (uint8_t)(1 + random_below(&random, 40));
            uint64_t value = random_u64(&random);
            bool deletes = random_one_in(&random, 3);
            (void)rig_put(
                &rig, 2, bytes_of(&key, 1), deletes ? BYTES_EMPTY : bytes_of(&value, sizeof(value))
            );
        }
        rig_sync(&rig);
        rig_checkpoint(&rig);
    }
    hash128 counted = {0, 0};
    struct row_room room = {0};
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    struct store_cursor *cursor = store_cursor_open(rig.store, NULL, 2, BYTES_EMPTY);
    while (store_cursor_next(cursor, &key, &value)) {
        struct row_key whole = row_key(2, key);
        counted = row_hash_add(counted, row_hash(&room, row_key_bytes(&whole), value));
    }
    store_cursor_close(&cursor);
    row_room_deinit(&room);
    for (int i = 0; i < 2; i++) {
        hash128 kept = {0, 0};
        assert_ok(store_state_hash(rig.store, 2, &kept));
        assert_true(hash128_equal(kept, counted));
        assert_true(kept.low != 0);
        rig_reopen(&rig);
    }
    rig_deinit(&rig);
}

static void another_cluster_or_group_count_is_refused(void **state) {
    struct rig rig;
    rig_init(&rig, kind_of(state), SEGMENT_BYTES);
    rig_open(&rig);
    store_close(&rig.store);
    rig.options.cluster[0] ^= 1;
    assert_err(rig_try_open(&rig), ERR_CONFLICT);
    rig.options.cluster[0] ^= 1;
    rig.options.group_count = 6;
    assert_err(rig_try_open(&rig), ERR_CONFLICT);
    rig.options.group_count = 5;
    assert_ok(rig_try_open(&rig));
    rig_deinit(&rig);
}

static void a_groups_row_of_earlier_layouts_is_read(void **state) {
    (void)state;
    struct row_group row = {
        .applied_index = 1,
        .applied_term = 2,
        .applied_chain = {3, 4},
        .state_hash = {5, 6},
        .time_ms = 7,
        .term = 8,
        .vote = 9,
        .log_epoch = 10,
        .install = STORE_INSTALL_LOADING,
        .removed = 11,
        .attested_index = 12,
        .attested_hash = {13, 14},
    };
    uint8_t encoded[ROW_META_BYTES_MAX];
    size_t size = row_encode_group(&row, encoded);
    struct row_group read;
    assert_ok(row_decode_group(bytes_of(encoded, size), &read));
    assert_int_equal(read.log_epoch, 10);
    assert_int_equal(read.install, STORE_INSTALL_LOADING);
    assert_int_equal(read.removed, 11);
    assert_int_equal(read.attested_index, 12);
    assert_true(hash128_equal(read.attested_hash, row.attested_hash));
    assert_err(row_decode_group(bytes_of(encoded, size - 9), &read), ERR_CORRUPT);
    encoded[0] = 3; // it ended with what was removed
    size -= 24;
    assert_ok(row_decode_group(bytes_of(encoded, size), &read));
    assert_int_equal(read.removed, 11);
    assert_int_equal(read.attested_index, 0);
    encoded[0] = 2; // it ended with the install
    size -= 8;
    assert_ok(row_decode_group(bytes_of(encoded, size), &read));
    assert_int_equal(read.log_epoch, 10);
    assert_int_equal(read.removed, 0);
    encoded[size - 1] = STORE_INSTALL_FORGETTING + 1;
    assert_err(row_decode_group(bytes_of(encoded, size), &read), ERR_CORRUPT);
    encoded[0] = 1; // it ended with the vote
    assert_ok(row_decode_group(bytes_of(encoded, size - 9), &read));
    assert_int_equal(read.applied_index, 1);
    assert_int_equal(read.vote, 9);
    assert_int_equal(read.log_epoch, 0);
    assert_int_equal(read.install, STORE_INSTALL_NONE);
    encoded[0] = 5;
    assert_err(row_decode_group(bytes_of(encoded, size), &read), ERR_CONFLICT);
}

static void a_cursor_walks_one_group_in_key_order(void **state) {
    struct rig rig;
    rig_init(&rig, kind_of(state), SEGMENT_BYTES);
    rig_open(&rig);
    (void)rig_put(&rig, 1, KEY("b"), KEY("map"));
    (void)rig_put(&rig, 1, KEY("d"), KEY("map"));
    (void)rig_put(&rig, 1, KEY("f"), KEY("map"));
    (void)rig_put(&rig, 2, KEY("a"), KEY("other group"));
    rig_sync(&rig);
    rig_checkpoint(&rig);
    (void)rig_put(&rig, 1, KEY("a"), KEY("overlay"));
    (void)rig_put(&rig, 1, KEY("d"), KEY("overlay"));
    (void)rig_put(&rig, 1, KEY("f"), BYTES_EMPTY);
    struct store_txn *txn = NULL;
    assert_ok(store_txn_begin(rig.store, 1, &txn));
    store_txn_put(txn, KEY("c"), KEY("txn"));
    store_txn_put(txn, KEY("d"), KEY("txn"));
    store_txn_del(txn, KEY("a"));
    char text[128] = "";
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    struct store_cursor *cursor = store_cursor_open(rig.store, txn, 1, BYTES_EMPTY);
    while (store_cursor_next(cursor, &key, &value)) {
        size_t used = strlen(text);
        (void
        )snprintf(text + used, sizeof(text) - used, "%.*s=%.*s ", BYTES_ARG(key), BYTES_ARG(value));
    }
    store_cursor_close(&cursor);
    assert_null(cursor);
    assert_string_equal(text, "b=map c=txn d=txn ");
    cursor = store_cursor_open(rig.store, NULL, 1, KEY("b\0"));
    assert_true(store_cursor_next(cursor, &key, &value));
    assert_bytes_text(key, "d");
    assert_bytes_text(value, "overlay");
    store_cursor_close(&cursor);
    rig_deinit(&rig);
}

static void a_walk_goes_on_where_it_was_while_rows_come_and_go(void **state) {
    struct rig rig;
    rig_init(&rig, kind_of(state), SEGMENT_BYTES);
    rig_open(&rig);
    for (uint8_t i = 1; i <= 100; i++) {
        (void)rig_put(&rig, 1, bytes_of(&i, 1), KEY("x"));
    }
    rig_sync(&rig);
    rig_checkpoint(&rig);
    struct store_txn *txn = NULL;
    assert_ok(store_txn_begin(rig.store, 1, &txn));
    struct store_cursor *cursor = store_cursor_open(rig.store, txn, 1, BYTES_EMPTY);
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    int walked = 0;
    while (store_cursor_next(cursor, &key, &value)) {
        uint8_t at = key.data[0];
        uint8_t next = (uint8_t)(at + 1);
        store_txn_del(txn, bytes_of(&at, 1));
        if (at % 10 == 1) {
            store_txn_del(txn, bytes_of(&next, 1));
        }
        walked++;
    }
    store_cursor_close(&cursor);
    assert_int_equal(walked, 90);
    log_index index = 0;
    log_lsn lsn = 0;
    store_txn_commit(&txn, 1, 1000, &index, &lsn);
    cursor = store_cursor_open(rig.store, NULL, 1, BYTES_EMPTY);
    assert_false(store_cursor_next(cursor, &key, &value));
    store_cursor_close(&cursor);
    rig_deinit(&rig);
}

// --- against a model -----------------------------------------------------------------------------

enum {
    MODEL_KEYS = 64
};

struct model {
    bool present[MODEL_KEYS];
    uint32_t value[MODEL_KEYS];
};

static bytes model_bytes(size_t slot, uint8_t out[9]) {
    memcpy(out, "prefix--", 8);
    out[8] = (uint8_t)slot;
    return bytes_of(out, 9);
}

static void model_expect(
    const struct model *model, struct rig *rig, struct store_txn *txn, struct random *random
) {
    size_t from = (size_t)random_below(random, MODEL_KEYS);
    uint8_t room[9];
    struct store_cursor *cursor = store_cursor_open(rig->store, txn, 1, model_bytes(from, room));
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    for (size_t slot = from; slot < MODEL_KEYS; slot++) {
        bytes got = BYTES_EMPTY;
        bytes wanted = model_bytes(slot, room);
        err error =
            txn == NULL ? store_get(rig->store, 1, wanted, &got) : store_txn_get(txn, wanted, &got);
        assert_int_equal(error.code, model->present[slot] ? ERR_OK : ERR_NOT_FOUND);
        if (model->present[slot]) {
            assert_true(bytes_equal(got, bytes_of(&model->value[slot], 4)));
            assert_true(store_cursor_next(cursor, &key, &value));
            assert_true(bytes_equal(key, wanted));
            assert_true(bytes_equal(value, got));
        }
    }
    assert_false(store_cursor_next(cursor, &key, &value));
    store_cursor_close(&cursor);
}

static void any_sequence_of_deeds_reads_like_a_plain_table(void **state) {
    struct rig rig;
    rig_init(&rig, kind_of(state), 16 * 1024);
    rig_open(&rig);
    struct random random;
    random_init(&random, 99);
    struct model model = {0};
    int rounds = kind_of(state) == RIG_MEMORY ? 3000 : 300;
    for (int round = 0; round < rounds; round++) {
        struct model changed = model;
        struct store_txn *txn = NULL;
        assert_ok(store_txn_begin(rig.store, 1, &txn));
        size_t writes = (size_t)random_below(&random, 6);
        for (size_t i = 0; i < writes; i++) {
            size_t slot = (size_t)random_below(&random, MODEL_KEYS);
            uint8_t room[9];
            changed.present[slot] = random_below(&random, 3) > 0;
            changed.value[slot] = (uint32_t)random_u64(&random);
            if (changed.present[slot]) {
                store_txn_put(txn, model_bytes(slot, room), bytes_of(&changed.value[slot], 4));
            } else {
                store_txn_del(txn, model_bytes(slot, room));
            }
        }
        model_expect(&changed, &rig, txn, &random);
        if (random_one_in(&random, 4)) {
            store_txn_abort(&txn);
        } else {
            log_index index = 0;
            log_lsn lsn = 0;
            store_txn_commit(&txn, 1, round, &index, &lsn);
            model = changed;
        }
        model_expect(&model, &rig, NULL, &random);
        if (random_one_in(&random, 3)) {
            rig_sync(&rig);
        }
        if (random_one_in(&random, 7)) {
            rig_checkpoint(&rig);
        }
        if (random_one_in(&random, 20)) {
            rig_sync(&rig);
            rig_reopen(&rig);
            rig_commit_all(&rig);
        }
    }
    rig_deinit(&rig);
}

#define BOTH(test) cmocka_unit_test_prestate(test, &memory), cmocka_unit_test_prestate(test, &real)

int main(void) {
    enum rig_kind memory = RIG_MEMORY;
    enum rig_kind real = RIG_REAL;
    const struct CMUnitTest tests[] = {
        BOTH(what_was_synced_is_there_after_a_restart),
        BOTH(a_checkpoint_and_the_log_behind_it_give_the_same_state),
        BOTH(only_what_is_committed_is_checkpointed),
        BOTH(a_checkpoint_is_due_by_age_and_by_bytes),
        BOTH(rows_stay_visible_while_and_after_they_move_to_the_map),
        BOTH(an_aborted_transaction_leaves_nothing),
        BOTH(a_transaction_finds_its_own_rows_and_no_others),
        BOTH(an_empty_transaction_makes_no_entry),
        BOTH(an_entry_shows_the_newest_write_of_each_key_in_order),
        BOTH(a_value_may_be_put_back_while_it_is_borrowed),
        BOTH(hard_state_survives_and_a_vote_is_never_unsaid),
        BOTH(a_full_overlay_pushes_back_until_a_checkpoint),
        BOTH(segments_are_used_again_once_checkpointed),
        BOTH(an_entry_larger_than_a_segment_is_whole_after_a_restart),
        BOTH(an_idle_group_does_not_pin_the_log),
        BOTH(the_state_hash_equals_a_recount),
        BOTH(another_cluster_or_group_count_is_refused),
        cmocka_unit_test(a_groups_row_of_earlier_layouts_is_read),
        BOTH(a_cursor_walks_one_group_in_key_order),
        BOTH(a_walk_goes_on_where_it_was_while_rows_come_and_go),
        BOTH(any_sequence_of_deeds_reads_like_a_plain_table),
    };
    return cmocka_run_group_tests_name("storage/store", tests, NULL, NULL);
}
