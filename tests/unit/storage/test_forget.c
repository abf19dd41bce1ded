// A group whose replica is forgotten (store_forget): its log and rows go, its number and term stay,
// and a new replica can begin in the same place. With every operation of it the last one.
#include "proto/limits.h"
#include "tests/unit/storage/rig.h"

enum {
    GROUP = 1,
    OTHER = 2,
    REPLICA = 7,
    VARIANTS = 3
};

#define KEY(text) BYTES_LITERAL(text)

static void fill(struct rig *rig) {
    (void)rig_put(rig, GROUP, KEY("a"), KEY("old"));
    (void)rig_put(rig, OTHER, KEY("a"), KEY("other"));
    rig_sync(rig);
    rig_checkpoint(rig);
    (void)rig_put(rig, GROUP, KEY("b"), KEY("old"));
    (void)store_hard_state(rig->store, GROUP, 5, 2);
    rig_sync(rig);
}

static void expect_forgotten(struct rig *rig) {
    struct store_group known = store_group(rig->store, GROUP);
    assert_int_equal(known.removed, REPLICA);
    assert_int_equal(known.term, 5);
    assert_int_equal(known.vote, 2);
    assert_int_equal(known.last_index, 0);
    assert_int_equal(known.applied_index, 0);
    assert_int_equal(store_log_epoch(rig->store, GROUP), 1);
}

static void expect_empty(struct rig *rig) {
    expect_forgotten(rig);
    hash128 hash;
    assert_int_equal(store_installing(rig->store, GROUP), STORE_INSTALL_NONE);
    rig_expect(rig, GROUP, KEY("a"), BYTES_EMPTY);
    rig_expect(rig, GROUP, KEY("b"), BYTES_EMPTY);
    rig_expect(rig, OTHER, KEY("a"), KEY("other"));
    assert_ok(store_state_hash(rig->store, GROUP, &hash));
    assert_true(hash128_equal(hash, (hash128){0, 0}));
}

static void a_forgotten_group_is_empty_and_remembers_which(void **state) {
    struct rig rig;
    rig_init(&rig, *(enum rig_kind *)*state, (size_t)64 * 1024);
    rig_open(&rig);
    fill(&rig);
    (void)store_forget(rig.store, GROUP, REPLICA);
    expect_forgotten(&rig);
    assert_int_equal(store_installing(rig.store, GROUP), STORE_INSTALL_FORGETTING);
    rig_checkpoint(&rig); // its record is not durable: the old rows stay
    assert_int_equal(store_installing(rig.store, GROUP), STORE_INSTALL_FORGETTING);
    rig_sync(&rig);
    rig_checkpoint(&rig);
    expect_empty(&rig);
    rig_reopen(&rig);
    expect_empty(&rig);
    (void)store_forget(rig.store, GROUP, REPLICA - 1);
    assert_int_equal(store_group(rig.store, GROUP).removed, REPLICA);
    rig_deinit(&rig);
}

static void a_new_replica_begins_where_one_was_forgotten(void **state) {
    struct rig rig;
    rig_init(&rig, *(enum rig_kind *)*state, (size_t)64 * 1024);
    rig_open(&rig);
    fill(&rig);
    (void)store_forget(rig.store, GROUP, REPLICA);
    struct store_entry entry = {.term = 6};
    log_lsn lsn = 0;
    assert_err(store_append(rig.store, GROUP, &entry, &lsn), ERR_UNAVAILABLE);
    rig_sync(&rig);
    rig_checkpoint(&rig);
    log_index index = 0;
    store_append_noop(rig.store, GROUP, 6, 2000, &index, &lsn);
    assert_int_equal(index, 1);
    rig_sync(&rig);
    rig_reopen(&rig);
    assert_int_equal(store_group(rig.store, GROUP).last_index, 1);
    assert_int_equal(store_group(rig.store, GROUP).removed, REPLICA);
    struct store_position position = {.index = 9, .term = 6, .chain = {1, 2}, .time_ms = 3000};
    (void)store_install_begin(rig.store, GROUP, &position); // or with rows
    rig_sync(&rig);
    rig_checkpoint(&rig);
    assert_int_equal(store_installing(rig.store, GROUP), STORE_INSTALL_LOADING);
    assert_int_equal(store_log_epoch(rig.store, GROUP), 2);
    assert_int_equal(store_group(rig.store, GROUP).removed, REPLICA);
    rig_deinit(&rig);
}

static void forgotten_rows_go_in_bounded_steps(void **state) {
    struct rig rig;
    rig_init(&rig, *(enum rig_kind *)*state, (size_t)1024 * 1024);
    rig_open(&rig);
    struct store_txn *txn = NULL;
    assert_ok(store_txn_begin(rig.store, GROUP, &txn));
    for (uint32_t i = 0; i < LIMIT_STORE_DROP_ROWS + 10; i++) {
        store_txn_put(txn, bytes_of(&i, sizeof(i)), KEY("old"));
    }
    log_index index = 0;
    log_lsn lsn = 0;
    store_txn_commit(&txn, 1, 1000, &index, &lsn);
    rig_sync(&rig);
    rig_checkpoint(&rig);
    (void)store_forget(rig.store, GROUP, REPLICA);
    rig_sync(&rig);
    rig_checkpoint(&rig);
    assert_int_equal(store_installing(rig.store, GROUP), STORE_INSTALL_FORGETTING);
    rig_reopen(&rig); // and go on after a restart
    assert_int_equal(store_installing(rig.store, GROUP), STORE_INSTALL_FORGETTING);
    rig_checkpoint(&rig);
    assert_int_equal(store_installing(rig.store, GROUP), STORE_INSTALL_NONE);
    rig_deinit(&rig);
}

// --- crashes -------------------------------------------------------------------------------------

static err try_turn(struct rig *rig) {
    TRY(rig_try_sync(rig));
    rig_commit_all(rig);
    return rig_try_checkpoint(rig);
}

// Up to the first operation that fails; `*out_forgets`: whether it came to the deed.
static err forget_and_begin(struct rig *rig, bool *out_forgets) {
    TRY(rig_try_open(rig));
    (void)rig_put(rig, GROUP, KEY("a"), KEY("old"));
    (void)rig_put(rig, OTHER, KEY("a"), KEY("other"));
    TRY(try_turn(rig));
    (void)rig_put(rig, GROUP, KEY("b"), KEY("old"));
    (void)store_hard_state(rig->store, GROUP, 5, 2);
    TRY(try_turn(rig));
    *out_forgets = true;
    (void)store_forget(rig->store, GROUP, REPLICA);
    while (store_installing(rig->store, GROUP) != STORE_INSTALL_NONE) {
        TRY(try_turn(rig));
    }
    log_index index = 0;
    log_lsn lsn = 0;
    store_append_noop(rig->store, GROUP, 6, 2000, &index, &lsn);
    return try_turn(rig);
}

// Either the old replica is whole, or nothing of it is left to see.
static void judge(struct rig *rig, bool forgets) {
    struct store_group known = store_group(rig->store, GROUP);
    if (known.removed == 0) {
        if (forgets) {
            assert_int_equal(known.last_index, 2);
            rig_commit_all(rig);
            rig_expect(rig, GROUP, KEY("a"), KEY("old"));
            rig_expect(rig, GROUP, KEY("b"), KEY("old"));
        }
        return;
    }
    assert_true(forgets);
    assert_int_equal(known.removed, REPLICA);
    assert_true(known.term >= 5);
    while (store_installing(rig->store, GROUP) != STORE_INSTALL_NONE) {
        assert_ok(try_turn(rig));
    }
    rig_expect(rig, GROUP, KEY("a"), BYTES_EMPTY);
    rig_expect(rig, GROUP, KEY("b"), BYTES_EMPTY);
    assert_true(store_group(rig->store, GROUP).last_index <= 1);
}

static uint64_t crash_at(uint64_t point, uint64_t seed) {
    struct rig rig;
    rig_init(&rig, RIG_MEMORY, (size_t)16 * 1024);
    memory_faults_init(&rig.faults, seed);
    rig.faults.stop_at = point;
    bool forgets = false;
    err error = forget_and_begin(&rig, &forgets);
    assert_true(!err_is(error) || error.code == ERR_IO);
    uint64_t operations = rig.faults.operations;
    rig.faults.stop_at = 0;
    assert_ok(rig_crash(&rig));
    judge(&rig, forgets);
    assert_ok(rig_crash(&rig)); // what was judged was durable, or is again to be done
    judge(&rig, forgets);
    rig_deinit(&rig);
    return operations;
}

static void every_operation_of_forgetting_may_be_the_last(void **state) {
    (void)state;
    uint64_t operations = crash_at(0, 1);
    assert_true(operations > 20);
    for (uint64_t point = 1; point <= operations; point++) {
        for (uint64_t variant = 0; variant < VARIANTS; variant++) {
            (void)crash_at(point, point * VARIANTS + variant);
        }
    }
}

#define BOTH(test) cmocka_unit_test_prestate(test, &memory), cmocka_unit_test_prestate(test, &real)

int main(void) {
    enum rig_kind memory = RIG_MEMORY;
    enum rig_kind real = RIG_REAL;
    const struct CMUnitTest tests[] = {
        BOTH(a_forgotten_group_is_empty_and_remembers_which),
        BOTH(a_new_replica_begins_where_one_was_forgotten),
        BOTH(forgotten_rows_go_in_bounded_steps),
        cmocka_unit_test(every_operation_of_forgetting_may_be_the_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
