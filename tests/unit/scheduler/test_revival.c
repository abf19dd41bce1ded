// engine-cases.md K, D, P: parents and children that go on after their end.
#include "tests/unit/scheduler/world.h"

#define SUB(name, child, members) \
    TYPED("SUB_WORKFLOW", name, ",\"subWorkflowParam\":{\"name\":\"" child "\"}" members)

static bytes start_parent(struct world *world, const char *parent) {
    world_simple(world, "abc");
    world_workflow(world, "{\"name\":\"child\",\"tasks\":[" S("a") "," S("c") "]}");
    world_workflow(world, parent);
    bytes id = world_start(world, "w", "{}");
    world_settle(world);
    return id;
}

static bytes child_of(struct world *world, bytes parent, const char *reference) {
    return world_text(world, world_task(world, parent, reference), "subWorkflowId");
}

static void fail_child(struct world *world, bytes child) {
    world_complete(world, child, "a", "{}");
    world_fail(world, child, "c", "boom");
    world_settle(world);
}

static void case_205_the_parent_of_an_optional_child_is_left_alone(void **state) {
    struct world *world = *state;
    bytes id = start_parent(world, WORKFLOW(SUB("s", "child", ",\"optional\":true")));
    bytes child = child_of(world, id, "s");
    fail_child(world, child);
    assert_status(world, id, "COMPLETED");
    assert_list(world, id, "s:COMPLETED_WITH_ERRORS");
    world_retry(world, child);
    world_settle(world);
    assert_status(world, child, "RUNNING");
    assert_status(world, id, "COMPLETED");
}

static void case_206_a_retried_child_brings_its_parent_back(void **state) {
    struct world *world = *state;
    bytes id = start_parent(world, WORKFLOW(SUB("s", "child", "")));
    bytes child = child_of(world, id, "s");
    fail_child(world, child);
    assert_status(world, id, "FAILED");
    world_retry(world, child);
    world_settle(world);
    assert_status(world, child, "RUNNING");
    assert_status(world, id, "RUNNING");
    assert_list(world, id, "s:IN_PROGRESS");
    assert_at(world, world_get(world, id), "reasonForIncompletion", "null");
    assert_true(bytes_equal(child_of(world, id, "s"), child));
    world_complete(world, child, "c", "{}");
    world_settle(world);
    assert_status(world, child, "COMPLETED");
    assert_status(world, id, "COMPLETED");
}

static void case_207_a_retried_parent_starts_a_new_child(void **state) {
    struct world *world = *state;
    bytes id = start_parent(world, WORKFLOW(SUB("s", "child", "")));
    bytes child = child_of(world, id, "s");
    fail_child(world, child);
    world_retry(world, id);
    world_settle(world);
    assert_list(world, id, "s:FAILED s#1:IN_PROGRESS");
    assert_false(bytes_equal(child_of(world, id, "s"), child));
    assert_status(world, child, "FAILED");
    assert_status(world, child_of(world, id, "s"), "RUNNING");
}

static void case_208_a_parent_may_go_on_with_the_same_child(void **state) {
    struct world *world = *state;
    bytes id = start_parent(world, WORKFLOW(SUB("s", "child", "")));
    bytes child = child_of(world, id, "s");
    bytes task = world_text(world, world_task(world, id, "s"), "taskId");
    fail_child(world, child);
    world_retry_deepest(world, id);
    assert_ok(world->last);
    world_settle(world);
    assert_list(world, id, "s:IN_PROGRESS");
    assert_true(bytes_equal(world_text(world, world_task(world, id, "s"), "taskId"), task));
    assert_list(world, child, "a:COMPLETED c:FAILED c#1:SCHEDULED");
    assert_status(world, child, "RUNNING");
}

static void case_209_a_restarted_child_brings_its_parent_back(void **state) {
    struct world *world = *state;
    bytes id = start_parent(world, WORKFLOW(SUB("s", "child", "")));
    bytes child = child_of(world, id, "s");
    fail_child(world, child);
    world_restart(world, child, false);
    world_settle(world);
    assert_list(world, child, "a:SCHEDULED");
    assert_status(world, id, "RUNNING");
    world_complete(world, child, "a", "{}");
    world_complete(world, child, "c", "{}");
    world_settle(world);
    assert_status(world, id, "COMPLETED");
}

static void case_210_a_leaf_brings_all_levels_back(void **state) {
    struct world *world = *state;
    world_workflow(world, "{\"name\":\"leaf\",\"tasks\":[" S("a") "]}");
    world_simple(world, "a");
    world_workflow(world, "{\"name\":\"middle\",\"tasks\":[" SUB("m", "leaf", "") "]}");
    world_workflow(world, WORKFLOW(SUB("s", "middle", "")));
    bytes id = world_start(world, "w", "{}");
    world_settle(world);
    bytes middle = child_of(world, id, "s");
    bytes leaf = child_of(world, middle, "m");
    world_fail(world, leaf, "a", "x");
    world_settle(world);
    assert_status(world, id, "FAILED");
    world_retry(world, leaf);
    world_settle(world);
    assert_status(world, leaf, "RUNNING");
    assert_status(world, middle, "RUNNING");
    assert_status(world, id, "RUNNING");
    world_complete(world, leaf, "a", "{}");
    world_settle(world);
    assert_status(world, leaf, "COMPLETED");
    assert_status(world, middle, "COMPLETED");
    assert_status(world, id, "COMPLETED");
}

static void case_88_a_rerun_within_a_child_brings_its_parent_back(void **state) {
    struct world *world = *state;
    bytes id = start_parent(world, WORKFLOW(SUB("s", "child", "")));
    bytes child = child_of(world, id, "s");
    fail_child(world, child);
    bytes task = world_text(world, world_task(world, child, "a"), "taskId");
    world_rerun(
        world, child, arena_format(world->arena, "{\"reRunFromTaskId\":\"%.*s\"}", BYTES_ARG(task))
    );
    assert_ok(world->last);
    world_settle(world);
    assert_list(world, child, "a:SCHEDULED");
    assert_list(world, id, "s:IN_PROGRESS");
    assert_status(world, id, "RUNNING");
    assert_true(bytes_equal(child_of(world, id, "s"), child));
}

static void case_89_a_rerun_from_a_failed_child_starts_another(void **state) {
    struct world *world = *state;
    bytes id = start_parent(world, WORKFLOW(SUB("s", "child", "") "," S("b")));
    bytes child = child_of(world, id, "s");
    fail_child(world, child);
    bytes task = world_text(world, world_task(world, id, "s"), "taskId");
    const char *request =
        arena_format(world->arena, "{\"reRunFromTaskId\":\"%.*s\"}", BYTES_ARG(task));
    world_rerun(world, id, request);
    assert_ok(world->last);
    world_settle(world);
    assert_list(world, id, "s:IN_PROGRESS");
    bytes second = child_of(world, id, "s");
    assert_false(bytes_equal(second, child));
    assert_status(world, child, "FAILED");
    world_complete(world, second, "a", "{}");
    world_complete(world, second, "c", "{}");
    world_settle(world);
    world_fail(world, id, "b", "x");
    // A child that completed is taken as it is.
    world_rerun(world, id, request);
    world_settle(world);
    assert_list(world, id, "s:COMPLETED b:SCHEDULED");
    assert_true(bytes_equal(child_of(world, id, "s"), second));
}

#define TWO_CHILDREN                                                               \
    WORKFLOW(TYPED(                                                                \
        "FORK_JOIN",                                                               \
        "f",                                                                       \
        ",\"forkTasks\":[[" SUB("s", "child", "") "],[" SUB("t", "child", "") "]]" \
    ) "," TYPED("JOIN", "j", ",\"joinOn\":[\"s\",\"t\"]"))

static void siblings_of_a_revived_child_go_on_with_it(void **state) {
    struct world *world = *state;
    bytes id = start_parent(world, TWO_CHILDREN);
    bytes first = child_of(world, id, "s");
    bytes second = child_of(world, id, "t");
    fail_child(world, first);
    assert_status(world, id, "FAILED");
    assert_status(world, second, "TERMINATED");
    world_retry(world, first);
    world_settle(world);
    assert_status(world, second, "RUNNING");
    assert_list(world, id, "f:COMPLETED s:IN_PROGRESS t:IN_PROGRESS j:IN_PROGRESS");
    world_complete(world, first, "c", "{}");
    world_complete(world, second, "a", "{}");
    world_complete(world, second, "c", "{}");
    world_settle(world);
    assert_status(world, id, "COMPLETED");
}

static void a_sibling_that_is_gone_fails_the_parent_again(void **state) {
    struct world *world = *state;
    bytes id = start_parent(world, TWO_CHILDREN);
    bytes first = child_of(world, id, "s");
    bytes second = child_of(world, id, "t");
    fail_child(world, first);
    world_remove(world, second, false);
    world_settle(world);
    world_retry(world, first);
    world_settle(world);
    assert_status(world, id, "FAILED");
    assert_status(world, first, "TERMINATED");
}

// Both at once, in either order of the streams.
static void case_293_no_parent_stays_ended_with_running_children(void **state) {
    struct world *world = *state;
    bytes id = start_parent(world, TWO_CHILDREN);
    bytes first = child_of(world, id, "s");
    bytes second = child_of(world, id, "t");
    fail_child(world, first);
    world_retry(world, first);
    world_retry(world, second);
    world_settle(world);
    assert_status(world, id, "RUNNING");
    world_complete(world, second, "a", "{}");
    world_complete(world, second, "c", "{}");
    world_retry(world, first);
    world_settle(world);
    world_complete(world, first, "c", "{}");
    world_settle(world);
    assert_status(world, id, "COMPLETED");
}

// The parent's TERMINATE_CHILD crosses the child's revival.
static void a_child_told_to_end_after_it_went_on_says_so(void **state) {
    struct world *world = *state;
    bytes id = start_parent(world, WORKFLOW(SUB("s", "child", "")));
    bytes child = child_of(world, id, "s");
    world_terminate(world, id, "r");
    // The message is on its way; the child fails by itself and is retried.
    world_fail(world, child, "a", "x");
    world_retry(world, child);
    assert_ok(world->last);
    world_settle(world);
    bool both = bytes_equal_text(world_status(world, id), "TERMINATED") &&
                bytes_equal_text(world_status(world, child), "TERMINATED");
    bool none = bytes_equal_text(world_status(world, id), "RUNNING") &&
                bytes_equal_text(world_status(world, child), "RUNNING");
    assert_true(both || none);
}

static void case_216_a_restarted_parent_does_not_know_its_old_child(void **state) {
    struct world *world = *state;
    bytes id = start_parent(world, WORKFLOW(S("b") "," SUB("s", "child", "")));
    world_complete(world, id, "b", "{}");
    world_settle(world);
    bytes child = child_of(world, id, "s");
    world_terminate(world, id, NULL);
    world_settle(world);
    world_restart(world, id, false);
    world_settle(world);
    world_retry(world, child);
    world_settle(world);
    world_complete(world, child, "a", "{}");
    world_complete(world, child, "c", "{}");
    world_settle(world);
    assert_status(world, child, "COMPLETED");
    assert_list(world, id, "b:SCHEDULED");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(case_205_the_parent_of_an_optional_child_is_left_alone),
        world_test(case_206_a_retried_child_brings_its_parent_back),
        world_test(case_207_a_retried_parent_starts_a_new_child),
        world_test(case_208_a_parent_may_go_on_with_the_same_child),
        world_test(case_209_a_restarted_child_brings_its_parent_back),
        world_test(case_210_a_leaf_brings_all_levels_back),
        world_test(case_88_a_rerun_within_a_child_brings_its_parent_back),
        world_test(case_89_a_rerun_from_a_failed_child_starts_another),
        world_test(siblings_of_a_revived_child_go_on_with_it),
        world_test(a_sibling_that_is_gone_fails_the_parent_again),
        world_test(case_293_no_parent_stays_ended_with_running_children),
        world_test(a_child_told_to_end_after_it_went_on_says_so),
        world_test(case_216_a_restarted_parent_does_not_know_its_old_child),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
