// node/core/auditor: each planted fault is found by the walk of a living node, counted under its
// invariant and told with the row; without one nothing is, however much happens meanwhile.
#include "node/core/auditor.h"
#include "proto/limits.h"
#include "scheduler/commands/commands.h"
#include "scheduler/limit.h"
#include "scheduler/timer.h"
#include "storage/keys.h"
#include "tests/unit/node_core/world.h"

#include <stdio.h>
#include <string.h>

enum {
    GROUPS = 3,
    EXECUTIONS = 400 // more than a slice of each group
};

static const char *const TASKS =
    "[{\"name\":\"a\",\"retryCount\":0,\"responseTimeoutSeconds\":5},"
    "{\"name\":\"l\",\"retryCount\":0,\"responseTimeoutSeconds\":5,\"concurrentExecLimit\":3}]";

static void define(struct world *world, const char *name, const char *task) {
    char body[256];
    (void)snprintf(
        body,
        sizeof(body),
        "{\"name\":\"%s\",\"tasks\":[{\"name\":\"%s\",\"taskReferenceName\":\"r\"}]}",
        name,
        task
    );
    assert_int_equal(world_ask(world, "POST", "/api/metadata/workflow", body), 200);
}

// Executions of both kinds, a task of each in a worker's hands.
static void fill(struct world *world) {
    assert_int_equal(world_ask(world, "POST", "/api/metadata/taskdefs", TASKS), 200);
    define(world, "w", "a");
    define(world, "v", "l");
    for (int i = 0; i < EXECUTIONS; i++) {
        const char *body = i % 2 == 0 ? "{\"name\":\"w\"}" : "{\"name\":\"v\"}";
        assert_int_equal(world_ask(world, "POST", "/api/workflow", body), 200);
    }
    assert_int_equal(world_ask(world, "GET", "/api/tasks/poll/a?workerid=x", ""), 200);
    assert_int_equal(world_ask(world, "GET", "/api/tasks/poll/l?workerid=x", ""), 200);
}

// The first row of a kind in any group. False: there is none.
static bool
row_find(struct world *world, enum key_kind kind, group_id *group, bytes *out_key, bytes *value) {
    struct key prefix = key_kind_prefix(kind);
    for (*group = 1; *group < GROUPS; (*group)++) {
        bytes key = BYTES_EMPTY;
        struct store_cursor *cursor =
            store_cursor_open(world->store, NULL, *group, key_bytes(&prefix));
        bool found = store_cursor_next(cursor, &key, value) && key.data[0] == kind;
        if (found) {
            *out_key = arena_copy(world->arena, key);
            *value = arena_copy(world->arena, *value);
        }
        store_cursor_close(&cursor);
        if (found) {
            return true;
        }
    }
    return false;
}

// Writes a row behind the node's back, `value` NULL: deletes it. The node starts anew with it.
static void plant(struct world *world, group_id group, bytes key, bytes value) {
    struct store_txn *txn = NULL;
    struct store_group known = store_group(world->store, group);
    log_index index = 0;
    log_lsn lsn = 0;
    assert_ok(store_txn_begin(world->store, group, &txn));
    if (value.data == NULL) {
        store_txn_del(txn, key);
    } else {
        store_txn_put(txn, key, value);
    }
    store_txn_commit(&txn, known.last_term, known.time_ms, &index, &lsn);
    struct store_batch *batch = store_batch_begin(world->store);
    assert_ok(store_batch_write(batch));
    (void)store_batch_end(world->store, &batch);
    world_crash(world);
}

// Time goes on until each group was walked through.
static struct auditor_stats walk(struct world *world) {
    struct auditor_stats stats = {0};
    for (int turn = 0; stats.groups < GROUPS; turn++) {
        assert_true(turn < 2000);
        world_tick(world, LIMIT_AUDIT_MS);
        world_sync(world);
        while (world_receive(world)) {
        }
        stats = node_auditor(world->node);
    }
    return stats;
}

// Exactly this was found, and told in such words.
static void expect(struct world *world, int kind, const char *words) {
    struct auditor_stats stats = walk(world);
    for (int other = 0; other < AUDITED_COUNT; other++) {
        if (other == kind) {
            assert_true(stats.faults[other] > 0);
        } else {
            assert_int_equal(stats.faults[other], 0);
        }
    }
    assert_non_null(strstr(world->finding, words));
}

static void a_sound_store_gives_no_alarm(void **state) {
    struct world *world = *state;
    fill(world);
    struct auditor_stats stats = walk(world);
    for (int kind = 0; kind < AUDITED_COUNT; kind++) {
        assert_int_equal(stats.faults[kind], 0);
    }
    assert_int_equal(stats.uncounted, 0);
    assert_string_equal(world->finding, "");
}

// Tasks are made, handed out and ended between the slices of every walk.
static void a_busy_store_gives_no_alarm(void **state) {
    struct world *world = *state;
    fill(world);
    struct auditor_stats stats = {0};
    for (int turn = 0; turn < 1500 && stats.groups < GROUPS; turn++) {
        const char *poll = turn % 2 == 0 ? "/api/tasks/poll/a" : "/api/tasks/poll/l";
        assert_int_equal(world_ask(world, "POST", "/api/workflow", "{\"name\":\"w\"}"), 200);
        (void)world_send(world, "GET", poll, ""); // answered now, or later with nothing
        world_sync(world);
        world_tick(world, LIMIT_AUDIT_MS);
        world_sync(world);
        while (world_receive(world)) {
        }
        stats = node_auditor(world->node);
    }
    assert_int_equal(stats.groups, GROUPS);
    assert_int_equal(stats.uncounted, 0);
    for (int kind = 0; kind < AUDITED_COUNT; kind++) {
        assert_int_equal(stats.faults[kind], 0);
    }
}

static void a_queue_row_that_is_gone_is_found(void **state) {
    struct world *world = *state;
    group_id group = 0;
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    fill(world);
    assert_true(row_find(world, KEY_QUEUE, &group, &key, &value));
    plant(world, group, key, BYTES_EMPTY);
    expect(world, AUDITED_22, "has no queue row");
}

static void a_queue_row_of_nothing_is_found(void **state) {
    struct world *world = *state;
    group_id group = 0;
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    fill(world);
    assert_true(row_find(world, KEY_QUEUE, &group, &key, &value));
    struct key other = key_queue(7, 3, 1700000000000, 9);
    plant(world, group, key_bytes(&other), value);
    expect(world, AUDITED_22, "has no ready task");
}

static void a_timer_that_is_gone_is_found(void **state) {
    struct world *world = *state;
    group_id group = 0;
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    fill(world);
    assert_true(row_find(world, KEY_TIMER, &group, &key, &value));
    plant(world, group, key, BYTES_EMPTY);
    expect(world, AUDITED_23, "has no row");
}

static void a_timer_of_nothing_is_found(void **state) {
    struct world *world = *state;
    fill(world);
    struct key stray = key_timer(1900000000000, TIMER_TASK, (id128){{1, 2, 3}}, 5, 1);
    plant(world, 1, key_bytes(&stray), BYTES_LITERAL(""));
    expect(world, AUDITED_23, "has no owner");
}

static void a_counter_that_is_wrong_is_found(void **state) {
    struct world *world = *state;
    group_id group = 0;
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    fill(world);
    assert_true(row_find(world, KEY_QUEUE_COUNTERS, &group, &key, &value));
    struct queue_counter_row row = {0};
    assert_ok(wire_decode(&queue_counter_row_record, value, world->arena, &row));
    row.ready++;
    struct buffer changed;
    buffer_init(&changed, 4096);
    wire_encode(&queue_counter_row_record, &row, &changed);
    plant(world, group, key, buffer_bytes(&changed));
    buffer_deinit(&changed);
    expect(world, AUDITED_26, "counts");
}

static void a_permit_that_nobody_uses_is_found(void **state) {
    struct world *world = *state;
    group_id group = 0;
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    fill(world);
    assert_true(row_find(world, KEY_LIMIT, &group, &key, &value));
    struct limit_row row = {0};
    assert_ok(wire_decode(&limit_row_record, value, world->arena, &row));
    row.held++;
    struct buffer changed;
    buffer_init(&changed, 4096);
    wire_encode(&limit_row_record, &row, &changed);
    plant(world, group, key, buffer_bytes(&changed));
    buffer_deinit(&changed);
    expect(world, AUDITED_27, "permits in use");
}

static void a_gap_between_messages_is_found(void **state) {
    struct world *world = *state;
    fill(world);
    struct key stray = key_stream(2);
    struct stream_row row = {.sequence = 5}; // and nothing in the outbox, nothing applied
    struct buffer changed;
    buffer_init(&changed, 4096);
    wire_encode(&stream_row_record, &row, &changed);
    plant(world, 1, key_bytes(&stray), buffer_bytes(&changed));
    buffer_deinit(&changed);
    expect(world, AUDITED_28, "stream to group 2");
}

static void an_index_row_that_is_gone_is_found(void **state) {
    struct world *world = *state;
    group_id group = 0;
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    fill(world);
    assert_true(row_find(world, KEY_INDEX, &group, &key, &value));
    plant(world, group, key, BYTES_EMPTY);
    expect(world, AUDITED_32, "lacks a row");
}

static void an_index_row_of_nothing_is_found(void **state) {
    struct world *world = *state;
    fill(world);
    struct key stray = key_index(3, 77, 1700000000000, (id128){{4, 5, 6}});
    plant(world, 1, key_bytes(&stray), BYTES_LITERAL(""));
    expect(world, AUDITED_32, "what its header does not");
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_WORLD(a_sound_store_gives_no_alarm),
        WITH_WORLD(a_busy_store_gives_no_alarm),
        WITH_WORLD(a_queue_row_that_is_gone_is_found),
        WITH_WORLD(a_queue_row_of_nothing_is_found),
        WITH_WORLD(a_timer_that_is_gone_is_found),
        WITH_WORLD(a_timer_of_nothing_is_found),
        WITH_WORLD(a_counter_that_is_wrong_is_found),
        WITH_WORLD(a_permit_that_nobody_uses_is_found),
        WITH_WORLD(a_gap_between_messages_is_found),
        WITH_WORLD(an_index_row_that_is_gone_is_found),
        WITH_WORLD(an_index_row_of_nothing_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
