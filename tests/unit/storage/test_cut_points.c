// Three groups whose replica here follows, is cut, leads, loses and follows again, while every
// operation that changes the disk or the map is in turn the last one: the log that comes back is
// the one after some record at or behind the last durable one, in all groups the same record; what
// is readable is what its committed entries wrote; what is kept of it is right.
//
// The world decides what is committed as it likes, also before it is durable here, as a majority of
// others would. With planted bugs built in, the name of one as the argument makes this program
// fail.
#include "storage/view/entry.h"
#include "tests/unit/storage/rig.h"

enum {
    GROUPS = 3,
    STEPS = 260,
    ENTRIES_MAX = 2 * STEPS,
    OPERATIONS_MAX = 8 * STEPS,
    KEYS = 12,
    WRITES_MAX = 3,
    SEGMENT_BYTES = 16 * 1024,
    VARIANTS = 2 // of what survives, at each point
};

// --- what should be there ------------------------------------------------------------------------

struct wrote {
    uint8_t key;
    uint16_t size; // of the value; 0: deleted
    uint8_t fill;
};

struct written {
    struct wrote writes[WRITES_MAX];
    size_t count;
    uint64_t term;
    hash128 chain;
};

// One record: an entry appended, or a cut.
struct deed {
    group_id group;
    log_lsn lsn;
    log_index cut_from; // 0: `entry` was appended
    struct written entry;
};

struct replica {
    struct written entries[ENTRIES_MAX];
    log_index last;
    log_index commit;
    uint64_t term;
    bool leads;
};

struct scenario {
    struct rig rig;
    struct random random; // of the workload; the faults have their own
    struct replica replicas[GROUPS];
    struct deed deeds[OPERATIONS_MAX];
    size_t deed_count;
    log_lsn durable;
    struct store_batch *batch;
    struct store_checkpoint *checkpoint;
};

static void apply(struct replica *replica, const struct deed *deed) {
    if (deed->cut_from > 0) {
        replica->last = deed->cut_from - 1;
    } else {
        replica->last++;
        replica->entries[replica->last] = deed->entry;
    }
}

static void note(struct scenario *scenario, const struct deed *deed) {
    assert_true(scenario->deed_count < OPERATIONS_MAX);
    scenario->deeds[scenario->deed_count++] = *deed;
    apply(&scenario->replicas[deed->group], deed);
}

static struct scenario *scenario_create(uint64_t seed, uint64_t fault_seed) {
    struct scenario *scenario = calloc(1, sizeof(*scenario));
    assert_non_null(scenario);
    rig_init(&scenario->rig, RIG_MEMORY, SEGMENT_BYTES);
    memory_faults_init(&scenario->rig.faults, fault_seed);
    scenario->rig.options.group_count = GROUPS;
    scenario->rig.options.attest_entries = 5; // checkpoints stop in between
    scenario->rig.options.history_bytes = 20000;
    random_init(&scenario->random, seed);
    return scenario;
}

static void scenario_destroy(struct scenario *scenario) {
    rig_deinit(&scenario->rig);
    free(scenario);
}

// --- deeds ---------------------------------------------------------------------------------------

static bytes key_of(const struct wrote *wrote, uint8_t out[2]) {
    out[0] = 'k';
    out[1] = wrote->key;
    return bytes_of(out, 2);
}

static bytes value_of(const struct wrote *wrote) {
    static uint8_t content[2048];
    memset(content, wrote->fill, sizeof(content));
    return wrote->size == 0 ? BYTES_EMPTY : bytes_of(content, wrote->size);
}

static void draw_writes(struct random *random, struct written *out) {
    out->count = 1 + (size_t)random_below(random, WRITES_MAX);
    for (size_t i = 0; i < out->count; i++) {
        out->writes[i] = (struct wrote){
            .key = (uint8_t)((random_below(random, KEYS / WRITES_MAX) * WRITES_MAX) + i),
            .size = random_one_in(random, 4) ? 0 : (uint16_t)(1 + random_below(random, 1500)),
            .fill = (uint8_t)random_u64(random),
        };
    }
}

// As a leader elsewhere would have made it.
static void append(struct scenario *scenario, group_id group) {
    struct replica *replica = &scenario->replicas[group];
    struct deed deed = {.group = group, .entry = {.term = replica->term}};
    draw_writes(&scenario->random, &deed.entry);
    struct entry *entry = entry_create((size_t)WRITES_MAX * 2048);
    for (size_t i = 0; i < deed.entry.count; i++) {
        uint8_t room[2];
        const struct wrote *wrote = &deed.entry.writes[i];
        (void)entry_append(entry, key_of(wrote, room), value_of(wrote));
    }
    entry->term = replica->term;
    entry->time_ms = (int64_t)replica->last;
    deed.entry.chain = entry_chain(entry, replica->entries[replica->last].chain);
    struct store_entry offered = {
        .term = entry->term,
        .time_ms = entry->time_ms,
        .chain = deed.entry.chain,
        .payload = entry_payload(entry),
    };
    assert_ok(store_append(scenario->rig.store, group, &offered, &deed.lsn));
    entry_release(&entry);
    note(scenario, &deed);
}

static void propose(struct scenario *scenario, group_id group) {
    struct replica *replica = &scenario->replicas[group];
    struct deed deed = {.group = group, .entry = {.term = replica->term}};
    draw_writes(&scenario->random, &deed.entry);
    struct store_txn *txn = NULL;
    assert_ok(store_txn_begin(scenario->rig.store, group, &txn));
    for (size_t i = 0; i < deed.entry.count; i++) {
        uint8_t room[2];
        const struct wrote *wrote = &deed.entry.writes[i];
        if (wrote->size == 0) {
            store_txn_del(txn, key_of(wrote, room));
        } else {
            store_txn_put(txn, key_of(wrote, room), value_of(wrote));
        }
    }
    log_index index = 0;
    store_txn_commit(&txn, replica->term, (int64_t)replica->last, &index, &deed.lsn);
    assert_int_equal(index, replica->last + 1);
    deed.entry.chain = store_group(scenario->rig.store, group).last_chain;
    note(scenario, &deed);
}

static void commit(struct scenario *scenario, group_id group, log_index index) {
    store_commit(scenario->rig.store, group, index);
    scenario->replicas[group].commit = index;
}

static void begin_to_lead(struct scenario *scenario, group_id group) {
    struct replica *replica = &scenario->replicas[group];
    replica->term++;
    (void)store_hard_state(scenario->rig.store, group, replica->term, 1);
    struct deed deed = {.group = group, .entry = {.term = replica->term}};
    log_index index = 0;
    int64_t time_ms = (int64_t)replica->last;
    store_append_noop(scenario->rig.store, group, replica->term, time_ms, &index, &deed.lsn);
    deed.entry.chain = store_group(scenario->rig.store, group).last_chain;
    note(scenario, &deed);
    commit(scenario, group, index);
    replica->leads = true;
}

// Another leads now, and its log may differ from here on.
static void begin_to_follow(struct scenario *scenario, group_id group) {
    struct replica *replica = &scenario->replicas[group];
    replica->term++;
    replica->leads = false;
    (void)store_hard_state(scenario->rig.store, group, replica->term, 0);
    store_forget_speculation(scenario->rig.store, group);
    if (replica->last > replica->commit && !random_one_in(&scenario->random, 4)) {
        uint64_t uncommitted = replica->last - replica->commit;
        struct deed deed = {.group = group};
        deed.cut_from = replica->commit + 1 + random_below(&scenario->random, uncommitted);
        deed.lsn = store_cut(scenario->rig.store, group, deed.cut_from);
        note(scenario, &deed);
        append(scenario, group);
    }
}

static void act(struct scenario *scenario) {
    group_id group = (group_id)random_below(&scenario->random, GROUPS);
    struct replica *replica = &scenario->replicas[group];
    switch (random_below(&scenario->random, 10)) {
    case 0:
        begin_to_follow(scenario, group);
        return;
    case 1:
        if (!replica->leads && random_one_in(&scenario->random, 2)) {
            begin_to_lead(scenario, group);
        }
        return;
    case 2:
    case 3:
        if (replica->last > replica->commit) {
            uint64_t uncommitted = replica->last - replica->commit;
            uint64_t more = 1 + random_below(&scenario->random, uncommitted);
            commit(scenario, group, replica->commit + more);
        }
        return;
    default:
        if (replica->leads) {
            propose(scenario, group);
        } else {
            append(scenario, group);
        }
    }
}

// --- the checks ----------------------------------------------------------------------------------

static void expect_rows(struct scenario *scenario, group_id group, log_index readable) {
    const struct replica *replica = &scenario->replicas[group];
    struct wrote rows[KEYS] = {{0}};
    for (log_index i = 1; i <= readable; i++) {
        for (size_t w = 0; w < replica->entries[i].count; w++) {
            rows[replica->entries[i].writes[w].key] = replica->entries[i].writes[w];
        }
    }
    struct store_cursor *cursor = store_cursor_open(scenario->rig.store, NULL, group, BYTES_EMPTY);
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    for (size_t k = 0; k < KEYS; k++) {
        uint8_t room[2];
        rows[k].key = (uint8_t)k;
        rig_expect(&scenario->rig, group, key_of(&rows[k], room), value_of(&rows[k]));
        if (rows[k].size > 0) {
            assert_true(store_cursor_next(cursor, &key, &value));
            assert_true(bytes_equal(key, key_of(&rows[k], room)));
        }
    }
    assert_false(store_cursor_next(cursor, &key, &value));
    store_cursor_close(&cursor);
}

static void expect_log(struct scenario *scenario, group_id group) {
    const struct replica *replica = &scenario->replicas[group];
    struct store *store = scenario->rig.store;
    struct store_group found = store_group(store, group);
    assert_int_equal(found.last_index, replica->last);
    assert_true(found.applied_index <= found.commit_index);
    assert_true(found.commit_index <= replica->commit);
    assert_true(store_first_index(store, group) <= found.applied_index + 1);
    for (log_index i = store_first_index(store, group) - 1; i <= replica->last; i++) {
        uint64_t term = 0;
        hash128 chain = {0, 0};
        assert_true(store_entry_term(store, group, i, &term, &chain));
        assert_int_equal(term, replica->entries[i].term);
        assert_true(hash128_equal(chain, replica->entries[i].chain));
    }
    assert_true(store_stats(store).history_bytes <= scenario->rig.options.history_bytes);
}

static void expect_all(struct scenario *scenario) {
    for (int g = 0; g < GROUPS; g++) {
        const struct replica *replica = &scenario->replicas[g];
        expect_log(scenario, (group_id)g);
        expect_rows(scenario, (group_id)g, replica->leads ? replica->last : replica->commit);
    }
}

static bool is_as_found(struct scenario *scenario) {
    for (int g = 0; g < GROUPS; g++) {
        const struct replica *replica = &scenario->replicas[g];
        struct store_group found = store_group(scenario->rig.store, (group_id)g);
        if (found.last_index != replica->last ||
            !hash128_equal(found.last_chain, replica->entries[replica->last].chain)) {
            return false;
        }
    }
    return true;
}

// Takes the world back to the deed that the store came back with, and looks at all of it.
static void expect_recovered(struct scenario *scenario) {
    for (int g = 0; g < GROUPS; g++) {
        scenario->replicas[g].last = 0;
        scenario->replicas[g].leads = false;
    }
    size_t at = 0;
    while (at < scenario->deed_count && scenario->deeds[at].lsn <= scenario->durable) {
        apply(&scenario->replicas[scenario->deeds[at].group], &scenario->deeds[at]);
        at++;
    }
    while (!is_as_found(scenario)) {
        assert_true(at < scenario->deed_count);
        apply(&scenario->replicas[scenario->deeds[at].group], &scenario->deeds[at]);
        at++;
    }
    scenario->deed_count = at;
    for (int g = 0; g < GROUPS; g++) {
        struct store_group found = store_group(scenario->rig.store, (group_id)g);
        assert_true(found.commit_index <= scenario->replicas[g].commit);
        assert_true(found.term <= scenario->replicas[g].term);
        scenario->replicas[g].commit = found.commit_index;
    }
    expect_all(scenario);
}

// --- running it, whole and cut short -------------------------------------------------------------

static err step_batch(struct scenario *scenario) {
    if (scenario->batch == NULL) {
        scenario->batch = store_batch_begin(scenario->rig.store);
        return ERR_NONE;
    }
    TRY(store_batch_write(scenario->batch));
    scenario->durable = store_batch_end(scenario->rig.store, &scenario->batch);
    return ERR_NONE;
}

static err step_checkpoint(struct scenario *scenario) {
    if (scenario->checkpoint == NULL) {
        scenario->checkpoint = store_checkpoint_begin(scenario->rig.store, (mono_time){0}, true);
        return ERR_NONE;
    }
    TRY(store_checkpoint_write(scenario->checkpoint));
    store_checkpoint_end(scenario->rig.store, &scenario->checkpoint);
    expect_all(scenario);
    return ERR_NONE;
}

static err run(struct scenario *scenario) {
    TRY(rig_try_open(&scenario->rig));
    for (int i = 0; i < STEPS; i++) {
        act(scenario);
        if (random_one_in(&scenario->random, 2)) {
            TRY(step_batch(scenario));
        }
        if (random_one_in(&scenario->random, 6)) {
            TRY(step_checkpoint(scenario));
        }
    }
    expect_all(scenario);
    return ERR_NONE;
}

// After a recovery everything goes on, and another crash finds it.
static void expect_usable(struct scenario *scenario) {
    expect_recovered(scenario);
    scenario->batch = NULL;
    scenario->checkpoint = NULL;
    for (int i = 0; i < 12; i++) {
        act(scenario);
    }
    assert_ok(rig_try_sync(&scenario->rig));
    scenario->durable = store_stats(scenario->rig.store).durable_lsn;
    assert_ok(rig_try_checkpoint(&scenario->rig));
    expect_all(scenario);
    assert_ok(rig_crash(&scenario->rig));
    expect_recovered(scenario);
}

static uint64_t operations_of(uint64_t seed) {
    struct scenario *scenario = scenario_create(seed, 1);
    assert_ok(run(scenario));
    uint64_t operations = scenario->rig.faults.operations;
    size_t cuts = 0;
    for (size_t i = 0; i < scenario->deed_count; i++) {
        cuts += scenario->deeds[i].cut_from > 0;
    }
    assert_true(cuts > 4);
    assert_true(store_stats(scenario->rig.store).checkpoints > 5);
    scenario_destroy(scenario);
    return operations;
}

static void crash_at(uint64_t seed, uint64_t point, uint64_t fault_seed) {
    struct scenario *scenario = scenario_create(seed, fault_seed);
    scenario->rig.faults.stop_at = point;
    assert_int_equal(run(scenario).code, ERR_IO);
    err opened = rig_crash(&scenario->rig);
    if (err_is(opened)) {
        print_error("seed %d, point %d: %s\n", (int)seed, (int)point, opened.text);
    }
    assert_ok(opened);
    expect_usable(scenario);
    scenario_destroy(scenario);
}

static void every_operation_may_be_the_last(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
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
    uint64_t operations = operations_of(5);
    for (uint64_t point = 1; point <= operations; point += 5) {
        for (uint64_t again = 1; again <= 3; again++) {
            struct scenario *scenario = scenario_create(5, point);
            scenario->rig.faults.stop_at = point;
            assert_int_equal(run(scenario).code, ERR_IO);
            store_close(&scenario->rig.store);
            memory_disk_crash(scenario->rig.disk);
            memory_map_crash(scenario->rig.map);
            scenario->rig.faults.stop_at = scenario->rig.faults.operations + again;
            (void)rig_try_open(&scenario->rig);
            assert_ok(rig_crash(&scenario->rig));
            expect_usable(scenario);
            scenario_destroy(scenario);
        }
    }
}

static void many_lives_read_like_a_plain_log(void **state) {
    (void)state;
    for (uint64_t seed = 100; seed < 140; seed++) {
        struct scenario *scenario = scenario_create(seed, seed);
        assert_ok(run(scenario));
        scenario_destroy(scenario);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_may_be_the_last),
        cmocka_unit_test(a_crash_during_recovery_changes_nothing),
        cmocka_unit_test(many_lives_read_like_a_plain_log),
    };
    return cmocka_run_group_tests_name("storage/cut_points", tests, NULL, NULL);
}
