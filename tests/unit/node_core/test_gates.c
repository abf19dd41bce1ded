// node/core: nothing leaves before what it depends on is durable.
#include "tests/unit/node_core/world.h"

#include <stdio.h>
#include <string.h>

static void an_answer_waits_for_its_entry(void **state) {
    struct world *world = *state;
    world_define(world);
    uint64_t id = world_send(world, "POST", "/api/workflow", "{\"name\":\"w\"}");
    assert_false(world_receive(world));
    assert_int_equal(node_stats(world->node).answers_held, 1);
    world_sync(world);
    assert_true(world_receive(world));
    assert_int_equal(world->answered, id);
    assert_int_equal(world->status, 200);
    assert_int_equal(strlen(world->body), ID_TEXT_BYTES);
}

static void a_refusal_read_from_an_entry_waits_for_that_entry(void **state) {
    struct world *world = *state;
    const char *definition =
        "{\"name\":\"w\",\"tasks\":[{\"name\":\"a\",\"taskReferenceName\":\"a\"}]}";
    (void)world_send(world, "POST", "/api/metadata/workflow", definition);
    uint64_t again = world_send(world, "POST", "/api/metadata/workflow", definition);
    assert_false(world_receive(world));
    world_sync(world);
    assert_true(world_receive(world));
    assert_int_equal(world->status, 200);
    assert_true(world_receive(world));
    assert_int_equal(world->answered, again);
    assert_int_equal(world->status, 409);
    assert_non_null(strstr(world->body, "Workflow with w.1 already exists!"));
    assert_non_null(strstr(world->body, "\"instance\":\"host\""));
}

static void a_read_waits_for_what_it_may_have_seen(void **state) {
    struct world *world = *state;
    world_define(world);
    (void)world_send(world, "POST", "/api/metadata/taskdefs", "[{\"name\":\"late\"}]");
    (void)world_send(world, "GET", "/api/metadata/taskdefs/late", "");
    assert_false(world_receive(world));
    world_sync(world);
    assert_true(world_receive(world));
    assert_true(world_receive(world));
    assert_non_null(strstr(world->body, "\"name\":\"late\""));
}

static void what_depends_on_nothing_stored_leaves_at_once(void **state) {
    struct world *world = *state;
    world_define(world);
    (void)world_send(world, "POST", "/api/workflow", "{\"name\":\"w\"}");
    uint64_t health = world_send(world, "GET", "/health", "");
    assert_true(world_receive(world));
    assert_int_equal(world->answered, health);
    assert_non_null(strstr(world->body, "\"healthy\":true"));
}

static void what_was_answered_is_there_after_a_crash(void **state) {
    struct world *world = *state;
    world_define(world);
    assert_int_equal(world_ask(world, "POST", "/api/workflow", "{\"name\":\"w\"}"), 200);
    char target[128];
    (void)snprintf(target, sizeof(target), "/api/workflow/%.36s", world->body);
    (void)world_send(world, "POST", "/api/workflow", "{\"name\":\"w\"}"); // never synced
    world_crash(world);
    assert_int_equal(world_ask(world, "GET", target, ""), 200);
    assert_non_null(strstr(world->body, "\"status\":\"RUNNING\""));
    assert_int_equal(world_ask(world, "GET", "/api/tasks/queue/all", ""), 200);
    assert_string_equal(world->body, "{\"a\":1}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_answer_waits_for_its_entry, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(
            a_refusal_read_from_an_entry_waits_for_that_entry, world_setup, world_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_read_waits_for_what_it_may_have_seen, world_setup, world_teardown
        ),
        cmocka_unit_test_setup_teardown(
            what_depends_on_nothing_stored_leaves_at_once, world_setup, world_teardown
        ),
        cmocka_unit_test_setup_teardown(
            what_was_answered_is_there_after_a_crash, world_setup, world_teardown
        ),
    };
    return cmocka_run_group_tests_name("node/core gates", tests, NULL, NULL);
}
