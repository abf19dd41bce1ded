// distributed.md §5.1, large bodies: entries are bounded whatever comes, what is named is whole and
// stays, what is not named goes.
#include "storage/keys.h"
#include "tests/unit/scheduler/world.h"

enum {
    // A piece, its keys, and what the command itself writes.
    ENTRY_BYTES_MAX = LIMIT_STAGE_ENTRY_BYTES + 16 * 1024
};

#define TASK(name, input) \
    "{\"name\":\"" name "\",\"taskReferenceName\":\"" name "\",\"inputParameters\":{" input "}}"

static int setup(void **state) {
    int result = world_setup(state);
    struct world *world = *state;
    world->stages = true;
    world->is_big = true; // audits are asked for
    world_tasks(world, "[{\"name\":\"a\",\"retryCount\":0},{\"name\":\"b\",\"retryCount\":0}]");
    world_workflow(
        world, "{\"name\":\"w\",\"tasks\":[" TASK("a", "\"all\":\"${workflow.input}\"") "]}"
    );
    world_workflow(world, "{\"name\":\"plain\",\"tasks\":[" TASK("b", "\"x\":1") "]}");
    return result;
}

// An object of about that many KiB, another one for each letter.
static const char *object(struct world *world, uint32_t kilobytes, char letter) {
    char line[65];
    struct buffer text;
    buffer_init(&text, 16 * 1024 * 1024);
    memset(line, letter, sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    buffer_append_text(&text, "{\"s\":\"");
    for (uint32_t i = 0; i < kilobytes * 16; i++) {
        buffer_format(&text, "%08u%.56s", i, line);
    }
    buffer_append_text(&text, "\"}");
    assert_ok(buffer_status(&text));
    const char *json = arena_text(world->arena, buffer_bytes(&text));
    buffer_deinit(&text);
    return json;
}

static void update(struct world *world, bytes id, const char *reference, const char *output) {
    bytes task = world_text(world, world_task(world, id, reference), "taskId");
    const char *members = arena_format(world->arena, "\"outputData\":%s", output);
    world_result_of(world, id, task, "COMPLETED", members);
    assert_ok(world->last);
    world_settle(world);
}

static void assert_no_stage(struct world *world) {
    assert_int_equal(world_rows(world, 'X'), 0);
    world_audit(world);
}

static void bodies_are_whole_and_entries_bounded(void **state) {
    struct world *world = *state;
    const char *input = object(world, 5120, 'i');
    const char *output = object(world, 5120, 'o');
    world->cost = (struct world_cost){0};
    bytes id = world_start(world, "w", input);
    world_settle(world);
    (void)world_poll(world, "a");
    update(world, id, "a", output);
    assert_in_range(world->cost.bytes_max, LIMIT_STAGE_ENTRY_BYTES, ENTRY_BYTES_MAX);
    bytes shown = world_get(world, id);
    assert_status(world, id, "COMPLETED");
    assert_true(json_equal(world_at(world, shown, "input"), bytes_from_text(input)));
    bytes task = world_task(world, id, "a");
    assert_true(json_equal(world_at(world, task, "inputData.all"), bytes_from_text(input)));
    assert_true(json_equal(world_at(world, task, "outputData"), bytes_from_text(output)));
    assert_no_stage(world);
}

static void small_bodies_lie_in_their_entry(void **state) {
    struct world *world = *state;
    world->cost = (struct world_cost){0};
    (void)world_start(world, "plain", object(world, 60, 'i'));
    assert_int_equal(world->cost.entries, 1);
    assert_int_equal(world->suspensions, 0);
}

static void what_is_named_stays(void **state) {
    struct world *world = *state;
    const char *input = object(world, 1024, 'i');
    bytes id = world_start(world, "plain", input);
    world_advance(world, 3 * LIMIT_STAGE_EXPIRY_MS);
    assert_true(json_equal(world_at(world, world_get(world, id), "input"), bytes_from_text(input)));
    assert_no_stage(world);
}

// A leader that went away in the middle: the gateway sends the request again.
static void what_is_not_named_goes(void **state) {
    struct world *world = *state;
    const char *input = object(world, 1024, 'i');
    world->stages_lost = 1;
    bytes id = world_start(world, "plain", input);
    uint64_t whole = world_rows(world, 'B');
    assert_int_equal(world_rows(world, 'X'), 1);
    world_audit(world);
    world_advance(world, LIMIT_STAGE_EXPIRY_MS + 1);
    assert_int_equal(
        world_rows(world, 'B'), whole - LIMIT_STAGE_ENTRY_BYTES / LIMIT_BLOB_CHUNK_BYTES
    );
    assert_true(json_equal(world_at(world, world_get(world, id), "input"), bytes_from_text(input)));
    assert_no_stage(world);
}

static void equal_bodies_are_two_blobs(void **state) {
    struct world *world = *state;
    const char *body = object(world, 256, 'e');
    bytes first = world_start(world, "plain", body);
    (void)world_poll(world, "b");
    update(world, first, "b", body);
    uint64_t rows = world_rows(world, 'B');
    assert_in_range(rows, 2 * 256 / 16, 3 * 256 / 16 + 4); // the workflow's output may be a third
    world_remove(world, first, false);
    world_settle(world);
    assert_int_equal(world_rows(world, 'B'), 0);
    assert_no_stage(world);
}

// A worker that reports progress does not fill the disk.
static void what_is_replaced_goes(void **state) {
    struct world *world = *state;
    bytes id = world_start(world, "plain", "{}");
    bytes task = world_text(world, world_poll(world, "b"), "taskId");
    for (char letter = 'a'; letter < 'f'; letter++) {
        const char *members =
            arena_format(world->arena, "\"outputData\":%s", object(world, 512, letter));
        world_result_of(world, id, task, "IN_PROGRESS", members);
        assert_ok(world->last);
        assert_in_range(world_rows(world, 'B'), 512 / 16, 512 / 16 + 2);
    }
    assert_no_stage(world);
}

static void a_restart_keeps_its_input(void **state) {
    struct world *world = *state;
    const char *input = object(world, 1024, 'i');
    bytes id = world_start(world, "plain", input);
    world_terminate(world, id, "enough");
    world->cost = (struct world_cost){0};
    world_restart(world, id, false);
    assert_ok(world->last);
    world_settle(world);
    assert_in_range(world->cost.bytes_max, 1, ENTRY_BYTES_MAX);
    assert_true(json_equal(world_at(world, world_get(world, id), "input"), bytes_from_text(input)));
    assert_no_stage(world);
}

// Rows of a stage go with their execution, its timer too.
static void a_removal_takes_stages_along(void **state) {
    struct world *world = *state;
    bytes id = world_start(world, "plain", "{}");
    bytes task = world_text(world, world_poll(world, "b"), "taskId");
    world->stages_lost = 1;
    const char *members = arena_format(world->arena, "\"outputData\":%s", object(world, 512, 'x'));
    world_result_of(world, id, task, "COMPLETED", members);
    assert_ok(world->last);
    assert_int_equal(world_rows(world, 'X'), 1);
    world_remove(world, id, false);
    world_settle(world);
    assert_int_equal(world_rows(world, 'B'), 0);
    assert_no_stage(world);
}

// --- what is wrong is seen -----------------------------------------------------------------------

static void del(struct world *world, const struct key *key, group_id group) {
    struct store_txn *txn = NULL;
    log_index index = 0;
    log_lsn lsn = 0;
    assert_ok(store_txn_begin(world->store, group, &txn));
    store_txn_del(txn, key_bytes(key));
    store_txn_commit(&txn, 1, world->now.ms, &index, &lsn);
    store_commit(world->store, group, index);
}

static void count_fault(void *argument, uint32_t invariant, const char *text) {
    struct world *world = argument;
    (void)text;
    world->faults_seen += invariant == 35;
}

// By the audit of tests and backups, and by the one that goes along.
static void assert_seen(struct world *world, group_id group) {
    const struct audit_report report = {.fault = count_fault, .argument = world};
    world->count_faults = true;
    world->faults_seen = 0;
    world_audit(world);
    assert_int_not_equal(world->faults_seen, 0);
    world->faults_seen = 0;
    struct audit *audit = audit_create(world->store, group, world->settings.group_count);
    bool done = false;
    while (!done) {
        assert_ok(audit_slice(audit, 10, world->definitions, world->arena, &report, &done));
    }
    audit_destroy(&audit);
    assert_int_not_equal(world->faults_seen, 0);
}

static void a_payload_that_lacks_bytes_is_seen(void **state) {
    struct world *world = *state;
    id128 workflow;
    bytes id = world_start(world, "plain", object(world, 256, 'i'));
    group_id group = decision_group_of(&world->settings, id);
    assert_true(id_parse(id, &workflow));
    struct key prefix = key_of_run_prefix(workflow, 1);
    struct store_cursor *cursor = store_cursor_open(world->store, NULL, group, key_bytes(&prefix));
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    struct key_blob_parts last = {0};
    struct key_blob_parts parts;
    while (store_cursor_next(cursor, &key, &value) && bytes_starts_with(key, key_bytes(&prefix))) {
        if (key_blob_parse(key, &parts) && parts.chunk > 0) {
            last = parts;
        }
    }
    store_cursor_close(&cursor);
    assert_int_equal(last.chunk, 256 / 16);
    struct key gone = key_blob(workflow, 1, last.blob, last.chunk);
    del(world, &gone, group);
    assert_seen(world, group);
}

#define stage_test(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        stage_test(bodies_are_whole_and_entries_bounded),
        stage_test(small_bodies_lie_in_their_entry),
        stage_test(what_is_named_stays),
        stage_test(what_is_not_named_goes),
        stage_test(equal_bodies_are_two_blobs),
        stage_test(what_is_replaced_goes),
        stage_test(a_restart_keeps_its_input),
        stage_test(a_removal_takes_stages_along),
        stage_test(a_payload_that_lacks_bytes_is_seen),
    };
    return cmocka_run_group_tests_name("scheduler/staging", tests, NULL, NULL);
}
