// engine.md §16: what the reference does worse, row by row, where no numbered case shows it; and
// three failures seen of it under load. tests/conformance/cases.txt says where each row is held.
#include "tests/unit/scheduler/world.h"

#define SUB(name, child) \
    TYPED("SUB_WORKFLOW", name, ",\"subWorkflowParam\":{\"name\":\"" child "\"}")
#define FORK(branches) TYPED("FORK_JOIN", "f", ",\"forkTasks\":[" branches "]")
#define JOIN(on) TYPED("JOIN", "j", ",\"joinOn\":[" on "]")

static bytes child_of(struct world *world, bytes parent, const char *reference) {
    return world_text(world, world_task(world, parent, reference), "subWorkflowId");
}

// Updates of an older view overwrite those of a newer one.
static void w1_no_update_is_lost_to_another(void **state) {
    struct world *world = *state;
    world_simple(world, "abc");
    world_workflow(
        world,
        WORKFLOW(FORK("[" S("a") "],[" S("b") "],[" S("c") "]") "," JOIN("\"a\",\"b\",\"c\""))
    );
    bytes id = world_start(world, "w", "{}");
    bytes a = world_text(world, world_poll(world, "a"), "taskId");
    bytes b = world_text(world, world_poll(world, "b"), "taskId");
    world_result_of(world, id, a, "IN_PROGRESS", "\"outputData\":{\"half\":1}");
    world_result_of(world, id, b, "COMPLETED", "\"outputData\":{\"b\":1}");
    bytes c = world_text(world, world_poll(world, "c"), "taskId");
    world_result_of(world, id, a, "COMPLETED", "\"outputData\":{\"a\":1}");
    world_result_of(world, id, c, "COMPLETED", "\"outputData\":{\"c\":1}");
    assert_json(
        world,
        world_task(world, id, "j"),
        "outputData",
        "{\"a\":{\"a\":1},\"b\":{\"b\":1},\"c\":{\"c\":1}}"
    );
    assert_status(world, id, "COMPLETED");
}

// Seen under load: a fork of three sub-workflows COMPLETED with its JOIN CANCELED. Here every order
// in which the children end, with the parent decided after each or only after all of them.
static void w2_a_fork_of_three_children_joins_in_every_order(void **state) {
    struct world *world = *state;
    static const char *const orders[] = {"123", "132", "213", "231", "312", "321"};
    world_simple(world, "a");
    world_workflow(world, "{\"name\":\"child\",\"tasks\":[" S("a") "]}");
    world_workflow(
        world,
        WORKFLOW(FORK("[" SUB("s1", "child") "],[" SUB("s2", "child") "],[" SUB("s3", "child") "]"
        ) "," JOIN("\"s1\",\"s2\",\"s3\""))
    );
    for (size_t i = 0; i < 2 * (sizeof orders / sizeof orders[0]); i++) {
        bytes id = world_start(world, "w", "{}");
        world_settle(world);
        for (const char *at = orders[i / 2]; *at != '\0'; at++) {
            bytes child = child_of(world, id, arena_format(world->arena, "s%c", *at));
            world_complete(world, child, "a", "{\"r\":1}");
            if (i % 2 == 0) {
                world_settle(world);
            }
        }
        world_settle(world);
        assert_list(world, id, "f:COMPLETED s1:COMPLETED s2:COMPLETED s3:COMPLETED j:COMPLETED");
        assert_status(world, id, "COMPLETED");
        assert_int_equal(json_count(world_at(world, world_task(world, id, "j"), "outputData")), 3);
    }
}

static void case_288_each_execution_has_its_own_variables(void **state) {
    struct world *world = *state;
    enum {
        WORKFLOWS = 200
    };
    world->is_big = true; // audited once
    world_simple(world, "a");
    world_workflow(
        world,
        WORKFLOW(TYPED(
            "SET_VARIABLE", "v", ",\"inputParameters\":{\"x\":\"${workflow.input.i}\"}"
        ) "," S_WITH("a", ",\"inputParameters\":{\"x\":\"${workflow.variables.x}\"}"))
    );
    bytes ids[WORKFLOWS];
    for (int i = 0; i < WORKFLOWS; i++) {
        ids[i] = world_start(world, "w", arena_format(world->arena, "{\"i\":%d}", i));
    }
    world_audit(world);
    for (int i = 0; i < WORKFLOWS; i++) {
        int64_t seen = -1;
        bytes task = world_task(world, ids[i], "a");
        assert_true(json_i64(world_at(world, task, "inputData.x"), &seen));
        assert_int_equal(seen, i);
    }
}

static void case_291_a_result_and_a_terminate_in_either_order(void **state) {
    struct world *world = *state;
    world_simple(world, "ab");
    world_workflow(world, WORKFLOW(S("a") "," S("b")));
    for (int i = 0; i < 2; i++) {
        bytes id = world_start(world, "w", "{}");
        bytes task = world_text(world, world_poll(world, "a"), "taskId");
        if (i == 0) {
            world_result_of(world, id, task, "COMPLETED", NULL);
        }
        world_terminate(world, id, "r");
        world_result_of(world, id, task, "COMPLETED", NULL);
        assert_ok(world->last);
        assert_status(world, id, "TERMINATED");
        if (i == 0) {
            assert_list(world, id, "a:COMPLETED b:CANCELED");
        } else {
            assert_list(world, id, "a:CANCELED");
        }
        assert_int_equal(world_poll(world, "b").size, 0);
    }
}

// A crash between its writes leaves tasks without messages.
static void w6_a_decision_is_one_entry(void **state) {
    struct world *world = *state;
    world_simple(world, "ab");
    world_workflow(world, "{\"name\":\"child\",\"tasks\":[" S("a") "]}");
    world_workflow(
        world,
        WORKFLOW(TYPED("SET_VARIABLE", "v", ",\"inputParameters\":{\"x\":1}") "," FORK("[" S("a"
        ) "],[" S("b") "],[" SUB("s", "child") "]") "," JOIN("\"a\",\"b\",\"s\""))
    );
    world->cost = (struct world_cost){0};
    bytes id = world_start(world, "w", "{}");
    assert_int_equal(world->cost.entries, 1);
    assert_list(
        world, id, "v:COMPLETED f:COMPLETED a:SCHEDULED b:SCHEDULED s:IN_PROGRESS j:IN_PROGRESS"
    );
    assert_int_equal(world_outbox(world), 1);
    world_complete(world, id, "a", "{}");
    assert_int_equal(world->cost.entries, 2);
}

// Seen under load: a sequence hangs RUNNING after a missed lock. Here many sequences advance among
// each other, every result is told twice, the workflow is paused and resumed, and what was told to
// come next is there in the answer to the result.
static void w10_no_decision_is_dropped(void **state) {
    struct world *world = *state;
    enum {
        WORKFLOWS = 20
    };
    world_simple(world, "abcde");
    world_workflow(world, WORKFLOW(S("a") "," S("b") "," S("c") "," S("d") "," S("e")));
    bytes ids[WORKFLOWS];
    for (int i = 0; i < WORKFLOWS; i++) {
        ids[i] = world_start(world, "w", "{}");
    }
    for (char task = 'a'; task <= 'e'; task++) {
        const char name[] = {task, '\0'};
        const char next[] = {(char)(task + 1), '\0'};
        for (int i = 0; i < WORKFLOWS; i++) {
            bytes id = ids[(i * 7) % WORKFLOWS];
            bytes number = world_text(world, world_task(world, id, name), "taskId");
            if (i % 5 == 0) {
                world_pause(world, id);
            }
            world_result_of(world, id, number, "COMPLETED", NULL);
            world_result_of(world, id, number, "FAILED", NULL);
            if (i % 5 == 0) {
                world_resume(world, id);
            }
            if (task < 'e') {
                assert_at(world, world_task(world, id, next), "status", "SCHEDULED");
            } else {
                assert_status(world, id, "COMPLETED");
            }
        }
    }
}

// Seen under load: a sub-workflow queue stops being served. Here a child that cannot begin, one
// that fails at once and one that is gone stand between the others.
static void w21_what_is_wrong_with_one_child_holds_up_no_other(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(world, "{\"name\":\"child\",\"tasks\":[" S("a") "]}");
    world_workflow(world, "{\"name\":\"good\",\"tasks\":[" SUB("s", "child") "]}");
    world_workflow(
        world,
        "{\"name\":\"unknown\",\"tasks\":[" TYPED(
            "SUB_WORKFLOW", "s", ",\"subWorkflowParam\":{\"name\":\"nobody\",\"version\":7}"
        ) "]}"
    );
    world_workflow(
        world,
        "{\"name\":\"broken\",\"tasks\":[" TYPED(
            "SUB_WORKFLOW",
            "s",
            ",\"subWorkflowParam\":{\"name\":\"x\",\"workflowDefinition\":\"${workflow.input.d}\"}"
        ) "]}"
    );
    bytes good[8];
    bytes bad[8];
    for (int i = 0; i < 8; i++) {
        world->slot = 5; // one partition, and so one stream to each other
        bad[i] = i % 2 == 0 ? world_start(world, "unknown", "{}")
                            : world_start(world, "broken", "{\"d\":{\"name\":7,\"tasks\":3}}");
        good[i] = world_start(world, "good", "{}");
    }
    world_settle(world);
    assert_int_equal(world_outbox(world), 0);
    for (int i = 0; i < 8; i++) {
        assert_status(world, bad[i], "FAILED");
        bytes child = child_of(world, good[i], "s");
        assert_list(world, child, "a:SCHEDULED");
        world_complete(world, child, "a", "{}");
        world_settle(world);
        assert_status(world, good[i], "COMPLETED");
    }
}

// A bad duration that came from an expression leaves the workflow stuck.
static void w22_a_wait_for_nonsense_fails(void **state) {
    struct world *world = *state;
    world_workflow(
        world,
        WORKFLOW(TYPED("WAIT", "t", ",\"inputParameters\":{\"duration\":\"${workflow.input.d}\"}"))
    );
    bytes id = world_start(world, "w", "{\"d\":\"soon\"}");
    assert_at(world, world_task(world, id, "t"), "status", "FAILED_WITH_TERMINAL_ERROR");
    assert_status(world, id, "FAILED");
}

// Whatever an expression gives, where text, a number, a list or an object is wanted: the workflow
// ends, or waits for somebody, which the audit checks after each command.
static void w22_no_type_of_value_leaves_a_workflow_stuck(void **state) {
    struct world *world = *state;
#define X "\"${workflow.input.x}\""
    static const struct world_script any[] = {{NULL, NULL, EVALUATION_DONE, "[1]", NULL}};
    static const char *const tasks[] = {
        TYPED("SUB_WORKFLOW", "t", ",\"subWorkflowParam\":{\"name\":" X ",\"version\":1}"),
        TYPED("SUB_WORKFLOW", "t", ",\"subWorkflowParam\":{\"name\":\"child\",\"priority\":" X "}"),
        TYPED(
            "SUB_WORKFLOW",
            "t",
            ",\"subWorkflowParam\":{\"name\":\"n\",\"workflowDefinition\":" X "}"
        ),
        TYPED("START_WORKFLOW", "t", ",\"inputParameters\":{\"startWorkflow\":" X "}"),
        TYPED("START_WORKFLOW", "t", ",\"inputParameters\":{\"startWorkflow\":{\"name\":" X "}}"),
        TYPED("DYNAMIC", "t", ",\"dynamicTaskNameParam\":\"p\",\"inputParameters\":{\"p\":" X "}"),
        TYPED("WAIT", "t", ",\"inputParameters\":{\"duration\":" X "}"),
        TYPED("WAIT", "t", ",\"inputParameters\":{\"until\":" X "}"),
        TYPED("INLINE", "t", ",\"inputParameters\":{\"expression\":" X "}"),
        TYPED("INLINE", "t", ",\"inputParameters\":{\"expression\":\"e\",\"evaluatorType\":" X "}"),
        TYPED("LAMBDA", "t", ",\"inputParameters\":{\"scriptExpression\":" X "}"),
        TYPED("JSON_JQ_TRANSFORM", "t", ",\"inputParameters\":{\"queryExpression\":" X "}"),
        TYPED("HTTP", "t", ",\"inputParameters\":{\"http_request\":" X "}"),
        TYPED(
            "HTTP",
            "t",
            ",\"inputParameters\":{\"http_request\":{\"uri\":" X ",\"method\":" X ",\"headers\":" X
            ",\"readTimeOut\":" X ",\"connectionTimeOut\":" X "}}"
        ),
        TYPED(
            "SWITCH",
            "t",
            ",\"evaluatorType\":\"value-param\",\"expression\":\"v\",\"inputParameters\":{\"v\":" X
            "},\"decisionCases\":{\"null\":[" S("a") "]}"
        ),
        TYPED(
            "DO_WHILE",
            "t",
            ",\"items\":" X ",\"loopCondition\":\"c\",\"inputParameters\":{\"keepLastN\":" X
            "},\"loopOver\":[" TYPED("NOOP", "n", "") "]"
        ),
        TYPED(
            "FORK_JOIN_DYNAMIC", "t", ",\"inputParameters\":{\"forkTaskInputs\":" X "}"
        ) "," TYPED("JOIN", "j", ""),
        TYPED(
            "FORK_JOIN_DYNAMIC",
            "t",
            ",\"inputParameters\":{\"forkTaskInputs\":[1],\"forkTaskName\":" X
            ",\"forkTaskType\":" X ",\"forkTaskWorkflow\":" X ",\"forkTaskWorkflowVersion\":" X "}"
        ) "," TYPED("JOIN", "j", ""),
        TYPED(
            "FORK_JOIN_DYNAMIC",
            "t",
            ",\"dynamicForkTasksParam\":\"p\",\"dynamicForkTasksInputParamName\":\"q\","
            "\"inputParameters\":{\"p\":" X ",\"q\":" X "}"
        ) "," TYPED("JOIN", "j", ""),
        TYPED(
            "FORK_JOIN_DYNAMIC",
            "t",
            ",\"dynamicForkJoinTasksParam\":\"p\",\"inputParameters\":{\"p\":{\"dynamicTasks\":" X
            "}}"
        ) "," TYPED("JOIN", "j", ""),
    };
    static const char *const values[] = {
        "null",
        "true",
        "5",
        "-1.5e300",
        "\"\"",
        "\"text\"",
        "\"7\"",
        "[]",
        "[null]",
        "[1,\"b\",{}]",
        "[[[]]]",
        "{}",
        "{\"a\":1}",
        "{\"name\":[],\"tasks\":{}}",
        "[{\"name\":\"a\"}]",
        "[{\"name\":7,\"taskReferenceName\":[],\"type\":{}}]",
        "[{\"taskReferenceName\":\"t\",\"name\":\"a\"},{\"taskReferenceName\":\"t\"}]",
    };
#undef X
    world_scripts(world, any);
    world_simple(world, "a");
    world_workflow(world, "{\"name\":\"child\",\"tasks\":[" TYPED("NOOP", "n", "") "]}");
    for (size_t i = 0; i < sizeof tasks / sizeof tasks[0]; i++) {
        const char *definition = arena_format(
            world->arena, "{\"name\":\"v\",\"tasks\":[%s,%s]}", tasks[i], TYPED("NOOP", "end", "")
        );
        world->is_big = true; // audited when it has settled
        for (size_t value = 0; value < sizeof values / sizeof values[0]; value++) {
            world_start_request(
                world,
                arena_format(
                    world->arena,
                    "{\"name\":\"v\",\"input\":{\"x\":%s},\"workflowDef\":%s}",
                    values[value],
                    definition
                )
            );
            assert_true(world->last.code != ERR_CORRUPT);
            world_settle(world);
        }
        world_audit(world);
    }
}

// The child of an attempt that is over runs on.
static void w23_a_superseded_child_ends(void **state) {
    struct world *world = *state;
    world_tasks(
        world,
        "[{\"name\":\"s\",\"retryCount\":2,\"retryDelaySeconds\":0,\"timeoutSeconds\":5,"
        "\"timeoutPolicy\":\"RETRY\",\"responseTimeoutSeconds\":1}]"
    );
    world_simple(world, "a");
    world_workflow(world, "{\"name\":\"child\",\"tasks\":[" S("a") "]}");
    world_workflow(world, WORKFLOW(SUB("s", "child")));
    bytes id = world_start(world, "w", "{}");
    world_settle(world);
    bytes first = child_of(world, id, "s");
    world_advance(world, 5000);
    assert_list(world, id, "s:TIMED_OUT s#1:IN_PROGRESS");
    assert_status(world, first, "TERMINATED");
    assert_starts_with(
        world_text(world, world_get(world, first), "reasonForIncompletion"),
        "Parent workflow has been terminated with reason: Task timed out after 5 seconds."
    );
    // A client says it failed.
    bytes second = child_of(world, id, "s");
    world_fail(world, id, "s", "given up");
    world_settle(world);
    assert_status(world, second, "TERMINATED");
    bytes third = child_of(world, id, "s");
    assert_status(world, third, "RUNNING");
    world_complete(world, third, "a", "{}");
    world_settle(world);
    assert_list(world, id, "s:TIMED_OUT s#1:FAILED s#2:COMPLETED");
    assert_status(world, id, "COMPLETED");
}

// Any environment variable of the server can be read.
static void w30_the_servers_environment_is_closed(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    bytes id = world_start_request(
        world,
        "{\"name\":\"x\",\"input\":{},\"workflowDef\":{\"name\":\"x\",\"tasks\":[" S_WITH(
            "a", ",\"inputParameters\":{\"path\":\"${PATH}\",\"home\":\"in ${HOME}\"}"
        ) "]}}"
    );
    assert_ok(world->last);
    assert_json(
        world, world_task(world, id, "a"), "inputData", "{\"path\":null,\"home\":\"in null\"}"
    );
}

// The cascade walks all levels inside the caller's request.
static void w37_a_cascade_takes_one_entry_a_level(void **state) {
    struct world *world = *state;
    enum {
        LEVELS = 30
    };
    world_simple(world, "a");
    world_workflow(world, "{\"name\":\"c0\",\"tasks\":[" S("a") "]}");
    for (int i = 1; i < LEVELS; i++) {
        world_workflow(
            world,
            arena_format(
                world->arena,
                "{\"name\":\"c%d\",\"tasks\":[{\"name\":\"s\",\"taskReferenceName\":\"s\",\"type\":"
                "\"SUB_WORKFLOW\",\"subWorkflowParam\":{\"name\":\"c%d\"}}]}",
                i,
                i - 1
            )
        );
    }
    bytes top = world_start(world, arena_format(world->arena, "c%d", LEVELS - 1), "{}");
    world_settle(world);
    world->cost = (struct world_cost){0};
    world_terminate(world, top, "r");
    assert_int_equal(world->cost.entries, 1);
    assert_status(world, child_of(world, top, "s"), "RUNNING");
    world_settle(world);
    assert_in_range(world->cost.bytes_max, 0, 8192); // the reasons are nested
    bytes level = top;
    for (int i = 1; i < LEVELS; i++) {
        assert_status(world, level, "TERMINATED");
        level = child_of(world, level, "s");
    }
    assert_list(world, level, "a:CANCELED");
}

// Definitions change while tasks are mapped: a DYNAMIC task is what it was the first time.
static void w38_a_dynamic_task_of_a_loop_is_chosen_each_time(void **state) {
    struct world *world = *state;
    static const struct world_script scripts[] = {
        {"true", NULL, EVALUATION_DONE, "true", NULL},
    };
    world_scripts(world, scripts);
    world_simple(world, "ab");
    world_workflow(
        world,
        WORKFLOW(TYPED(
            "DO_WHILE",
            "l",
            ",\"loopCondition\":\"true\",\"items\":\"${workflow.input.kinds}\","
            "\"loopOver\":"
            "[" TYPED(
                "DYNAMIC",
                "d",
                ",\"dynamicTaskNameParam\":\"t\",\"inputParameters\":{\"t\":\"${l.output.loopItem}"
                "\"}"
            ) "]"
        ))
    );
    bytes id = world_start(world, "w", "{\"kinds\":[\"a\",\"b\"]}");
    assert_at(world, world_task(world, id, "d__1"), "taskType", "a");
    world_complete(world, id, "d__1", "{}");
    assert_at(world, world_task(world, id, "d__2"), "taskType", "b");
    assert_at(world, world_task(world, id, "d__1"), "taskType", "a");
    bytes stored = world_at(world, world_get(world, id), "workflowDefinition.tasks.0.loopOver.0");
    assert_at(world, stored, "name", "d");
    assert_at(world, stored, "type", "DYNAMIC");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(w1_no_update_is_lost_to_another),
        world_test(w2_a_fork_of_three_children_joins_in_every_order),
        world_test(case_288_each_execution_has_its_own_variables),
        world_test(case_291_a_result_and_a_terminate_in_either_order),
        world_test(w6_a_decision_is_one_entry),
        world_test(w10_no_decision_is_dropped),
        world_test(w21_what_is_wrong_with_one_child_holds_up_no_other),
        world_test(w22_a_wait_for_nonsense_fails),
        world_test(w22_no_type_of_value_leaves_a_workflow_stuck),
        world_test(w23_a_superseded_child_ends),
        world_test(w30_the_servers_environment_is_closed),
        world_test(w37_a_cascade_takes_one_entry_a_level),
        world_test(w38_a_dynamic_task_of_a_loop_is_chosen_each_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
