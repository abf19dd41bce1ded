// Every operation that changes the disk or the map is in turn the last one (distributed.md §15.2:
// 8, 11, 12): whatever part of it and of the unsynced rest survives, the store opens, holds every
// entry that was reported durable, none in half, and the state is that of its entries.
//
// With planted bugs built in, the name of one as the argument makes this program fail.
#include "tests/unit/storage/rig.h"

enum {
    GROUPS = 5,
    LAGGING_GROUP = 4, // its entries stay uncommitted for long, and are moved
    COMMITS = 200,
    KEYS = 24,
    WRITES_MAX = 6,
    SEGMENT_BYTES = 16 * 1024,
    VARIANTS = 2 // of what survives, at each point
};

// --- what should be there ------------------------------------------------------------------------

struct wrote {
    uint8_t key;
    uint16_t size; // of the value; 0: deleted
    uint8_t fill;
};

struct expected_entry {
    struct wrote writes[WRITES_MAX];
    size_t count;
    log_lsn lsn;
    hash128 chain;
};

struct expected_group {
    struct expected_entry entries[COMMITS + 1];
    log_index last;
    uint64_t term_appended;
    log_lsn term_lsn;
    uint64_t term_durable;
};

struct expected {
    struct expected_group groups[GROUPS];
    log_lsn durable;
};

struct scenario {
    struct rig rig;
    struct expected *expected;
    struct random random; // of the workload; the faults have their own
    struct store_batch *batch;
    struct store_checkpoint *checkpoint;
};

static void scenario_init(struct scenario *scenario, uint64_t seed, uint64_t fault_seed) {
    *scenario = (struct scenario){.batch = NULL};
    rig_init(&scenario->rig, RIG_MEMORY, SEGMENT_BYTES);
    memory_faults_init(&scenario->rig.faults, fault_seed);
    scenario->rig.options.group_count = GROUPS;
    scenario->rig.options.attest_entries = 5; // checkpoints stop in between
    scenario->expected = calloc(1, sizeof(struct expected));
    assert_non_null(scenario->expected);
    random_init(&scenario->random, seed);
}

static void scenario_deinit(struct scenario *scenario) {
    rig_deinit(&scenario->rig);
    free(scenario->expected);
}

// --- the scenario --------------------------------------------------------------------------------

static bytes key_of(const struct wrote *wrote, uint8_t out[3]) {
    out[0] = 'k';
    out[1] = wrote->key;
    out[2] = (uint8_t)~wrote->key;
    return bytes_of(out, 3);
}

static void write_some(struct scenario *scenario, struct store_txn *txn, struct wrote *out_wrote) {
    static uint8_t content[2048];
    struct random *random = &scenario->random;
    *out_wrote = (struct wrote){
        .key = (uint8_t)random_below(random, KEYS),
        .size = random_one_in(random, 4) ? 0 : (uint16_t)(1 + random_below(random, 1500)),
        .fill = (uint8_t)random_u64(random),
    };
    uint8_t room[3];
    if (out_wrote->size == 0) {
        store_txn_del(txn, key_of(out_wrote, room));
    } else {
        memset(content, out_wrote->fill, out_wrote->size);
        store_txn_put(txn, key_of(out_wrote, room), bytes_of(content, out_wrote->size));
    }
}

static void commit_one(struct scenario *scenario) {
    group_id group = (group_id)random_below(&scenario->random, GROUPS);
    if (group == LAGGING_GROUP && !random_one_in(&scenario->random, 4)) {
        group = 0;
    }
    struct expected_group *expected = &scenario->expected->groups[group];
    struct expected_entry *entry = &expected->entries[expected->last + 1];
    struct store_txn *txn = NULL;
    assert_ok(store_txn_begin(scenario->rig.store, group, &txn));
    entry->count = 1 + (size_t)random_below(&scenario->random, WRITES_MAX);
    for (size_t i = 0; i < entry->count; i++) {
        write_some(scenario, txn, &entry->writes[i]);
    }
    log_index index = 0;
    store_txn_commit(&txn, 1, (int64_t)expected->last, &index, &entry->lsn);
    expected->last++;
    assert_int_equal(index, expected->last);
    entry->chain = store_group(scenario->rig.store, group).last_chain;
}

static void raise_term(struct scenario *scenario) {
    struct expected_group *expected = &scenario->expected->groups[LAGGING_GROUP];
    expected->term_appended++;
    expected->term_lsn =
        store_hard_state(scenario->rig.store, LAGGING_GROUP, expected->term_appended, (uint16_t)1);
}

static void told_durable(struct scenario *scenario, log_lsn lsn) {
    scenario->expected->durable = lsn;
    struct expected_group *lagging = &scenario->expected->groups[LAGGING_GROUP];
    if (lagging->term_lsn <= lsn) {
        lagging->term_durable = lagging->term_appended;
    }
    bool catch_up = random_one_in(&scenario->random, 30);
    for (int g = 0; g < GROUPS; g++) {
        log_index index = 0;
        const struct expected_group *group = &scenario->expected->groups[g];
        while (index < group->last && group->entries[index + 1].lsn <= lsn) {
            index++;
        }
        if (g != LAGGING_GROUP || catch_up) {
            store_commit(scenario->rig.store, (group_id)g, index);
        }
    }
}

// --- the checks ----------------------------------------------------------------------------------

static void expect_rows(
    struct scenario *scenario, group_id group, const struct expected_group *expected, log_index last
) {
    struct wrote rows[KEYS] = {{0}};
    for (log_index i = 1; i <= last; i++) {
        for (size_t w = 0; w < expected->entries[i].count; w++) {
            rows[expected->entries[i].writes[w].key] = expected->entries[i].writes[w];
        }
    }
    struct store_cursor *cursor = store_cursor_open(scenario->rig.store, NULL, group, BYTES_EMPTY);
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    for (size_t k = 0; k < KEYS; k++) {
        if (rows[k].size == 0) {
            continue;
        }
        uint8_t room[3];
        assert_true(store_cursor_next(cursor, &key, &value));
        assert_true(bytes_equal(key, key_of(&rows[k], room)));
        assert_int_equal(value.size, rows[k].size);
        assert_int_equal(value.data[0], rows[k].fill);
        assert_int_equal(value.data[value.size - 1], rows[k].fill);
    }
    assert_false(store_cursor_next(cursor, &key, &value));
    store_cursor_close(&cursor);
}

static void expect_group(struct scenario *scenario, group_id group) {
    const struct expected_group *expected = &scenario->expected->groups[group];
    struct store_group found = store_group(scenario->rig.store, group);
    log_index durable = 0;
    while (durable < expected->last &&
           expected->entries[durable + 1].lsn <= scenario->expected->durable) {
        durable++;
    }
    assert_true(found.last_index >= durable);
    assert_true(found.last_index <= expected->last);
    assert_true(found.applied_index <= found.commit_index);
    assert_true(found.commit_index <= found.last_index);
    assert_true(found.term >= expected->term_durable);
    if (found.last_index > 0) {
        assert_true(hash128_equal(found.last_chain, expected->entries[found.last_index].chain));
    }
    expect_rows(scenario, group, expected, found.last_index);
}

static void expect_all(struct scenario *scenario) {
    for (int g = 0; g < GROUPS; g++) {
        expect_group(scenario, (group_id)g);
    }
}

// --- running it, whole and cut short
// ----------------------------------------------------------------

// Batches and checkpoints begin, are written and end in changing orders.
static err step(struct scenario *scenario) {
    struct store *store = scenario->rig.store;
    switch (random_below(&scenario->random, 8)) {
    case 0:
    case 1:
        if (scenario->batch == NULL) {
            scenario->batch = store_batch_begin(store);
        }
        return ERR_NONE;
    case 2:
    case 3:
        if (scenario->batch != NULL) {
            TRY(store_batch_write(scenario->batch));
            told_durable(scenario, store_batch_end(store, &scenario->batch));
        }
        return ERR_NONE;
    case 4:
        if (scenario->checkpoint == NULL && random_one_in(&scenario->random, 2)) {
            scenario->checkpoint = store_checkpoint_begin(store, (mono_time){0}, true);
        }
        return ERR_NONE;
    case 5:
        if (scenario->checkpoint != NULL) {
            TRY(store_checkpoint_write(scenario->checkpoint));
            store_checkpoint_end(store, &scenario->checkpoint);
            expect_all(scenario);
        }
        return ERR_NONE;
    case 6:
        if (random_one_in(&scenario->random, 10)) {
            raise_term(scenario);
        }
        return ERR_NONE;
    default:
        return ERR_NONE;
    }
}

static err run(struct scenario *scenario) {
    TRY(rig_try_open(&scenario->rig));
    for (int i = 0; i < COMMITS; i++) {
        commit_one(scenario);
        TRY(step(scenario));
        TRY(step(scenario));
        TRY(step(scenario));
    }
    return ERR_NONE;
}

// After a recovery everything goes on: what is there is committed, checkpointed and read again.
static void expect_usable(struct scenario *scenario) {
    rig_commit_all(&scenario->rig);
    expect_all(scenario);
    (void)rig_put(&scenario->rig, 1, BYTES_LITERAL("\x7f"), BYTES_LITERAL("last"));
    rig_sync(&scenario->rig);
    rig_expect(&scenario->rig, 1, BYTES_LITERAL("\x7f"), BYTES_LITERAL("last"));
    rig_checkpoint(&scenario->rig);
    assert_ok(rig_crash(&scenario->rig));
    rig_commit_all(&scenario->rig);
    rig_expect(&scenario->rig, 1, BYTES_LITERAL("\x7f"), BYTES_LITERAL("last"));
}

static uint64_t operations_of(uint64_t seed) {
    struct scenario scenario;
    scenario_init(&scenario, seed, 1);
    assert_ok(run(&scenario));
    uint64_t operations = scenario.rig.faults.operations;
    assert_true(store_stats(scenario.rig.store).batch_bytes > (uint64_t)10 * SEGMENT_BYTES);
    assert_true(store_stats(scenario.rig.store).checkpoints > 10);
    scenario_deinit(&scenario);
    return operations;
}

static void crash_at(uint64_t seed, uint64_t point, uint64_t fault_seed) {
    struct scenario scenario;
    scenario_init(&scenario, seed, fault_seed);
    scenario.rig.faults.stop_at = point;
    err error = run(&scenario);
    assert_int_equal(error.code, ERR_IO);
    err opened = rig_crash(&scenario.rig);
    if (err_is(opened)) {
        print_error("seed %d, point %d: %s\n", (int)seed, (int)point, opened.text);
    }
    assert_ok(opened);
    expect_usable(&scenario);
    scenario_deinit(&scenario);
}

static void every_operation_may_be_the_last(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 2; seed++) {
        uint64_t operations = operations_of(seed);
        for (uint64_t point = 1; point <= operations; point++) {
            for (uint64_t variant = 0; variant < VARIANTS; variant++) {
                crash_at(seed, point, point * VARIANTS + variant);
            }
        }
    }
}

static void a_crash_during_recovery_changes_nothing(void **state) {
    (void)state;
    uint64_t operations = operations_of(3);
    for (uint64_t point = 1; point <= operations; point += 7) {
        for (uint64_t again = 1; again <= 4; again++) {
            struct scenario scenario;
            scenario_init(&scenario, 3, point);
            scenario.rig.faults.stop_at = point;
            assert_int_equal(run(&scenario).code, ERR_IO);
            store_close(&scenario.rig.store);
            memory_disk_crash(scenario.rig.disk);
            memory_map_crash(scenario.rig.map);
            scenario.rig.faults.stop_at = scenario.rig.faults.operations + again;
            (void)rig_try_open(&scenario.rig);
            assert_ok(rig_crash(&scenario.rig));
            expect_usable(&scenario);
            scenario_deinit(&scenario);
        }
    }
}

static void any_failed_write_sync_or_commit_is_an_error_and_loses_nothing(void **state) {
    (void)state;
    int failed = 0;
    for (uint64_t seed = 10; seed < 210; seed++) {
        struct scenario scenario;
        scenario_init(&scenario, seed, seed);
        scenario.rig.faults.write_fails_one_in = 150;
        scenario.rig.faults.sync_fails_one_in = 150;
        scenario.rig.faults.commit_fails_one_in = 30;
        err error = run(&scenario);
        failed += err_is(error);
        assert_true(error.code == ERR_OK || error.code == ERR_IO);
        scenario.rig.faults.write_fails_one_in = 0;
        scenario.rig.faults.sync_fails_one_in = 0;
        scenario.rig.faults.commit_fails_one_in = 0;
        assert_ok(rig_crash(&scenario.rig));
        expect_usable(&scenario);
        scenario_deinit(&scenario);
    }
    assert_true(failed > 100);
}

static void a_full_disk_is_an_error_and_loses_nothing(void **state) {
    (void)state;
    for (uint64_t segments = 1; segments < 6; segments++) {
        struct scenario scenario;
        scenario_init(&scenario, 7, segments);
        scenario.rig.faults.full_at_bytes = segments * SEGMENT_BYTES;
        assert_int_equal(run(&scenario).code, ERR_FULL);
        scenario.rig.faults.full_at_bytes = 0;
        assert_ok(rig_crash(&scenario.rig));
        expect_usable(&scenario);
        scenario_deinit(&scenario);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_may_be_the_last),
        cmocka_unit_test(a_crash_during_recovery_changes_nothing),
        cmocka_unit_test(any_failed_write_sync_or_commit_is_an_error_and_loses_nothing),
        cmocka_unit_test(a_full_disk_is_an_error_and_loses_nothing),
    };
    return cmocka_run_group_tests_name("storage/crash_points", tests, NULL, NULL);
}
