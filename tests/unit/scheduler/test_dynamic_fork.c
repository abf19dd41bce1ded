// engine-cases.md H: dynamic forks and DYNAMIC.
#include "tests/unit/scheduler/world.h"

#define JOIN(name) TYPED("JOIN", name, "")
#define STYLE_B                                                                                  \
    ",\"dynamicForkTasksParam\":\"dynamicTasks\",\"dynamicForkTasksInputParamName\":\"inputs\"," \
    "\"inputParameters\":{\"dynamicTasks\":\"${workflow.input.tasks}\","                         \
    "\"inputs\":\"${workflow.input.inputs}\"}"
#define FORK_B(name) TYPED("FORK_JOIN_DYNAMIC", name, STYLE_B)
#define FORK_A(name, more)                                                             \
    TYPED(                                                                             \
        "FORK_JOIN_DYNAMIC",                                                           \
        name,                                                                          \
        ",\"inputParameters\":{\"forkTaskInputs\":\"${workflow.input.list}\"" more "}" \
    )
#define FORK_C                                                      \
    TYPED(                                                          \
        "FORK_JOIN_DYNAMIC",                                        \
        "df",                                                       \
        ",\"dynamicForkJoinTasksParam\":\"plan\","                  \
        "\"inputParameters\":{\"plan\":\"${workflow.input.plan}\"}" \
    )

static bytes start(struct world *world, const char *definition, const char *input) {
    world_workflow(world, definition);
    return world_start(world, "w", input);
}

static void assert_reason(struct world *world, bytes id, const char *text) {
    bytes reason = world_text(world, world_get(world, id), "reasonForIncompletion");
    assert_status(world, id, "FAILED");
    assert_true(bytes_starts_with(reason, bytes_from_text(text)));
}

static void case_147_tasks_and_their_inputs(void **state) {
    struct world *world = *state;
    world_simple(world, "ab");
    bytes id = start(
        world,
        WORKFLOW(FORK_B("df") "," JOIN("j") "," S("b")),
        "{\"tasks\":[{\"name\":\"a\",\"taskReferenceName\":\"a1\",\"type\":\"SIMPLE\"},"
        "{\"name\":\"a\",\"taskReferenceName\":\"a2\"}],"
        "\"inputs\":{\"a1\":{\"k\":1},\"a2\":{\"k\":2}}}"
    );
    assert_list(world, id, "df:COMPLETED a1:SCHEDULED a2:SCHEDULED j:IN_PROGRESS");
    bytes fork = world_task(world, id, "df");
    assert_at(world, fork, "taskType", "FORK");
    assert_json(world, fork, "inputData.forkedTasks", "[\"a1\",\"a2\"]");
    assert_at(world, fork, "inputData.forkedTaskDefs.1.taskReferenceName", "a2");
    assert_at(world, fork, "inputData.forkedTaskDefs.1.type", "SIMPLE");
    assert_json(world, fork, "inputData.forkedTaskDefs.1.inputParameters", "{\"k\":2}");
    assert_at(world, fork, "inputData.forkedTaskDefs.1.taskDefinition.name", "a");
    bytes branch = world_task(world, id, "a1");
    assert_at(world, branch, "taskType", "a");
    assert_json(world, branch, "inputData", "{\"k\":1}");
    assert_at(world, branch, "workflowTask.taskReferenceName", "a1");
    assert_json(world, world_task(world, id, "j"), "inputData", "{\"joinOn\":[\"a1\",\"a2\"]}");
    world_complete(world, id, "a1", "{\"x\":1}");
    world_complete(world, id, "a2", "{\"y\":1}");
    assert_list(world, id, "df:COMPLETED a1:COMPLETED a2:COMPLETED j:COMPLETED b:SCHEDULED");
    assert_json(
        world, world_task(world, id, "j"), "outputData", "{\"a1\":{\"x\":1},\"a2\":{\"y\":1}}"
    );
}

static void case_148_no_branch_at_all(void **state) {
    struct world *world = *state;
    world_simple(world, "b");
    bytes id = start(
        world, WORKFLOW(FORK_B("df") "," JOIN("j") "," S("b")), "{\"tasks\":[],\"inputs\":{}}"
    );
    assert_list(world, id, "df:COMPLETED j:COMPLETED b:SCHEDULED");
    assert_json(world, world_task(world, id, "j"), "outputData", "{}");
}

static void case_149_inputs_that_are_no_map(void **state) {
    struct world *world = *state;
    bytes id = start(
        world, WORKFLOW(FORK_B("df") "," JOIN("j")), "{\"tasks\":[{\"taskReferenceName\":\"a\"}]}"
    );
    assert_reason(
        world,
        id,
        "Input to the dynamically forked tasks is not a map -> expecting a map of K,V  but found "
        "null"
    );
    assert_list(world, id, "");
}

static void case_150_a_list_that_is_none(void **state) {
    struct world *world = *state;
    bytes id = start(world, WORKFLOW(FORK_B("df") "," JOIN("j")), "{\"inputs\":{}}");
    assert_reason(
        world,
        id,
        "Input 'dynamicTasks' is invalid. Cannot deserialize a list of Workflow Tasks from 'null'"
    );
}

static void case_151_a_task_without_reference(void **state) {
    struct world *world = *state;
    bytes id = start(
        world, WORKFLOW(FORK_B("df") "," JOIN("j")), "{\"tasks\":[{\"name\":\"a\"}],\"inputs\":{}}"
    );
    assert_reason(
        world,
        id,
        "Input 'dynamicTasks' is invalid. Cannot deserialize a list of Workflow Tasks from "
        "'[{name=a}]'"
    );
    assert_list(world, id, "");
}

static void case_152_the_same_reference_twice(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    bytes id = start(
        world,
        WORKFLOW(FORK_B("df") "," JOIN("j")),
        "{\"tasks\":[{\"name\":\"a\",\"taskReferenceName\":\"a1\"},{\"name\":\"a\","
        "\"taskReferenceName\":\"a1\"}],\"inputs\":{}}"
    );
    assert_list(world, id, "df:COMPLETED a1:SCHEDULED j:IN_PROGRESS");
    world_complete(world, id, "a1", "{}");
    assert_status(world, id, "COMPLETED");
    id = start(
        world,
        WORKFLOW(S("a") "," FORK_B("df") "," JOIN("j")),
        "{\"tasks\":[{\"name\":\"a\",\"taskReferenceName\":\"a\"}],\"inputs\":{}}"
    );
    world_complete(world, id, "a", "{}");
    bytes reason = world_text(world, world_get(world, id), "reasonForIncompletion");
    assert_true(bytes_equal_text(
        reason,
        arena_format(
            world->arena,
            "No dynamic tasks could be created for the Workflow: w.1/%.*s, Dynamic Fork Task: df "
            "attempted to create a duplicate task reference name: a",
            BYTES_ARG(id)
        )
    ));
}

static void the_input_of_a_task_must_be_a_map(void **state) {
    struct world *world = *state;
    bytes id = start(
        world,
        WORKFLOW(FORK_B("df") "," JOIN("j")),
        "{\"tasks\":[{\"name\":\"a\",\"taskReferenceName\":\"a1\"}],\"inputs\":{\"a1\":7}}"
    );
    assert_reason(world, id, "Tasks could not be dynamically forked due to invalid input: 7");
}

static void a_fork_without_join_ends_the_workflow(void **state) {
    struct world *world = *state;
    bytes id = start(world, WORKFLOW(FORK_B("df")), "{\"tasks\":[],\"inputs\":{}}");
    assert_reason(
        world,
        id,
        "Dynamic join definition is not followed by a join task.  Check the workflow definition."
    );
}

static void case_153_one_branch_per_input(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    bytes id = start(
        world,
        WORKFLOW(FORK_A("df", ",\"forkTaskName\":\"a\"") "," JOIN("j")),
        "{\"list\":[{\"k\":1},7]}"
    );
    assert_list(world, id, "df:COMPLETED _a_0:SCHEDULED _a_1:SCHEDULED j:IN_PROGRESS");
    assert_json(world, world_task(world, id, "_a_0"), "inputData", "{\"k\":1,\"__index\":0}");
    assert_json(world, world_task(world, id, "_a_1"), "inputData", "{\"input\":7,\"__index\":1}");
    assert_true(world_poll(world, "a").size > 0);
}

static void case_154_a_second_fork_uses_its_own_name(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    bytes id = start(
        world,
        WORKFLOW(FORK_A("df", ",\"forkTaskName\":\"a\"") "," JOIN("j"
        ) "," FORK_A("df2", ",\"forkTaskName\":\"a\"") "," JOIN("j2")),
        "{\"list\":[1]}"
    );
    world_complete(world, id, "_a_0", "{}");
    assert_list(
        world,
        id,
        "df:COMPLETED _a_0:COMPLETED j:COMPLETED df2:COMPLETED _df2_a_0:SCHEDULED j2:IN_PROGRESS"
    );
    assert_json(world, world_task(world, id, "df2"), "inputData.forkedTasks", "[\"_df2_a_0\"]");
    world_complete(world, id, "_df2_a_0", "{}");
    assert_status(world, id, "COMPLETED");
}

static void case_155_children_by_inputs(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(world, "{\"name\":\"child\",\"version\":2,\"tasks\":[" S("a") "]}");
    bytes id = start(
        world,
        WORKFLOW(FORK_A(
            "df", ",\"forkTaskWorkflow\":\"child\",\"forkTaskWorkflowVersion\":\"2\""
        ) "," JOIN("j")),
        "{\"list\":[{\"k\":1}]}"
    );
    bytes task = world_task(world, id, "_SUB_WORKFLOW_0");
    assert_at(world, task, "inputData.subWorkflowName", "child");
    assert_json(world, task, "inputData.subWorkflowVersion", "2");
    assert_json(world, task, "inputData.workflowInput", "{\"k\":1,\"__index\":0}");
    world_settle(world);
    bytes child = world_text(world, world_task(world, id, "_SUB_WORKFLOW_0"), "subWorkflowId");
    world_complete(world, child, "a", "{\"r\":1}");
    world_settle(world);
    assert_status(world, id, "COMPLETED");
}

static void case_155_a_version_that_is_none_means_the_latest(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(world, "{\"name\":\"child\",\"version\":3,\"tasks\":[" S("a") "]}");
    bytes id = start(
        world,
        WORKFLOW(FORK_A(
            "df", ",\"forkTaskWorkflow\":\"child\",\"forkTaskWorkflowVersion\":\"abc\""
        ) "," JOIN("j")),
        "{\"list\":[1]}"
    );
    world_settle(world);
    bytes child = world_text(world, world_task(world, id, "_SUB_WORKFLOW_0"), "subWorkflowId");
    assert_json(world, world_get(world, child), "workflowVersion", "3");
}

static void case_156_a_system_type_names_its_branches(void **state) {
    struct world *world = *state;
    bytes id = start(
        world,
        WORKFLOW(FORK_A("df", ",\"forkTaskType\":\"WAIT\"") "," JOIN("j")),
        "{\"list\":[{\"duration\":\"1 s\"}]}"
    );
    assert_list(world, id, "df:COMPLETED _WAIT_0:IN_PROGRESS j:IN_PROGRESS");
    world_advance(world, 2000);
    assert_status(world, id, "COMPLETED");
}

static void case_157_an_optional_fork_has_optional_branches(void **state) {
    struct world *world = *state;
    world_simple(world, "ab");
    bytes id = start(
        world,
        WORKFLOW(TYPED(
            "FORK_JOIN_DYNAMIC",
            "df",
            ",\"optional\":true,\"inputParameters\":{\"forkTaskInputs\":[1,2],\"forkTaskName\":"
            "\"a\"}"
        ) "," JOIN("j") "," S("b")),
        "{}"
    );
    world_fail(world, id, "_a_0", "x");
    world_complete(world, id, "_a_1", "{}");
    assert_list(
        world,
        id,
        "df:COMPLETED _a_0:COMPLETED_WITH_ERRORS _a_1:COMPLETED j:COMPLETED_WITH_ERRORS b:SCHEDULED"
    );
}

static void case_158_tasks_and_inputs_in_one_list(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    bytes id = start(
        world,
        WORKFLOW(FORK_C "," JOIN("j")),
        "{\"plan\":{\"dynamicTasks\":[{\"taskName\":\"a\",\"referenceName\":\"r1\",\"type\":"
        "\"SIMPLE\",\"input\":{\"x\":1}}]}}"
    );
    assert_json(world, world_task(world, id, "r1"), "inputData", "{\"x\":1}");
    assert_at(world, world_task(world, id, "r1"), "taskType", "a");
    id = start(world, WORKFLOW(FORK_C "," JOIN("j")), "{}");
    assert_reason(
        world,
        id,
        "Dynamic tasks could not be created. The value of plan from task's input {plan=null} has "
        "no dynamic tasks to be scheduled"
    );
}

static void case_159_a_branch_nobody_registered_is_not_retried(void **state) {
    struct world *world = *state;
    bytes id = start(
        world, WORKFLOW(FORK_A("df", ",\"forkTaskName\":\"zz\"") "," JOIN("j")), "{\"list\":[1]}"
    );
    world_fail(world, id, "_zz_0", "x");
    assert_status(world, id, "FAILED");
}

static void a_branch_is_retried_with_its_own_input(void **state) {
    struct world *world = *state;
    world_tasks(world, "[{\"name\":\"a\",\"retryCount\":1,\"retryDelaySeconds\":0}]");
    bytes id = start(
        world, WORKFLOW(FORK_A("df", ",\"forkTaskName\":\"a\"") "," JOIN("j")), "{\"list\":[1,2]}"
    );
    world_complete(world, id, "_a_0", "{}");
    world_fail(world, id, "_a_1", "x");
    assert_list(
        world, id, "df:COMPLETED _a_0:COMPLETED _a_1:FAILED j:IN_PROGRESS _a_1#1:SCHEDULED"
    );
    assert_json(world, world_task(world, id, "_a_1"), "inputData", "{\"input\":2,\"__index\":1}");
    world_complete(world, id, "_a_1", "{}");
    assert_status(world, id, "COMPLETED");
}

static void case_160_a_fork_in_a_loop(void **state) {
    struct world *world = *state;
    static const struct world_script scripts[] = {
        {"$.l.iteration<2", "{\"l\":{\"iteration\":1}}", EVALUATION_DONE, "true", NULL},
        {"$.l.iteration<2", "{\"l\":{\"iteration\":2}}", EVALUATION_DONE, "false", NULL},
    };
    world_scripts(world, scripts);
    world_simple(world, "a");
    bytes id = start(
        world,
        WORKFLOW(TYPED(
            "DO_WHILE",
            "l",
            ",\"loopCondition\":\"$.l.iteration<2\",\"loopOver\":[" FORK_A(
                "df", ",\"forkTaskName\":\"a\""
            ) "," JOIN("j") "]"
        )),
        "{\"list\":[1]}"
    );
    assert_list(world, id, "l:IN_PROGRESS df__1:COMPLETED _a_0__1:SCHEDULED j__1:IN_PROGRESS");
    world_complete(world, id, "_a_0__1", "{\"x\":1}");
    assert_list(
        world,
        id,
        "l:IN_PROGRESS df__1:COMPLETED _a_0__1:COMPLETED j__1:COMPLETED df__2:COMPLETED "
        "_df_a_0__2:SCHEDULED j__2:IN_PROGRESS"
    );
    assert_json(world, world_task(world, id, "j__1"), "outputData", "{\"_a_0__1\":{\"x\":1}}");
    world_complete(world, id, "_df_a_0__2", "{}");
    assert_status(world, id, "COMPLETED");
}

static void case_161_dynamic_becomes_what_its_input_says(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    const char *definition = WORKFLOW(TYPED(
        "DYNAMIC",
        "d",
        ",\"dynamicTaskNameParam\":\"taskToExecute\",\"inputParameters\":{\"taskToExecute\":"
        "\"${workflow.input.t}\",\"k\":1}"
    ));
    bytes id = start(world, definition, "{\"t\":\"a\"}");
    assert_list(world, id, "d:SCHEDULED");
    assert_at(world, world_task(world, id, "d"), "taskType", "a");
    assert_at(world, world_task(world, id, "d"), "taskDefName", "a");
    assert_at(world, world_poll(world, "a"), "referenceTaskName", "d");
    world_complete(world, id, "d", "{}");
    assert_status(world, id, "COMPLETED");
    id = start(world, definition, "{}");
    assert_reason(
        world,
        id,
        "Cannot map a dynamic task based on the parameter and input. Parameter= taskToExecute, "
        "input= {taskToExecute=null, k=1}"
    );
}

static void dynamic_runs_a_system_type(void **state) {
    struct world *world = *state;
    const char *definition = WORKFLOW(TYPED(
        "DYNAMIC",
        "d",
        ",\"dynamicTaskNameParam\":\"t\",\"inputParameters\":{\"t\":\"${workflow.input.t}\"}"
    ));
    bytes id = start(world, definition, "{\"t\":\"NOOP\"}");
    assert_list(world, id, "d:COMPLETED");
    assert_status(world, id, "COMPLETED");
    id = start(world, definition, "{\"t\":\"FORK_JOIN\"}");
    assert_reason(world, id, "Task type 'FORK_JOIN' of dynamic task 'd' is not supported");
}

// distributed.md §5.1: bounded entries, linear cost.
static void a_wide_fork_expands_in_slices(void **state) {
    struct world *world = *state;
    world_tasks(world, "[{\"name\":\"a\",\"retryCount\":0}]");
    world_workflow(
        world, WORKFLOW(FORK_A("df", ",\"forkTaskName\":\"a\"") "," JOIN("j") "," S("b"))
    );
    enum {
        BRANCHES = 2000
    };
    struct buffer input;
    buffer_init(&input, 1024 * 1024);
    buffer_append_text(&input, "{\"list\":[0");
    for (int i = 1; i < BRANCHES; i++) {
        buffer_format(&input, ",%d", i);
    }
    buffer_append_text(&input, "]}");
    buffer_append(&input, bytes_of("\0", 1));
    bytes id = world_start(world, "w", (const char *)input.data);
    buffer_deinit(&input);
    bytes fork = world_task(world, id, "df");
    assert_at(world, fork, "status", "IN_PROGRESS");
    assert_true(json_is_null(world_at(world, world_task(world, id, "j"), "status")));
    // A branch may be done before its siblings exist.
    world_complete(world, id, "_a_0", "{\"x\":1}");
    world_settle(world);
    fork = world_task(world, id, "df");
    assert_at(world, fork, "status", "COMPLETED");
    assert_int_equal(json_count(world_at(world, fork, "inputData.forkedTaskDefs")), BRANCHES);
    assert_int_equal(
        json_count(world_at(world, world_task(world, id, "j"), "inputData.joinOn")), BRANCHES
    );
    assert_at(world, world_task(world, id, "j"), "status", "IN_PROGRESS");
    bytes last = world_task(world, id, "_a_1999");
    assert_json(world, last, "inputData", "{\"input\":1999,\"__index\":1999}");
}

static void a_wide_fork_stops_with_its_workflow(void **state) {
    struct world *world = *state;
    world_workflow(world, WORKFLOW(FORK_A("df", ",\"forkTaskName\":\"a\"") "," JOIN("j")));
    struct buffer input;
    buffer_init(&input, 1024 * 1024);
    buffer_append_text(&input, "{\"list\":[0");
    for (int i = 1; i < 1500; i++) {
        buffer_append_text(&input, ",{}");
    }
    buffer_append_text(&input, "]}");
    buffer_append(&input, bytes_of("\0", 1));
    bytes id = world_start(world, "w", (const char *)input.data);
    buffer_deinit(&input);
    world_terminate(world, id, "enough");
    world_settle(world);
    assert_status(world, id, "TERMINATED");
    assert_at(world, world_task(world, id, "df"), "status", "CANCELED");
    // And goes on with it, under the same id.
    world_retry(world, id);
    world_settle(world);
    bytes fork = world_task(world, id, "df");
    assert_at(world, fork, "status", "COMPLETED");
    assert_at(world, fork, "retryCount", "0");
    assert_int_equal(
        json_count(world_at(world, world_task(world, id, "j"), "inputData.joinOn")), 1500
    );
}

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(case_147_tasks_and_their_inputs),
        world_test(case_148_no_branch_at_all),
        world_test(case_149_inputs_that_are_no_map),
        world_test(case_150_a_list_that_is_none),
        world_test(case_151_a_task_without_reference),
        world_test(case_152_the_same_reference_twice),
        world_test(the_input_of_a_task_must_be_a_map),
        world_test(a_fork_without_join_ends_the_workflow),
        world_test(case_153_one_branch_per_input),
        world_test(case_154_a_second_fork_uses_its_own_name),
        world_test(case_155_children_by_inputs),
        world_test(case_155_a_version_that_is_none_means_the_latest),
        world_test(case_156_a_system_type_names_its_branches),
        world_test(case_157_an_optional_fork_has_optional_branches),
        world_test(case_158_tasks_and_inputs_in_one_list),
        world_test(case_159_a_branch_nobody_registered_is_not_retried),
        world_test(a_branch_is_retried_with_its_own_input),
        world_test(case_160_a_fork_in_a_loop),
        world_test(case_161_dynamic_becomes_what_its_input_says),
        world_test(dynamic_runs_a_system_type),
        world_test(a_wide_fork_expands_in_slices),
        world_test(a_wide_fork_stops_with_its_workflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
