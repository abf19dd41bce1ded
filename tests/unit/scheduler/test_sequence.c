// engine-cases.md A: sequence, output, start.
#include "tests/unit/scheduler/world.h"

#define TASK(name) "{\"name\":\"" name "\",\"taskReferenceName\":\"" name "\",\"type\":\"SIMPLE\"}"

static void case_1_two_tasks_in_sequence(void **state) {
    struct world *world = *state;
    world_simple(world, "ab");
    world_workflow(world, "{\"name\":\"w\",\"tasks\":[" TASK("a") "," TASK("b") "]}");
    bytes id = world_start(world, "w", "{}");
    assert_list(world, id, "a:SCHEDULED");
    bytes task = world_poll(world, "a");
    assert_at(world, task, "status", "IN_PROGRESS");
    assert_at(world, task, "pollCount", "1");
    assert_at(world, task, "workerId", "worker");
    assert_int_equal(world_poll(world, "a").size, 0);
    world_complete(world, id, "a", "{\"x\":1}");
    assert_list(world, id, "a:COMPLETED b:SCHEDULED");
    assert_status(world, id, "RUNNING");
    assert_non_null(world_poll(world, "b").data);
    world_complete(world, id, "b", "{}");
    assert_status(world, id, "COMPLETED");
    assert_true(world_at(world, world_get(world, id), "endTime").size > 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(case_1_two_tasks_in_sequence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
