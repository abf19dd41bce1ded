// The log of storage/store.h as consensus uses it: entries read, appended by a follower, cut,
// committed, kept. Over the twins and over the real disk and LMDB.
//
// With planted bugs built in, the name of one as the argument makes this program fail.
#include "tests/unit/storage/rig.h"

enum {
    SEGMENT_BYTES = 64 * 1024,
    SEGMENT_BYTES_SMALL = 16 * 1024
};

#define KEY(text) BYTES_LITERAL(text)

static enum rig_kind kind_of(void **state) {
    return *(const enum rig_kind *)*state;
}

// --- two replicas --------------------------------------------------------------------------------

struct pair {
    struct rig leader;
    struct rig follower;
};

static void pair_init(struct pair *pair, void **state) {
    rig_init(&pair->leader, kind_of(state), SEGMENT_BYTES);
    rig_init(&pair->follower, kind_of(state), SEGMENT_BYTES);
    rig_open(&pair->leader);
    rig_open(&pair->follower);
}

static void pair_deinit(struct pair *pair) {
    rig_deinit(&pair->leader);
    rig_deinit(&pair->follower);
}

// Puts one row as an entry of `term`.
static log_index put_in(struct rig *rig, uint64_t term, bytes key, bytes value) {
    struct store_txn *txn = NULL;
    assert_ok(store_txn_begin(rig->store, 1, &txn));
    store_txn_put(txn, key, value);
    log_index index = 0;
    log_lsn lsn = 0;
    store_txn_commit(&txn, term, 1000, &index, &lsn);
    return index;
}

// Gives the leader's entries after the follower's last one to the follower, up to `until`.
static void follow(struct pair *pair, log_index until) {
    log_index index = store_group(pair->follower.store, 1).last_index + 1;
    for (; index <= until; index++) {
        struct store_entry entry;
        log_lsn lsn = 0;
        assert_ok(store_entry_read(pair->leader.store, 1, index, &entry));
        assert_ok(store_append(pair->follower.store, 1, &entry, &lsn));
        assert_true(lsn > 0);
    }
}

static void expect_same_log(struct rig *one, struct rig *two, log_index from, log_index last) {
    for (log_index i = from; i <= last; i++) {
        struct store_entry left;
        struct store_entry right;
        assert_ok(store_entry_read(one->store, 1, i, &left));
        assert_ok(store_entry_read(two->store, 1, i, &right));
        assert_int_equal(left.term, right.term);
        assert_int_equal(left.time_ms, right.time_ms);
        assert_true(hash128_equal(left.chain, right.chain));
        assert_true(bytes_equal(left.payload, right.payload));
    }
}

// --- following -----------------------------------------------------------------------------------

static void a_follower_reads_an_entry_once_it_is_committed(void **state) {
    struct pair pair;
    pair_init(&pair, state);
    (void)put_in(&pair.leader, 1, KEY("a"), KEY("one"));
    (void)put_in(&pair.leader, 1, KEY("a"), KEY("two"));
    follow(&pair, 2);
    rig_expect(&pair.follower, 1, KEY("a"), BYTES_EMPTY);
    assert_ok(rig_try_sync(&pair.follower));
    rig_expect(&pair.follower, 1, KEY("a"), BYTES_EMPTY);
    struct store_cursor *cursor = store_cursor_open(pair.follower.store, NULL, 1, BYTES_EMPTY);
    store_commit(pair.follower.store, 1, 1);
    rig_expect(&pair.follower, 1, KEY("a"), KEY("one"));
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    assert_true(store_cursor_next(cursor, &key, &value));
    assert_bytes_text(value, "one");
    store_cursor_close(&cursor);
    // A look that proposes nothing sees the same.
    struct store_txn *txn = NULL;
    assert_ok(store_txn_begin(pair.follower.store, 1, &txn));
    assert_ok(store_txn_get(txn, KEY("a"), &value));
    assert_bytes_text(value, "one");
    store_txn_abort(&txn);
    store_commit(pair.follower.store, 1, 2);
    rig_expect(&pair.follower, 1, KEY("a"), KEY("two"));
    rig_checkpoint(&pair.follower);
    rig_expect(&pair.follower, 1, KEY("a"), KEY("two"));
    expect_same_log(&pair.leader, &pair.follower, 1, 2);
    pair_deinit(&pair);
}

static void an_entry_that_does_not_follow_is_refused_and_leaves_nothing(void **state) {
    struct pair pair;
    pair_init(&pair, state);
    (void)put_in(&pair.leader, 2, KEY("a"), KEY("one"));
    struct store_entry good;
    assert_ok(store_entry_read(pair.leader.store, 1, 1, &good));
    struct store *store = pair.follower.store;
    log_lsn lsn = 77;
    struct store_entry bad = good;
    bad.chain.low ^= 1;
    assert_err(store_append(store, 1, &bad, &lsn), ERR_CORRUPT);
    bad = good;
    bad.term = 3;
    assert_err(store_append(store, 1, &bad, &lsn), ERR_CORRUPT);
    bad = good;
    bad.time_ms = -1;
    assert_err(store_append(store, 1, &bad, &lsn), ERR_CORRUPT);
    bad = good;
    bad.payload.size--;
    assert_err(store_append(store, 1, &bad, &lsn), ERR_CORRUPT);
    bad.payload = KEY("\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01k");
    assert_err(store_append(store, 1, &bad, &lsn), ERR_CORRUPT);
    assert_int_equal(lsn, 77);
    assert_false(store_batch_pending(store));
    assert_int_equal(store_group(store, 1).last_index, 0);
    assert_ok(store_append(store, 1, &good, &lsn));
    assert_err(store_append(store, 1, &good, &lsn), ERR_CORRUPT);
    bad = good;
    bad.term = 1;
    assert_err(store_append(store, 1, &bad, &lsn), ERR_CORRUPT);
    assert_int_equal(store_group(store, 1).last_index, 1);
    pair_deinit(&pair);
}

static void a_checkpoint_takes_what_is_durable_here(void **state) {
    struct pair pair;
    pair_init(&pair, state);
    (void)put_in(&pair.leader, 1, KEY("a"), KEY("one"));
    (void)put_in(&pair.leader, 1, KEY("b"), KEY("two"));
    follow(&pair, 1);
    assert_ok(rig_try_sync(&pair.follower));
    follow(&pair, 2);
    store_commit(pair.follower.store, 1, 2); // a majority of others has it
    rig_checkpoint(&pair.follower);
    assert_int_equal(store_group(pair.follower.store, 1).applied_index, 1);
    assert_null(store_checkpoint_begin(pair.follower.store, (mono_time){0}, true));
    assert_ok(rig_try_sync(&pair.follower));
    rig_checkpoint(&pair.follower);
    assert_int_equal(store_group(pair.follower.store, 1).applied_index, 2);
    pair_deinit(&pair);
}

static void a_follower_pushes_back_only_while_a_checkpoint_can_help(void **state) {
    struct pair pair;
    rig_init(&pair.leader, kind_of(state), SEGMENT_BYTES);
    rig_init(&pair.follower, kind_of(state), SEGMENT_BYTES);
    pair.follower.options.overlay_bytes_max = 10000;
    rig_open(&pair.leader);
    rig_open(&pair.follower);
    static const uint8_t value[4000];
    for (int i = 0; i < 6; i++) {
        (void)put_in(&pair.leader, 1, KEY("a"), bytes_of(value, sizeof(value)));
    }
    follow(&pair, 5); // nothing of it is committed
    assert_ok(rig_try_sync(&pair.follower));
    store_commit(pair.follower.store, 1, 3);
    struct store_entry entry;
    log_lsn lsn = 0;
    assert_ok(store_entry_read(pair.leader.store, 1, 6, &entry));
    assert_err(store_append(pair.follower.store, 1, &entry, &lsn), ERR_UNAVAILABLE);
    rig_checkpoint(&pair.follower);
    assert_ok(store_append(pair.follower.store, 1, &entry, &lsn));
    pair_deinit(&pair);
}

// --- cutting -------------------------------------------------------------------------------------

static void another_entry_takes_the_index_of_one_that_was_cut(void **state) {
    struct pair pair;
    pair_init(&pair, state);
    (void)put_in(&pair.leader, 1, KEY("a"), KEY("kept"));
    (void)put_in(&pair.leader, 1, KEY("b"), KEY("kept"));
    follow(&pair, 2);
    // The follower leads for a moment and writes what no majority gets.
    store_commit(pair.follower.store, 1, 2);
    for (int i = 0; i < 3; i++) {
        (void)put_in(&pair.follower, 2, KEY("b"), KEY("lost"));
    }
    (void)put_in(&pair.follower, 2, KEY("c"), KEY("lost"));
    assert_ok(rig_try_sync(&pair.follower));
    assert_int_equal(put_in(&pair.leader, 3, KEY("d"), KEY("won")), 3);
    log_lsn lsn = store_cut(pair.follower.store, 1, 3);
    assert_true(lsn > store_stats(pair.follower.store).durable_lsn);
    rig_expect(&pair.follower, 1, KEY("b"), KEY("kept"));
    rig_expect(&pair.follower, 1, KEY("c"), BYTES_EMPTY);
    assert_int_equal(store_group(pair.follower.store, 1).last_index, 2);
    follow(&pair, 3);
    assert_ok(rig_try_sync(&pair.follower));
    for (int i = 0; i < 2; i++) {
        expect_same_log(&pair.leader, &pair.follower, 1, 3);
        assert_int_equal(store_group(pair.follower.store, 1).last_index, 3);
        assert_int_equal(store_group(pair.follower.store, 1).commit_index, 2);
        rig_reopen(&pair.follower);
    }
    store_commit(pair.follower.store, 1, 3);
    rig_checkpoint(&pair.follower);
    rig_reopen(&pair.follower);
    expect_same_log(&pair.leader, &pair.follower, 1, 3);
    rig_expect(&pair.follower, 1, KEY("b"), KEY("kept"));
    rig_expect(&pair.follower, 1, KEY("c"), BYTES_EMPTY);
    rig_expect(&pair.follower, 1, KEY("d"), KEY("won"));
    pair_deinit(&pair);
}

static void an_entry_may_be_cut_again_and_again(void **state) {
    struct rig rig;
    rig_init(&rig, kind_of(state), SEGMENT_BYTES_SMALL);
    rig_open(&rig);
    static const uint8_t value[3000];
    (void)put_in(&rig, 1, KEY("base"), KEY("kept"));
    rig_sync(&rig);
    for (uint64_t term = 2; term < 60; term++) {
        for (int i = 0; i < 3; i++) {
            (void)put_in(&rig, term, KEY("a"), bytes_of(value, sizeof(value)));
        }
        if (term % 3 != 0) {
            assert_ok(rig_try_sync(&rig));
        }
        (void)store_cut(rig.store, 1, 2 + term % 3);
        store_forget_speculation(rig.store, 1);
        if (store_group(rig.store, 1).last_index > 1) {
            (void)store_cut(rig.store, 1, 2);
        }
        assert_ok(rig_try_sync(&rig));
        rig_checkpoint(&rig);
        (void)rig_put(&rig, 2, KEY("other"), bytes_of(value, sizeof(value)));
        assert_ok(rig_try_sync(&rig));
        store_commit(rig.store, 2, store_group(rig.store, 2).last_index);
        rig_checkpoint(&rig);
    }
    assert_true(store_stats(rig.store).segments <= 8);
    rig_reopen(&rig);
    assert_int_equal(store_group(rig.store, 1).last_index, 1);
    rig_expect(&rig, 1, KEY("a"), BYTES_EMPTY);
    rig_expect(&rig, 1, KEY("base"), KEY("kept"));
    rig_deinit(&rig);
}

static void a_cut_keeps_the_log_whole_until_it_is_durable(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig, RIG_MEMORY, SEGMENT_BYTES_SMALL);
    rig_open(&rig);
    static const uint8_t value[6000];
    for (int i = 0; i < 12; i++) {
        (void)put_in(&rig, 1, KEY("a"), bytes_of(value, sizeof(value)));
        assert_ok(rig_try_sync(&rig));
    }
    (void)rig_put(&rig, 2, KEY("b"), KEY("x"));
    assert_ok(rig_try_sync(&rig));
    store_commit(rig.store, 2, 1);
    (void)store_cut(rig.store, 1, 1);
    rig_checkpoint(&rig);
    assert_ok(rig_crash(&rig));
    assert_int_equal(store_group(rig.store, 1).last_index, 12);
    rig_deinit(&rig);
}

// --- leading -------------------------------------------------------------------------------------

static void what_a_leader_guessed_is_forgotten_and_may_still_be_committed(void **state) {
    struct rig rig;
    rig_init(&rig, kind_of(state), SEGMENT_BYTES);
    rig_open(&rig);
    (void)put_in(&rig, 1, KEY("a"), KEY("map"));
    rig_sync(&rig);
    rig_checkpoint(&rig);
    (void)put_in(&rig, 1, KEY("b"), KEY("committed"));
    rig_sync(&rig);
    (void)put_in(&rig, 1, KEY("a"), KEY("guess"));
    (void)put_in(&rig, 1, KEY("b"), KEY("guess"));
    (void)put_in(&rig, 1, KEY("c"), KEY("guess"));
    struct store_cursor *cursor = store_cursor_open(rig.store, NULL, 1, BYTES_EMPTY);
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    assert_true(store_cursor_next(cursor, &key, &value));
    assert_bytes_text(value, "guess");
    store_forget_speculation(rig.store, 1);
    assert_true(store_cursor_next(cursor, &key, &value));
    assert_bytes_text(value, "committed");
    assert_false(store_cursor_next(cursor, &key, &value));
    store_cursor_close(&cursor);
    rig_expect(&rig, 1, KEY("a"), KEY("map"));
    rig_expect(&rig, 1, KEY("c"), BYTES_EMPTY);
    assert_int_equal(store_group(rig.store, 1).last_index, 5);
    store_forget_speculation(rig.store, 1);
    rig_sync(&rig);
    rig_expect(&rig, 1, KEY("a"), KEY("guess"));
    rig_expect(&rig, 1, KEY("b"), KEY("guess"));
    rig_expect(&rig, 1, KEY("c"), KEY("guess"));
    rig_deinit(&rig);
}

static void a_new_leader_reads_its_tail_when_its_first_entry_commits(void **state) {
    struct pair pair;
    pair_init(&pair, state);
    (void)put_in(&pair.leader, 1, KEY("a"), KEY("one"));
    (void)put_in(&pair.leader, 1, KEY("a"), KEY("two"));
    follow(&pair, 2);
    struct store *store = pair.follower.store;
    store_commit(store, 1, 1);
    log_index index = 0;
    log_lsn lsn = 0;
    store_append_noop(store, 1, 2, 2000, &index, &lsn);
    assert_int_equal(index, 3);
    assert_true(lsn > 0);
    rig_expect(&pair.follower, 1, KEY("a"), KEY("one"));
    struct store_entry entry;
    assert_ok(store_entry_read(store, 1, 3, &entry));
    assert_int_equal(entry.term, 2);
    assert_int_equal(entry.time_ms, 2000);
    assert_int_equal(entry.payload.size, 0);
    assert_ok(store_append(pair.leader.store, 1, &entry, &lsn));
    rig_sync(&pair.follower);
    rig_expect(&pair.follower, 1, KEY("a"), KEY("two"));
    assert_int_equal(put_in(&pair.follower, 2, KEY("a"), KEY("three")), 4);
    rig_sync(&pair.follower);
    rig_checkpoint(&pair.follower);
    rig_reopen(&pair.follower);
    assert_int_equal(store_group(pair.follower.store, 1).last_term, 2);
    rig_expect(&pair.follower, 1, KEY("a"), KEY("three"));
    pair_deinit(&pair);
}

// --- what is kept --------------------------------------------------------------------------------

static void the_history_is_bounded_and_what_is_not_applied_is_always_kept(void **state) {
    struct rig rig;
    rig_init(&rig, kind_of(state), SEGMENT_BYTES);
    rig.options.history_bytes = 10000;
    rig_open(&rig);
    static const uint8_t value[1000];
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 20; i++) {
            (void)put_in(&rig, 1, KEY("a"), bytes_of(value, sizeof(value)));
        }
        log_index last = store_group(rig.store, 1).last_index;
        log_index first = store_first_index(rig.store, 1);
        struct store_entry entry;
        for (log_index i = first; i <= last; i++) {
            assert_ok(store_entry_read(rig.store, 1, i, &entry));
        }
        rig_sync(&rig);
        rig_checkpoint(&rig);
        assert_true(store_stats(rig.store).history_bytes <= 10000);
        assert_true(store_stats(rig.store).history_bytes > 8000);
        first = store_first_index(rig.store, 1);
        assert_true(first > last - 10);
        assert_err(store_entry_read(rig.store, 1, first - 1, &entry), ERR_NOT_FOUND);
        assert_err(store_entry_read(rig.store, 1, last + 1, &entry), ERR_NOT_FOUND);
        uint64_t term = 0;
        hash128 chain = {0, 0};
        assert_true(store_entry_term(rig.store, 1, first - 1, &term, &chain));
        assert_false(store_entry_term(rig.store, 1, first - 2, &term, &chain));
        assert_false(store_entry_term(rig.store, 1, last + 1, &term, &chain));
        assert_true(store_entry_term(rig.store, 1, 0, &term, &chain));
        assert_int_equal(term, 0);
        assert_true(hash128_equal(chain, (hash128){0, 0}));
    }
    rig_deinit(&rig);
}

static void without_history_the_applied_entry_is_known(void **state) {
    struct rig rig;
    rig_init(&rig, kind_of(state), SEGMENT_BYTES);
    rig.options.history_bytes = STORE_HISTORY_NONE;
    rig_open(&rig);
    (void)put_in(&rig, 4, KEY("a"), KEY("one"));
    rig_sync(&rig);
    rig_checkpoint(&rig);
    for (int i = 0; i < 2; i++) {
        struct store_group group = store_group(rig.store, 1);
        assert_int_equal(store_first_index(rig.store, 1), 2);
        assert_int_equal(store_stats(rig.store).history_bytes, 0);
        uint64_t term = 0;
        hash128 chain = {0, 0};
        assert_true(store_entry_term(rig.store, 1, 1, &term, &chain));
        assert_int_equal(term, 4);
        assert_true(hash128_equal(chain, group.last_chain));
        rig_reopen(&rig);
    }
    rig_deinit(&rig);
}

static void the_history_comes_back_from_the_log(void **state) {
    struct pair pair;
    pair_init(&pair, state);
    for (int i = 0; i < 10; i++) {
        (void)put_in(&pair.leader, 1, KEY("a"), KEY("x"));
        follow(&pair, 1 + (log_index)i);
        rig_sync(&pair.leader);
        rig_checkpoint(&pair.leader);
    }
    rig_reopen(&pair.leader);
    assert_int_equal(store_group(pair.leader.store, 1).applied_index, 10);
    assert_int_equal(store_first_index(pair.leader.store, 1), 1);
    expect_same_log(&pair.leader, &pair.follower, 1, 10);
    pair_deinit(&pair);
}

static void the_history_begins_where_the_log_does(void **state) {
    struct rig rig;
    rig_init(&rig, kind_of(state), SEGMENT_BYTES);
    rig_open(&rig);
    static const uint8_t value[3000];
    for (int i = 0; i < 100; i++) {
        (void)put_in(&rig, 1, KEY("a"), bytes_of(value, sizeof(value)));
        rig_sync(&rig);
        rig_checkpoint(&rig);
    }
    assert_int_equal(store_first_index(rig.store, 1), 1);
    hash128 before[101];
    uint64_t term = 0;
    for (log_index i = 0; i <= 100; i++) {
        assert_true(store_entry_term(rig.store, 1, i, &term, &before[i]));
    }
    rig_reopen(&rig);
    log_index first = store_first_index(rig.store, 1);
    assert_true(first > 1);
    assert_true(first <= 100);
    for (log_index i = first - 1; i <= 100; i++) {
        hash128 chain = {0, 0};
        assert_true(store_entry_term(rig.store, 1, i, &term, &chain));
        assert_int_equal(term, 1);
        assert_true(hash128_equal(chain, before[i]));
    }
    rig_deinit(&rig);
}

static void a_restart_finds_the_last_full_segment(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig, RIG_MEMORY, SEGMENT_BYTES_SMALL);
    rig_open(&rig);
    static const uint8_t value[3000]; // three batches a segment
    for (log_index i = 1; i <= 30; i++) {
        (void)put_in(&rig, 1, KEY("a"), bytes_of(value, sizeof(value)));
        rig_sync(&rig);
        rig_checkpoint(&rig);
        rig_reopen(&rig);
        assert_int_equal(store_group(rig.store, 1).applied_index, i);
        assert_true(store_first_index(rig.store, 1) + 1 <= i || i < 2);
        assert_true(store_first_index(rig.store, 1) + 6 > i);
    }
    rig_deinit(&rig);
}

static void a_commit_is_a_hint_that_rides_along(void **state) {
    struct rig rig;
    rig_init(&rig, kind_of(state), SEGMENT_BYTES);
    rig_open(&rig);
    for (int i = 0; i < 3; i++) {
        (void)put_in(&rig, 1, KEY("a"), KEY("x"));
    }
    assert_ok(rig_try_sync(&rig));
    store_commit(rig.store, 1, 2);
    assert_false(store_batch_pending(rig.store));
    rig_reopen(&rig);
    assert_int_equal(store_group(rig.store, 1).commit_index, 0);
    store_commit(rig.store, 1, 2);
    (void)rig_put(&rig, 2, KEY("a"), KEY("x"));
    assert_ok(rig_try_sync(&rig));
    rig_reopen(&rig);
    assert_int_equal(store_group(rig.store, 1).commit_index, 2);
    assert_int_equal(store_group(rig.store, 1).last_index, 3);
    rig_deinit(&rig);
}

#define BOTH(test) cmocka_unit_test_prestate(test, &memory), cmocka_unit_test_prestate(test, &real)

int main(void) {
    enum rig_kind memory = RIG_MEMORY;
    enum rig_kind real = RIG_REAL;
    const struct CMUnitTest tests[] = {
        BOTH(a_follower_reads_an_entry_once_it_is_committed),
        BOTH(an_entry_that_does_not_follow_is_refused_and_leaves_nothing),
        BOTH(a_checkpoint_takes_what_is_durable_here),
        BOTH(a_follower_pushes_back_only_while_a_checkpoint_can_help),
        BOTH(another_entry_takes_the_index_of_one_that_was_cut),
        BOTH(an_entry_may_be_cut_again_and_again),
        cmocka_unit_test(a_cut_keeps_the_log_whole_until_it_is_durable),
        BOTH(what_a_leader_guessed_is_forgotten_and_may_still_be_committed),
        BOTH(a_new_leader_reads_its_tail_when_its_first_entry_commits),
        BOTH(the_history_is_bounded_and_what_is_not_applied_is_always_kept),
        BOTH(without_history_the_applied_entry_is_known),
        BOTH(the_history_comes_back_from_the_log),
        BOTH(the_history_begins_where_the_log_does),
        cmocka_unit_test(a_restart_finds_the_last_full_segment),
        BOTH(a_commit_is_a_hint_that_rides_along),
    };
    return cmocka_run_group_tests_name("storage/log", tests, NULL, NULL);
}
