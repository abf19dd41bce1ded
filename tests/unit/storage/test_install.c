// A snapshot from one store to another (distributed.md §4.1, §11): scanned while its source goes
// on, installed over an older replica, cut short by a crash at every operation. Over the twins and
// over the real disk and LMDB.
//
// With planted bugs built in, the name of one as the argument makes this program fail.
#include "proto/limits.h"
#include "tests/unit/storage/rig.h"

enum {
    SEGMENT_BYTES = 16 * 1024,
    GROUP = 1,
    OTHER = 2,
    KEYS = 60,
    VARIANTS = 2 // of what survives, at each point
};

#define KEY(text) BYTES_LITERAL(text)

static enum rig_kind kind_of(void **state) {
    return *(const enum rig_kind *)*state;
}

// --- a source, a destination, and who moves the rows ---------------------------------------------

struct transfer {
    struct rig source;
    struct rig target;
    struct random random;
    bool busy; // the source goes on writing
    size_t chunk_bytes;
    struct buffer rows;
    struct buffer next; // where the scan goes on
    bool scanned;
    log_index through; // the newest entry any row may show
    log_index durable; // of the target's old log
};

static void transfer_init(struct transfer *transfer, enum rig_kind kind, uint64_t fault_seed) {
    *transfer = (struct transfer){.busy = true, .chunk_bytes = 2000};
    rig_init(&transfer->source, kind, SEGMENT_BYTES);
    rig_init(&transfer->target, kind, SEGMENT_BYTES);
    memory_faults_init(&transfer->target.faults, fault_seed);
    random_init(&transfer->random, 5);
    buffer_init(&transfer->rows, (size_t)1024 * 1024);
    buffer_init(&transfer->next, 1024);
    rig_open(&transfer->source);
}

static void transfer_deinit(struct transfer *transfer) {
    buffer_deinit(&transfer->rows);
    buffer_deinit(&transfer->next);
    rig_deinit(&transfer->source);
    rig_deinit(&transfer->target);
}

static void write_some(struct rig *rig, group_id group, struct random *random, int count) {
    uint8_t value[300];
    for (int i = 0; i < count; i++) {
        uint8_t key[2] = {'k', (uint8_t)random_below(random, KEYS)};
        size_t size = 1 + (size_t)random_below(random, sizeof(value));
        memset(value, (uint8_t)random_u64(random), size);
        bool deletes = random_one_in(random, 4);
        (void)rig_put(rig, group, bytes_of(key, 2), deletes ? BYTES_EMPTY : bytes_of(value, size));
    }
}

// What the source had done, and what the target had been: some of it in the map, some in the log.
static err prepare(struct transfer *transfer) {
    write_some(&transfer->source, GROUP, &transfer->random, 100);
    rig_sync(&transfer->source);
    rig_checkpoint(&transfer->source);
    struct random random;
    random_init(&random, 99);
    write_some(&transfer->target, GROUP, &random, 50);
    write_some(&transfer->target, OTHER, &random, 10);
    TRY(rig_try_sync(&transfer->target));
    rig_commit_all(&transfer->target);
    TRY(rig_try_checkpoint(&transfer->target));
    write_some(&transfer->target, GROUP, &random, 20);
    TRY(rig_try_sync(&transfer->target));
    transfer->durable = store_group(transfer->target.store, GROUP).last_index;
    return ERR_NONE;
}

static void source_goes_on(struct transfer *transfer) {
    if (transfer->busy) {
        write_some(&transfer->source, GROUP, &transfer->random, 3);
        rig_sync(&transfer->source);
        rig_checkpoint(&transfer->source);
    }
}

static void begin(struct transfer *transfer) {
    struct store_position position = store_position(transfer->source.store, GROUP);
    store_hold(transfer->source.store, GROUP, position.index + 1);
    log_lsn lsn = store_install_begin(transfer->target.store, GROUP, &position);
    assert_true(lsn > store_stats(transfer->target.store).durable_lsn);
    buffer_clear(&transfer->next);
    transfer->scanned = false;
    transfer->through = store_group(transfer->source.store, GROUP).commit_index;
}

static void move_chunk(struct transfer *transfer) {
    log_index applied = 0;
    assert_ok(store_scan(
        transfer->source.store,
        GROUP,
        buffer_bytes(&transfer->next),
        transfer->chunk_bytes,
        &transfer->rows,
        &transfer->next,
        &transfer->scanned,
        &applied
    ));
    transfer->through = applied > transfer->through ? applied : transfer->through;
    bytes rows = buffer_bytes(&transfer->rows);
    assert_ok(store_install_rows(transfer->target.store, GROUP, rows, transfer->scanned));
    if (random_one_in(&transfer->random, 3) && !transfer->scanned) {
        assert_ok(store_install_rows(transfer->target.store, GROUP, rows, false)); // once more
    }
    source_goes_on(transfer);
}

static void follow(struct transfer *transfer, log_index until) {
    log_index index = store_group(transfer->target.store, GROUP).last_index + 1;
    for (; index <= until; index++) {
        struct store_entry entry;
        log_lsn lsn = 0;
        assert_ok(store_entry_read(transfer->source.store, GROUP, index, &entry));
        assert_ok(store_append(transfer->target.store, GROUP, &entry, &lsn));
    }
}

// Looks at the target and does what comes next, as a leader would. Returns whether all is done.
static bool step(struct transfer *transfer) {
    struct store *target = transfer->target.store;
    switch (store_installing(target, GROUP)) {
    case STORE_INSTALL_NONE:
        if (store_log_epoch(target, GROUP) > 0) {
            return true;
        }
        begin(transfer);
        return false;
    case STORE_INSTALL_FORGETTING:
    case STORE_INSTALL_DROPPING:
    case STORE_INSTALL_LOADING:
        if (!transfer->scanned) {
            move_chunk(transfer);
        }
        return false;
    case STORE_INSTALL_FOLLOWING:
        follow(transfer, store_group(transfer->source.store, GROUP).last_index);
        if (store_group(target, GROUP).last_index >= transfer->through) {
            store_commit(target, GROUP, transfer->through);
            store_install_end(target, GROUP, transfer->through);
        }
        return false;
    }
    return false;
}

// The core's turn: batches and checkpoints when they are due. Everything but the installed group is
// committed as it becomes durable.
static err turn(struct transfer *transfer) {
    TRY(rig_try_sync(&transfer->target));
    struct store *target = transfer->target.store;
    store_commit(target, OTHER, store_group(target, OTHER).last_index);
    struct store_checkpoint *checkpoint = store_checkpoint_begin(target, (mono_time){0}, false);
    if (checkpoint != NULL) {
        TRY(store_checkpoint_write(checkpoint));
        store_checkpoint_end(target, &checkpoint);
    }
    return ERR_NONE;
}

static err install(struct transfer *transfer) {
    for (int turns = 0; !step(transfer); turns++) {
        assert_true(turns < 1000);
        if (random_one_in(&transfer->random, 4)) {
            write_some(&transfer->target, OTHER, &transfer->random, 1);
        }
        TRY(turn(transfer));
    }
    return ERR_NONE;
}

static void expect_same_rows(struct rig *one, struct rig *two) {
    struct store_cursor *left = store_cursor_open(one->store, NULL, GROUP, BYTES_EMPTY);
    struct store_cursor *right = store_cursor_open(two->store, NULL, GROUP, BYTES_EMPTY);
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    size_t rows = 0;
    while (store_cursor_next(left, &key, &value)) {
        bytes other_key = BYTES_EMPTY;
        bytes other_value = BYTES_EMPTY;
        assert_true(store_cursor_next(right, &other_key, &other_value));
        assert_true(bytes_equal(key, other_key));
        assert_true(bytes_equal(value, other_value));
        rows++;
    }
    assert_false(store_cursor_next(right, &key, &value));
    assert_true(rows > 10);
    store_cursor_close(&left);
    store_cursor_close(&right);
}

// Both at the same entry, both in their maps: rows, hashes and the log of the source are there.
static void expect_equal(struct transfer *transfer) {
    assert_int_equal(store_installing(transfer->target.store, GROUP), STORE_INSTALL_NONE);
    follow(transfer, store_group(transfer->source.store, GROUP).last_index);
    rig_sync(&transfer->source);
    rig_checkpoint(&transfer->source);
    rig_sync(&transfer->target);
    rig_checkpoint(&transfer->target);
    expect_same_rows(&transfer->source, &transfer->target);
    hash128 left = {0, 0};
    hash128 right = {0, 0};
    assert_ok(store_state_hash(transfer->source.store, GROUP, &left));
    assert_ok(store_state_hash(transfer->target.store, GROUP, &right));
    assert_true(hash128_equal(left, right));
    struct store_group source = store_group(transfer->source.store, GROUP);
    struct store_group target = store_group(transfer->target.store, GROUP);
    assert_int_equal(source.last_index, target.last_index);
    assert_int_equal(source.applied_index, target.applied_index);
    assert_true(hash128_equal(source.last_chain, target.last_chain));
}

// --- the way of a snapshot -----------------------------------------------------------------------

static void a_snapshot_of_a_busy_source_ends_equal(void **state) {
    uint64_t seeds = kind_of(state) == RIG_MEMORY ? 20 : 2;
    for (uint64_t seed = 0; seed < seeds; seed++) {
        struct transfer transfer;
        transfer_init(&transfer, kind_of(state), 1);
        random_init(&transfer.random, seed);
        rig_open(&transfer.target);
        assert_ok(prepare(&transfer));
        assert_ok(install(&transfer));
        assert_int_equal(store_log_epoch(transfer.target.store, GROUP), 1);
        expect_equal(&transfer);
        rig_reopen(&transfer.target);
        assert_int_equal(store_log_epoch(transfer.target.store, GROUP), 1);
        expect_equal(&transfer);
        write_some(&transfer.source, GROUP, &transfer.random, 5);
        expect_equal(&transfer);
        transfer_deinit(&transfer);
    }
}

static void a_new_replica_is_installed_from_nothing(void **state) {
    struct transfer transfer;
    transfer_init(&transfer, kind_of(state), 1);
    transfer.busy = false;
    rig_open(&transfer.target);
    write_some(&transfer.source, GROUP, &transfer.random, 100);
    rig_sync(&transfer.source);
    rig_checkpoint(&transfer.source);
    assert_ok(install(&transfer));
    assert_int_equal(store_first_index(transfer.target.store, GROUP), 101);
    expect_equal(&transfer);
    transfer_deinit(&transfer);
}

static void an_install_may_begin_anew_at_any_time(void **state) {
    struct transfer transfer;
    transfer_init(&transfer, kind_of(state), 1);
    rig_open(&transfer.target);
    assert_ok(prepare(&transfer));
    uint64_t begun = 0;
    for (int turns = 0; turns < 40; turns++) {
        (void)step(&transfer);
        struct store_checkpoint *out = NULL;
        if (turns % 3 == 0) {
            out = store_checkpoint_begin(transfer.target.store, (mono_time){0}, true);
        }
        if (turns % 5 == 4) {
            begin(&transfer);
            begun++;
        }
        if (out != NULL) {
            assert_ok(store_checkpoint_write(out));
            store_checkpoint_end(transfer.target.store, &out);
        }
        assert_ok(turn(&transfer));
    }
    assert_ok(install(&transfer));
    assert_true(store_log_epoch(transfer.target.store, GROUP) > begun);
    expect_equal(&transfer);
    rig_reopen(&transfer.target);
    expect_equal(&transfer);
    transfer_deinit(&transfer);
}

static void rotten_rows_do_not_hinder_an_install(void **state) {
    (void)state;
    struct transfer transfer;
    transfer_init(&transfer, RIG_MEMORY, 1);
    rig_open(&transfer.target);
    assert_ok(prepare(&transfer));
    (void)rig_put(&transfer.target, GROUP, KEY("rot"), KEY("x"));
    rig_sync(&transfer.target);
    rig_checkpoint(&transfer.target);
    assert_true(memory_map_damage(transfer.target.map, MAP_STATE, KEY("\x00\x01rot")));
    assert_ok(install(&transfer));
    expect_equal(&transfer);
    transfer_deinit(&transfer);
}

// --- what must wait ------------------------------------------------------------------------------

static void until_the_beginning_is_durable_the_old_replica_is_whole(void **state) {
    (void)state;
    struct transfer transfer;
    transfer_init(&transfer, RIG_MEMORY, 1);
    rig_open(&transfer.target);
    assert_ok(prepare(&transfer));
    struct store_group before = store_group(transfer.target.store, GROUP);
    static const uint8_t value[6000];
    for (int i = 0; i < 8; i++) { // the old log is not in the newest segment
        (void)rig_put(&transfer.target, OTHER, KEY("k"), bytes_of(value, sizeof(value)));
        assert_ok(rig_try_sync(&transfer.target));
    }
    begin(&transfer);
    move_chunk(&transfer);
    store_commit(
        transfer.target.store, OTHER, store_group(transfer.target.store, OTHER).last_index
    );
    for (int i = 0; i < 3; i++) {
        rig_checkpoint(&transfer.target);
    }
    assert_ok(rig_crash(&transfer.target));
    struct store_group after = store_group(transfer.target.store, GROUP);
    assert_int_equal(store_installing(transfer.target.store, GROUP), STORE_INSTALL_NONE);
    assert_int_equal(store_log_epoch(transfer.target.store, GROUP), 0);
    assert_int_equal(after.last_index, before.last_index);
    assert_int_equal(after.applied_index, before.applied_index);
    assert_true(hash128_equal(after.last_chain, before.last_chain));
    transfer_deinit(&transfer);
}

static void entries_wait_for_the_rows_and_the_end_for_the_entries(void **state) {
    struct transfer transfer;
    transfer_init(&transfer, kind_of(state), 1);
    rig_open(&transfer.target);
    assert_ok(prepare(&transfer));
    struct store *target = transfer.target.store;
    begin(&transfer);
    write_some(&transfer.source, GROUP, &transfer.random, 5);
    rig_sync(&transfer.source);
    struct store_entry entry;
    log_lsn lsn = 0;
    log_index first = store_group(target, GROUP).last_index + 1;
    assert_ok(store_entry_read(transfer.source.store, GROUP, first, &entry));
    while (store_installing(target, GROUP) != STORE_INSTALL_FOLLOWING) {
        assert_err(store_append(target, GROUP, &entry, &lsn), ERR_UNAVAILABLE);
        (void)step(&transfer);
        assert_ok(turn(&transfer));
    }
    follow(&transfer, first + 2);
    store_commit(target, GROUP, first + 2);
    store_install_end(target, GROUP, first + 2);
    rig_checkpoint(&transfer.target); // not durable here
    assert_int_equal(store_installing(target, GROUP), STORE_INSTALL_FOLLOWING);
    rig_reopen(&transfer.target);
    target = transfer.target.store;
    assert_int_equal(store_installing(target, GROUP), STORE_INSTALL_FOLLOWING);
    assert_ok(install(&transfer));
    assert_int_equal(store_installing(target, GROUP), STORE_INSTALL_NONE);
    expect_equal(&transfer);
    transfer_deinit(&transfer);
}

static void what_is_no_rows_and_what_is_too_much_is_refused(void **state) {
    struct transfer transfer;
    transfer_init(&transfer, kind_of(state), 1);
    rig_open(&transfer.target);
    assert_ok(prepare(&transfer));
    struct store *target = transfer.target.store;
    begin(&transfer);
    assert_err(store_install_rows(target, GROUP, KEY("\x01"), false), ERR_CORRUPT);
    assert_err(store_install_rows(target, GROUP, KEY("\x01\x00k"), true), ERR_CORRUPT);
    assert_err(store_install_rows(target, GROUP, KEY("\x01\x02k"), false), ERR_CORRUPT);
    assert_ok(store_install_rows(target, GROUP, KEY("\x01\x02kv\x01\x02lw"), false));
    assert_bytes_text(store_install_reached(target, GROUP), "l");
    assert_ok(store_install_rows(target, GROUP, KEY("\x01\x02kv"), false));
    assert_bytes_text(store_install_reached(target, GROUP), "l");
    size_t size = LIMIT_STORE_INSTALL_BYTES;
    uint8_t *large = malloc(size);
    assert_non_null(large);
    memcpy(large, "\x01\xfb\xff\xff\x01z", 6); // a value of size - 6 bytes
    assert_err(store_install_rows(target, GROUP, bytes_of(large, size), true), ERR_UNAVAILABLE);
    for (int i = 0; i < 3; i++) {
        assert_ok(turn(&transfer));
    }
    assert_ok(store_install_rows(target, GROUP, bytes_of(large, size), true));
    free(large);
    assert_ok(turn(&transfer));
    assert_int_equal(store_installing(target, GROUP), STORE_INSTALL_FOLLOWING);
    assert_ok(store_install_rows(target, GROUP, KEY("\x01\x02kv"), true));
    transfer_deinit(&transfer);
}

static void old_rows_go_in_bounded_steps(void **state) {
    struct transfer transfer;
    transfer_init(&transfer, kind_of(state), 1);
    transfer.target.options.segment_bytes = (size_t)1024 * 1024;
    rig_open(&transfer.target);
    enum {
        ROWS = 2 * LIMIT_STORE_DROP_ROWS + 10
    };
    struct store_txn *txn = NULL;
    assert_ok(store_txn_begin(transfer.target.store, GROUP, &txn));
    for (uint32_t i = 0; i < ROWS; i++) {
        store_txn_put(txn, bytes_of(&i, 4), KEY("old"));
    }
    log_index index = 0;
    log_lsn lsn = 0;
    store_txn_commit(&txn, 1, 1000, &index, &lsn);
    rig_sync(&transfer.target);
    rig_checkpoint(&transfer.target);
    assert_ok(prepare(&transfer));
    begin(&transfer);
    for (int i = 0; i < 2; i++) {
        assert_ok(turn(&transfer));
        assert_int_equal(store_installing(transfer.target.store, GROUP), STORE_INSTALL_DROPPING);
    }
    assert_ok(turn(&transfer));
    assert_int_equal(store_installing(transfer.target.store, GROUP), STORE_INSTALL_LOADING);
    assert_ok(install(&transfer));
    expect_equal(&transfer);
    transfer_deinit(&transfer);
}

// --- the source ----------------------------------------------------------------------------------

static void a_scan_gives_every_row_once_in_chunks_of_any_size(void **state) {
    struct transfer transfer;
    transfer_init(&transfer, kind_of(state), 1);
    rig_open(&transfer.target);
    assert_ok(prepare(&transfer));
    for (size_t size = 1; size < 20000; size = size * 2 + 7) {
        buffer_clear(&transfer.next);
        struct store_cursor *cursor =
            store_cursor_open(transfer.source.store, NULL, GROUP, BYTES_EMPTY);
        bytes key = BYTES_EMPTY;
        bytes value = BYTES_EMPTY;
        for (bool done = false; !done;) {
            log_index applied = 0;
            bytes from = buffer_bytes(&transfer.next);
            assert_ok(store_scan(
                transfer.source.store,
                GROUP,
                from,
                size,
                &transfer.rows,
                &transfer.next,
                &done,
                &applied
            ));
            assert_int_equal(applied, 100);
            bytes rest = buffer_bytes(&transfer.rows);
            assert_true(rest.size > 0);
            assert_true(rest.size <= size || rest.size < 400);
            while (rest.size > 0) {
                assert_true(store_cursor_next(cursor, &key, &value));
                assert_true(bytes_starts_with(bytes_slice(rest, 0, rest.size), KEY("\x02")));
                size_t sizes = value.size + 1 < 0x80 ? 2 : 3;
                assert_memory_equal(rest.data + sizes, key.data, key.size);
                assert_memory_equal(rest.data + sizes + key.size, value.data, value.size);
                rest = bytes_slice(rest, sizes + key.size + value.size, rest.size);
            }
        }
        assert_false(store_cursor_next(cursor, &key, &value));
        store_cursor_close(&cursor);
    }
    transfer_deinit(&transfer);
}

static void a_scan_stops_at_a_rotten_row(void **state) {
    (void)state;
    struct transfer transfer;
    transfer_init(&transfer, RIG_MEMORY, 1);
    rig_open(&transfer.target);
    assert_ok(prepare(&transfer));
    (void)rig_put(&transfer.source, GROUP, KEY("rot"), KEY("x"));
    rig_sync(&transfer.source);
    rig_checkpoint(&transfer.source);
    assert_true(memory_map_damage(transfer.source.map, MAP_STATE, KEY("\x00\x01rot")));
    bool done = false;
    log_index applied = 0;
    err error = store_scan(
        transfer.source.store,
        GROUP,
        BYTES_EMPTY,
        1000000,
        &transfer.rows,
        &transfer.next,
        &done,
        &applied
    );
    assert_err(error, ERR_CORRUPT);
    assert_true(store_rotten(transfer.source.store, GROUP));
    transfer_deinit(&transfer);
}

static void entries_after_a_snapshots_position_are_held(void **state) {
    struct rig rig;
    rig_init(&rig, kind_of(state), SEGMENT_BYTES);
    rig.options.history_bytes = 5000;
    rig_open(&rig);
    struct random random;
    random_init(&random, 3);
    log_index held = 0;
    for (int i = 0; i < 30; i++) {
        if (i == 10) {
            held = store_group(rig.store, GROUP).last_index + 1;
            store_hold(rig.store, GROUP, held);
        }
        write_some(&rig, GROUP, &random, 5);
        write_some(&rig, OTHER, &random, 5);
        rig_sync(&rig);
        rig_checkpoint(&rig);
    }
    assert_int_equal(store_first_index(rig.store, GROUP), held);
    assert_true(store_first_index(rig.store, OTHER) > 140);
    store_hold(rig.store, GROUP, 0);
    write_some(&rig, OTHER, &random, 1);
    rig_sync(&rig);
    rig_checkpoint(&rig);
    assert_true(store_first_index(rig.store, GROUP) > 130);
    assert_true(store_stats(rig.store).history_bytes <= 5000);
    rig_deinit(&rig);
}

// --- crashes -------------------------------------------------------------------------------------

static uint64_t operations_of(uint64_t seed) {
    struct transfer transfer;
    transfer_init(&transfer, RIG_MEMORY, 1);
    random_init(&transfer.random, seed);
    rig_open(&transfer.target);
    assert_ok(prepare(&transfer));
    assert_ok(install(&transfer));
    expect_equal(&transfer);
    uint64_t operations = transfer.target.faults.operations;
    transfer_deinit(&transfer);
    return operations;
}

// The leader goes on from what the replica says of itself, or begins anew.
static void recover(struct transfer *transfer, bool anew) {
    assert_ok(rig_crash(&transfer->target));
    struct store *target = transfer->target.store;
    store_commit(target, OTHER, store_group(target, OTHER).last_index);
    enum store_install state = store_installing(target, GROUP);
    if (state == STORE_INSTALL_NONE && store_log_epoch(target, GROUP) == 0) {
        assert_true(store_group(target, GROUP).last_index >= transfer->durable);
        return; // the old replica, or what had been made of it
    }
    if (state != STORE_INSTALL_NONE && anew) {
        begin(transfer);
        return;
    }
    if (state == STORE_INSTALL_DROPPING || state == STORE_INSTALL_LOADING) {
        transfer->scanned = false;
        buffer_clear(&transfer->next);
        buffer_append(&transfer->next, store_install_reached(target, GROUP));
    }
}

static void crash_at(uint64_t seed, uint64_t point, uint64_t fault_seed) {
    struct transfer transfer;
    transfer_init(&transfer, RIG_MEMORY, fault_seed);
    random_init(&transfer.random, seed);
    transfer.target.faults.stop_at = point;
    err error = rig_try_open(&transfer.target);
    if (!err_is(error)) {
        error = prepare(&transfer);
    }
    if (!err_is(error)) {
        error = install(&transfer);
    }
    assert_true(!err_is(error) || error.code == ERR_IO);
    recover(&transfer, fault_seed % 5 == 0);
    if (store_group(transfer.source.store, GROUP).last_index == 0) {
        write_some(&transfer.source, GROUP, &transfer.random, 100);
        rig_sync(&transfer.source);
        rig_checkpoint(&transfer.source);
    }
    assert_ok(install(&transfer));
    expect_equal(&transfer);
    assert_ok(rig_crash(&transfer.target));
    expect_equal(&transfer);
    transfer_deinit(&transfer);
}

static void every_operation_of_an_install_may_be_the_last(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        uint64_t operations = operations_of(seed);
        assert_true(operations > 25);
        for (uint64_t point = 1; point <= operations; point++) {
            for (uint64_t variant = 0; variant < VARIANTS; variant++) {
                crash_at(seed, point, point * VARIANTS + variant);
            }
        }
    }
}

static void an_install_that_crashes_all_the_time_gets_done(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct transfer transfer;
        transfer_init(&transfer, RIG_MEMORY, seed);
        random_init(&transfer.random, seed);
        rig_open(&transfer.target);
        assert_ok(prepare(&transfer));
        for (int crashes = 0; crashes < 40; crashes++) {
            struct memory_faults *faults = &transfer.target.faults;
            faults->stop_at = faults->operations + 1 + random_below(&transfer.random, 12);
            if (!err_is(install(&transfer))) {
                break;
            }
            recover(&transfer, random_one_in(&transfer.random, 10));
        }
        transfer.target.faults.stop_at = 0;
        assert_ok(rig_crash(&transfer.target));
        recover(&transfer, false);
        assert_ok(install(&transfer));
        expect_equal(&transfer);
        transfer_deinit(&transfer);
    }
}

#define BOTH(test) cmocka_unit_test_prestate(test, &memory), cmocka_unit_test_prestate(test, &real)

int main(void) {
    enum rig_kind memory = RIG_MEMORY;
    enum rig_kind real = RIG_REAL;
    const struct CMUnitTest tests[] = {
        BOTH(a_snapshot_of_a_busy_source_ends_equal),
        BOTH(a_new_replica_is_installed_from_nothing),
        BOTH(an_install_may_begin_anew_at_any_time),
        cmocka_unit_test(rotten_rows_do_not_hinder_an_install),
        cmocka_unit_test(until_the_beginning_is_durable_the_old_replica_is_whole),
        BOTH(entries_wait_for_the_rows_and_the_end_for_the_entries),
        BOTH(what_is_no_rows_and_what_is_too_much_is_refused),
        BOTH(old_rows_go_in_bounded_steps),
        BOTH(a_scan_gives_every_row_once_in_chunks_of_any_size),
        cmocka_unit_test(a_scan_stops_at_a_rotten_row),
        BOTH(entries_after_a_snapshots_position_are_held),
        cmocka_unit_test(every_operation_of_an_install_may_be_the_last),
        cmocka_unit_test(an_install_that_crashes_all_the_time_gets_done),
    };
    return cmocka_run_group_tests_name("storage/install", tests, NULL, NULL);
}
