// node/core: large bodies go into the log in pieces, ahead of the entry that names them.
#include "proto/limits.h"
#include "storage/keys.h"
#include "tests/unit/node_core/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    GROUPS = 3, // of the world
    PIECES = 3,
    BODY_BYTES = (PIECES - 1) * LIMIT_STAGE_ENTRY_BYTES + 1000
};

static const char ONE_TASK[] =
    "{\"name\":\"one\",\"tasks\":[{\"name\":\"a\",\"taskReferenceName\":\"a\","
    "\"inputParameters\":{}}]}";

static int setup(void **state) {
    int result = world_setup(state);
    struct world *world = *state;
    const char *tasks = "[{\"name\":\"a\",\"retryCount\":0}]";
    assert_int_equal(world_ask(world, "POST", "/api/metadata/taskdefs", tasks), 200);
    assert_int_equal(world_ask(world, "POST", "/api/metadata/workflow", ONE_TASK), 200);
    return result;
}

static uint64_t start_large(struct world *world) {
    char *body = malloc(BODY_BYTES + 64);
    assert_non_null(body);
    size_t at = (size_t)sprintf(body, "{\"s\":\"");
    memset(body + at, 'x', BODY_BYTES);
    (void)sprintf(body + at + BODY_BYTES, "\"}");
    uint64_t id = world_send(world, "POST", "/api/workflow/one", body);
    free(body);
    return id;
}

static uint64_t stages(struct world *world) {
    struct key prefix = key_kind_prefix(KEY_EXECUTION);
    uint64_t count = 0;
    for (group_id group = 1; group < GROUPS; group++) {
        struct store_cursor *cursor =
            store_cursor_open(world->store, NULL, group, key_bytes(&prefix));
        bytes key = BYTES_EMPTY;
        bytes value = BYTES_EMPTY;
        struct key_stage_parts parts;
        while (store_cursor_next(cursor, &key, &value) && bytes_starts_with(key, key_bytes(&prefix))
        ) {
            count += key_stage_parse(key, &parts);
        }
        store_cursor_close(&cursor);
    }
    return count;
}

static void others_go_on_between_its_pieces(void **state) {
    struct world *world = *state;
    uint64_t entries = node_stats(world->node).entries;
    uint64_t large = start_large(world);
    assert_int_equal(node_stats(world->node).bodies_staged, 1);
    assert_int_equal(node_stats(world->node).entries, entries + 1);
    assert_int_equal(stages(world), 1);
    uint64_t small = world_send(world, "POST", "/api/workflow/one", "{}");
    world_sync(world);
    assert_true(world_receive(world));
    assert_int_equal(world->answered, small);
    assert_false(world_receive(world));
    for (int piece = 0; piece < PIECES && world->answered != large; piece++) {
        world_sync(world);
        (void)world_receive(world);
    }
    assert_int_equal(world->answered, large);
    assert_int_equal(world->status, 200);
    assert_int_equal(stages(world), 0);
    assert_int_equal(node_stats(world->node).entries, entries + 1 + PIECES + 1);
}

static void it_is_of_the_moment_in_which_it_is_named(void **state) {
    struct world *world = *state;
    char expected[64];
    (void)start_large(world);
    world_tick(world, 5000);
    int64_t later_ms = world->wall.ms;
    for (int piece = 0; piece <= PIECES; piece++) {
        world_sync(world);
        (void)world_receive(world);
    }
    assert_int_equal(world_ask(world, "GET", "/api/tasks/poll/a?workerid=w", ""), 200);
    (void)snprintf(expected, sizeof(expected), "\"scheduledTime\":%lld", (long long)later_ms);
    assert_non_null(strstr(world->body, expected));
}

static void what_a_crash_leaves_goes(void **state) {
    struct world *world = *state;
    (void)start_large(world);
    world_sync(world);
    world_crash(world);
    assert_int_equal(stages(world), 1);
    world_tick(world, LIMIT_STAGE_EXPIRY_MS + 1000);
    world_sync(world);
    assert_int_equal(stages(world), 0);
}

#define node_test(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        node_test(others_go_on_between_its_pieces),
        node_test(it_is_of_the_moment_in_which_it_is_named),
        node_test(what_a_crash_leaves_goes),
    };
    return cmocka_run_group_tests_name("node_core/staging", tests, NULL, NULL);
}
