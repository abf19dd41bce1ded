// node/core: calls outside – when they leave, how many at a time, what becomes of those nobody
// tells about.
#include "proto/limits.h"
#include "tests/unit/node_core/world.h"

#include <stdio.h>
#include <string.h>

#define HTTP_TASK(name)                                                     \
    "{\"name\":\"" name "\",\"taskReferenceName\":\"" name                  \
    "\",\"type\":\"HTTP\",\"inputParameters\":{\"uri\":\"http://peer/" name \
    "\",\"method\":\"POST\"}}"

static void define(struct world *world, const char *name, const char *tasks) {
    char body[2048];
    (void)snprintf(body, sizeof(body), "{\"name\":\"%s\",\"tasks\":[%s]}", name, tasks);
    assert_int_equal(world_ask(world, "POST", "/api/metadata/workflow", body), 200);
}

// Syncs and takes whatever leaves, until nothing happens any more.
static void settle(struct world *world) {
    for (int round = 0; round < 20; round++) {
        world_sync(world);
        while (world_receive(world)) {
        }
        world_tick(world, 1);
    }
}

// Starts a workflow; `target` becomes where it is read.
static void start(struct world *world, const char *name, char target[64]) {
    char body[128];
    (void)snprintf(body, sizeof(body), "{\"name\":\"%s\"}", name);
    assert_int_equal(world_ask(world, "POST", "/api/workflow", body), 200);
    (void)snprintf(target, 64, "/api/workflow/%.36s", world->body);
}

static void assert_has(struct world *world, const char *target, const char *text) {
    assert_int_equal(world_ask(world, "GET", target, ""), 200);
    if (strstr(world->body, text) == NULL) {
        fail_msg("%s is not in %s", text, world->body);
    }
}

static void a_call_leaves_when_its_claim_is_committed(void **state) {
    struct world *world = *state;
    define(world, "h", HTTP_TASK("a"));
    (void)world_send(world, "POST", "/api/workflow", "{\"name\":\"h\"}");
    world_tick(world, 1);
    assert_false(world_receive(world));
    assert_int_equal(world->calls, 0); // claimed by now, but nothing is synced
    assert_int_equal(node_stats(world->node).calls, 1);
    world_sync(world);
    while (world_receive(world)) {
    }
    assert_int_equal(world->calls, 1);
    assert_string_equal(world->call_uri, "http://peer/a");
    assert_non_null(strstr(world->call_headers, "Idempotency-Key: "));
}

// The log took so long that the answer might come after the lease: it is claimed anew.
static void a_call_whose_claim_was_committed_late_is_claimed_again_first(void **state) {
    struct world *world = *state;
    define(world, "h", HTTP_TASK("a"));
    (void)world_send(world, "POST", "/api/workflow", "{\"name\":\"h\"}");
    world_tick(world, 1);
    assert_int_equal(node_stats(world->node).calls, 1);
    world_tick(world, LIMIT_CALL_GRACE_MS + 100);
    world_sync(world);
    while (world_receive(world)) {
    }
    assert_int_equal(world->calls, 0);
    settle(world);
    assert_int_equal(world->calls, 1);
    assert_int_equal(node_stats(world->node).calls, 2);
}

static void its_answer_ends_the_task(void **state) {
    struct world *world = *state;
    char target[64];
    define(world, "h", HTTP_TASK("a"));
    start(world, "h", target);
    settle(world);
    assert_has(world, target, "\"status\":\"RUNNING\"");
    assert_int_equal(node_stats(world->node).calls_open, 1);
    world_called(world, world->call_id, 200, "{\"k\":1}");
    settle(world);
    assert_has(world, target, "\"body\":{\"k\":1}");
    assert_has(world, target, "\"status\":\"COMPLETED\"");
    assert_int_equal(node_stats(world->node).calls_open, 0);
    uint64_t entries = node_stats(world->node).entries;
    world_called(world, world->call_id, 200, "{\"k\":2}"); // once more: nobody knows it any more
    settle(world);
    assert_int_equal(node_stats(world->node).entries, entries);
}

static void so_many_are_made_at_a_time_and_the_others_wait(void **state) {
    struct world *world = *state;
    char target[64];
    define(
        world,
        "f",
        "{\"name\":\"f\",\"taskReferenceName\":\"f\",\"type\":\"FORK_JOIN\",\"forkTasks\":["
        "[" HTTP_TASK("a") "],[" HTTP_TASK("b") "],[" HTTP_TASK("c"
        ) "]]},{\"name\":\"j\",\"taskReferenceName\":\"j\","
          "\"type\":\"JOIN\",\"joinOn\":[\"a\",\"b\",\"c\"]}"
    );
    start(world, "f", target);
    settle(world);
    assert_int_equal(world->calls, WORLD_CALLS);
    assert_has(world, target, "\"status\":\"SCHEDULED\"");
    uint64_t newest = world->call_id;
    world_called(world, newest, 200, "1");
    settle(world);
    assert_int_equal(world->calls, 3);
    world_called(world, newest - 1, 200, "1");
    world_called(world, world->call_id, 200, "1");
    settle(world);
    assert_has(world, target, "\"status\":\"COMPLETED\"");
    assert_int_equal(node_stats(world->node).calls_told, 3);
}

static void after_a_crash_the_same_call_is_made_again_when_its_lease_ends(void **state) {
    struct world *world = *state;
    char target[64];
    char key[512];
    define(world, "h", HTTP_TASK("a"));
    start(world, "h", target);
    settle(world);
    uint64_t before = world->call_id;
    (void)snprintf(key, sizeof(key), "%s", world->call_headers);
    world_crash(world);
    settle(world);
    assert_int_equal(world->calls, 1);
    world_called(world, before, 200, "1"); // of the life before
    settle(world);
    assert_has(world, target, "\"status\":\"RUNNING\"");
    world_tick(world, 15000 + LIMIT_CALL_GRACE_MS);
    settle(world);
    assert_int_equal(world->calls, 2);
    assert_string_equal(world->call_headers, key);
    world_called(world, world->call_id, 200, "2");
    settle(world);
    assert_has(world, target, "\"body\":2.0");
    assert_has(world, target, "\"pollCount\":2");
}

static void calls_that_were_waiting_are_found_after_a_crash(void **state) {
    struct world *world = *state;
    char targets[4][64];
    define(world, "h", HTTP_TASK("a"));
    for (int i = 0; i < 4; i++) {
        start(world, "h", targets[i]);
    }
    settle(world);
    assert_int_equal(world->calls, WORLD_CALLS);
    world_crash(world);
    settle(world);
    assert_int_equal(world->calls, 2 * WORLD_CALLS); // the other two
}

static void a_limit_sets_a_task_aside_and_others_pass(void **state) {
    struct world *world = *state;
    char first[64];
    char second[64];
    char other[64];
    assert_int_equal(
        world_ask(
            world,
            "POST",
            "/api/metadata/taskdefs",
            "[{\"name\":\"a\",\"retryCount\":0,\"responseTimeoutSeconds\":60,"
            "\"concurrentExecLimit\":1}]"
        ),
        200
    );
    define(world, "h", HTTP_TASK("a"));
    define(world, "o", HTTP_TASK("b"));
    start(world, "h", first);
    settle(world);
    uint64_t call = world->call_id;
    start(world, "h", second);
    start(world, "o", other);
    settle(world);
    assert_int_equal(world->calls, 2);
    assert_string_equal(world->call_uri, "http://peer/b");
    world_called(world, call, 200, "1");
    settle(world);
    assert_has(world, first, "\"status\":\"COMPLETED\"");
    assert_int_equal(world->calls, 3);
    assert_string_equal(world->call_uri, "http://peer/a");
}

static void a_window_that_moves_lets_the_next_one_out(void **state) {
    struct world *world = *state;
    char first[64];
    char second[64];
    assert_int_equal(
        world_ask(
            world,
            "POST",
            "/api/metadata/taskdefs",
            "[{\"name\":\"a\",\"retryCount\":0,\"responseTimeoutSeconds\":60,"
            "\"rateLimitPerFrequency\":1,\"rateLimitFrequencyInSeconds\":5}]"
        ),
        200
    );
    define(world, "h", HTTP_TASK("a"));
    start(world, "h", first);
    start(world, "h", second);
    settle(world);
    assert_int_equal(world->calls, 1);
    mono_time wakeup = node_next_wakeup(world->node);
    assert_true(wakeup.ns <= world->mono.ns + INT64_C(5000000000));
    world_tick(world, 5000);
    settle(world);
    assert_int_equal(world->calls, 2);
}

static void a_call_nobody_ever_tells_about_gives_its_room_back(void **state) {
    struct world *world = *state;
    char targets[3][64];
    define(world, "h", HTTP_TASK("a"));
    for (int i = 0; i < 3; i++) {
        start(world, "h", targets[i]);
    }
    settle(world);
    assert_int_equal(world->calls, WORLD_CALLS);
    int64_t lease_ns = INT64_C(1000000) * (15000 + LIMIT_CALL_GRACE_MS);
    assert_true(node_next_wakeup(world->node).ns <= world->mono.ns + lease_ns);
    world_tick(world, 15000 + LIMIT_CALL_GRACE_MS);
    settle(world);
    assert_int_equal(world->calls, 2 * WORLD_CALLS);
    assert_int_equal(node_stats(world->node).calls_open, WORLD_CALLS);
}

static void what_cannot_be_called_takes_no_room(void **state) {
    struct world *world = *state;
    char target[64];
    define(
        world,
        "h",
        "{\"name\":\"a\",\"taskReferenceName\":\"a\",\"type\":\"HTTP\",\"inputParameters\":{"
        "\"uri\":\"x\"}}"
    );
    start(world, "h", target);
    settle(world);
    assert_int_equal(world->calls, 0);
    assert_has(world, target, "No HTTP method specified");
    assert_int_equal(node_stats(world->node).calls_open, 0);
}

static void what_follows_an_answer_may_be_a_script(void **state) {
    struct world *world = *state;
    char target[64];
    define(
        world,
        "h",
        HTTP_TASK("a"
        ) ",{\"name\":\"i\",\"taskReferenceName\":\"i\",\"type\":\"INLINE\","
          "\"inputParameters\":{\"evaluatorType\":\"javascript\",\"expression\":\"1\"}}"
    );
    start(world, "h", target);
    settle(world);
    world_called(world, world->call_id, 200, "1");
    settle(world);
    assert_int_equal(world->scripts, 1);
    world_evaluated(world, EVALUATION_DONE, "1");
    settle(world);
    assert_has(world, target, "\"status\":\"COMPLETED\"");
}

#define calls_test(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        calls_test(a_call_leaves_when_its_claim_is_committed),
        calls_test(a_call_whose_claim_was_committed_late_is_claimed_again_first),
        calls_test(its_answer_ends_the_task),
        calls_test(so_many_are_made_at_a_time_and_the_others_wait),
        calls_test(after_a_crash_the_same_call_is_made_again_when_its_lease_ends),
        calls_test(calls_that_were_waiting_are_found_after_a_crash),
        calls_test(a_limit_sets_a_task_aside_and_others_pass),
        calls_test(a_window_that_moves_lets_the_next_one_out),
        calls_test(a_call_nobody_ever_tells_about_gives_its_room_back),
        calls_test(what_cannot_be_called_takes_no_room),
        calls_test(what_follows_an_answer_may_be_a_script),
    };
    return cmocka_run_group_tests_name("node/core calls", tests, NULL, NULL);
}
