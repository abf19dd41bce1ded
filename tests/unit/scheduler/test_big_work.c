// distributed.md §5.1: work of any size costs in proportion to its size, its entries in the log are
// bounded, and others go on between them. Counted are entries, bytes and memory, which are the same
// on every machine; tests/bench has the times. Weaknesses 3, 4 and 5 of engine.md §16 are here.
#include "tests/unit/scheduler/world.h"

enum {
    // A decision is cut between turns, and a turn adds a slice of branches at most.
    ENTRY_BYTES_MAX = 2 * LIMIT_DECISION_BYTES
};

#define BELOW "$.l.iteration < $.n"

// Whether `l` has not yet run `n` times, as an evaluator would say.
static bytes below(struct world *world, bytes input) {
    int64_t iteration = 0;
    int64_t limit = 0;
    assert_true(json_i64(world_at(world, input, "l.iteration"), &iteration));
    assert_true(json_i64(world_at(world, input, "n"), &limit));
    return iteration < limit ? BYTES_LITERAL("true") : BYTES_LITERAL("false");
}

static const struct world_script scripts[] = {
    {BELOW, NULL, EVALUATION_DONE, NULL, below},
    {"one", NULL, EVALUATION_DONE, "1", NULL},
};

static int setup(void **state) {
    int result = world_setup(state);
    struct world *world = *state;
    world->is_big = true;
    world_scripts(world, scripts);
    world_tasks(world, "[{\"name\":\"a\",\"retryCount\":1,\"retryDelaySeconds\":0}]");
    return result;
}

// What an input, or a definition, of size n is.
typedef void (*text_of_size)(struct buffer *text, uint32_t n);

static const char *text_of(struct world *world, text_of_size write, uint32_t n) {
    struct buffer text;
    buffer_init(&text, 16 * 1024 * 1024);
    write(&text, n);
    assert_ok(buffer_status(&text));
    const char *json = arena_text(world->arena, buffer_bytes(&text));
    buffer_deinit(&text);
    return json;
}

static void list_of(struct buffer *text, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        buffer_append_text(text, i == 0 ? "{\"list\":[{\"k\":1}" : ",{\"k\":1}");
    }
    buffer_append_text(text, "]}");
}

static void number_of(struct buffer *text, uint32_t n) {
    buffer_format(text, "{\"n\":%u}", n);
}

// Completes what is in the queue of `a`, its answer in the log each time, until there is no more.
static void complete_all(struct world *world) {
    for (bytes task = world_poll(world, "a"); task.size > 0; task = world_poll(world, "a")) {
        bytes workflow = world_text(world, task, "workflowInstanceId");
        bytes id = world_text(world, task, "taskId");
        world_result_of(world, workflow, id, "COMPLETED", "\"outputData\":{\"x\":1}");
        assert_ok(world->last);
        world_settle(world);
    }
}

// Runs `w` to its end.
static struct world_cost cost_of(struct world *world, const char *input) {
    world->cost = (struct world_cost){0};
    bytes id = world_start(world, "w", input);
    world_settle(world);
    complete_all(world);
    assert_status(world, id, "COMPLETED");
    return world->cost;
}

static void assert_linear(struct world_cost small, struct world_cost large, uint32_t times) {
    assert_in_range(large.entries, 0, small.entries * times * 11 / 10 + 2);
    assert_in_range(large.bytes, 0, small.bytes * times * 11 / 10);
    assert_in_range(large.allocated, 0, small.allocated * times * 11 / 10);
}

// `w` with an input of size n and of four times that.
static void assert_scales(struct world *world, text_of_size write, uint32_t n) {
    struct world_cost small = cost_of(world, text_of(world, write, n));
    struct world_cost large = cost_of(world, text_of(world, write, 4 * n));
    assert_linear(small, large, 4);
    assert_in_range(large.bytes_max, 0, ENTRY_BYTES_MAX);
    world_audit(world);
}

#define DYNAMIC_FORK(kind)                                                              \
    TYPED(                                                                              \
        "FORK_JOIN_DYNAMIC",                                                            \
        "df",                                                                           \
        ",\"inputParameters\":{\"forkTaskInputs\":\"${workflow.input.list}\"," kind "}" \
    )                                                                                   \
    "," TYPED("JOIN", "j", "")
#define LOOP(body)                                                                              \
    TYPED(                                                                                      \
        "DO_WHILE",                                                                             \
        "l",                                                                                    \
        ",\"loopCondition\":\"" BELOW "\",\"inputParameters\":{\"n\":\"${workflow.input.n}\"}," \
        "\"loopOver\":[" body "]"                                                               \
    )

// A JOIN that looked at its branches each time one is done would cost their square (weakness 3).
static void w3_a_dynamic_fork_of_10_000_branches(void **state) {
    struct world *world = *state;
    world_workflow(world, WORKFLOW(DYNAMIC_FORK("\"forkTaskName\":\"a\"")));
    assert_scales(world, list_of, 2500);
}

// The branches' definitions are not stored with the fork, nor once a branch (weakness 5).
static void w5_branches_share_their_definition(void **state) {
    struct world *world = *state;
    world_workflow(world, WORKFLOW(DYNAMIC_FORK("\"forkTaskName\":\"a\"")));
    bytes first = world_start(world, "w", text_of(world, list_of, 200));
    uint64_t frozen = world_rows(world, 'F');
    uint64_t blobs = world_rows(world, 'B');
    assert_in_range(blobs, 200, 200 + 8);
    assert_int_equal(
        json_count(world_at(world, world_task(world, first, "df"), "inputData.forkedTaskDefs")), 200
    );
    world->slot = 0;
    for (int i = 0; i < 20; i++) {
        world_start(world, "w", "{\"list\":[]}");
    }
    assert_in_range(world_rows(world, 'F'), frozen, 3); // one a partition
}

// A header that held the names of all that failed would be written, with them, at each step.
static void branches_that_all_fail_once(void **state) {
    struct world *world = *state;
    struct world_cost costs[2];
    world_workflow(world, WORKFLOW(DYNAMIC_FORK("\"forkTaskName\":\"a\"")));
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t n = i == 0 ? 400 : 1600;
        bytes id = world_start(world, "w", text_of(world, list_of, n));
        world_settle(world);
        world->cost = (struct world_cost){0};
        for (uint32_t branch = 0; branch < n; branch++) {
            bytes task = world_text(world, world_poll(world, "a"), "taskId");
            world_result_of(world, id, task, "FAILED", NULL);
        }
        complete_all(world);
        costs[i] = world->cost;
        assert_status(world, id, "COMPLETED");
        bytes failed = world_at(world, world_get(world, id), "failedReferenceTaskNames");
        assert_int_equal(json_count(failed), n);
        assert_at(world, failed, "0", "_a_0");
    }
    assert_linear(costs[0], costs[1], 4);
    world_audit(world);
}

static void static_fork(struct buffer *text, uint32_t n) {
    buffer_append_text(text, "{\"name\":\"w\",\"tasks\":[");
    buffer_append_text(
        text, "{\"name\":\"f\",\"taskReferenceName\":\"f\",\"type\":\"FORK_JOIN\",\"forkTasks\":["
    );
    for (uint32_t i = 0; i < n; i++) {
        const char *comma = i > 0 ? "," : "";
        buffer_format(text, "%s[{\"name\":\"a\",\"taskReferenceName\":\"a%u\"}]", comma, i);
    }
    buffer_append_text(
        text, "]},{\"name\":\"j\",\"taskReferenceName\":\"j\",\"type\":\"JOIN\",\"joinOn\":["
    );
    for (uint32_t i = 0; i < n; i++) {
        buffer_format(text, "%s\"a%u\"", i > 0 ? "," : "", i);
    }
    buffer_append_text(text, "]}]}");
}

static void a_static_fork_of_2000_branches(void **state) {
    struct world *world = *state;
    struct world_cost costs[2];
    for (uint32_t i = 0; i < 2; i++) {
        world_workflow(world, text_of(world, static_fork, i == 0 ? 500 : 2000));
        world->slot = 5;
        (void)cost_of(world, "{}"); // the group has the definition now, which is as long as it is
        costs[i] = cost_of(world, "{}");
    }
    assert_linear(costs[0], costs[1], 4);
    assert_in_range(costs[1].bytes_max, 0, ENTRY_BYTES_MAX);
    world_audit(world);
}

static void a_wide_static_fork_that_was_cut_off_is_retried(void **state) {
    struct world *world = *state;
    world_workflow(world, text_of(world, static_fork, 1100));
    bytes id = world_start(world, "w", "{}");
    bytes fork = world_text(world, world_task(world, id, "f"), "taskId");
    assert_at(world, world_task(world, id, "f"), "status", "IN_PROGRESS");
    assert_true(world_task(world, id, "a1099").data == NULL);
    world_terminate(world, id, "enough");
    world_settle(world);
    assert_at(world, world_task(world, id, "f"), "status", "CANCELED");
    world_retry(world, id);
    world_settle(world);
    world_audit(world);
    complete_all(world);
    assert_status(world, id, "COMPLETED");
    bytes again = world_task(world, id, "f");
    assert_true(bytes_equal(world_text(world, again, "taskId"), fork));
    assert_at(world, again, "status", "COMPLETED");
    bytes output = world_at(world, world_task(world, id, "j"), "outputData");
    assert_int_equal(json_count(output), 1100);
}

// The reference reads and writes all iterations at each (weakness 4).
static void w4_a_loop_of_10_000_scripts(void **state) {
    struct world *world = *state;
    world_workflow(
        world,
        WORKFLOW(LOOP(TYPED(
            "INLINE",
            "i",
            ",\"inputParameters\":{\"expression\":\"one\",\"k\":\"${l.output.iteration}\"}"
        )))
    );
    assert_scales(world, number_of, 2500);
}

static void w4_a_loop_of_2000_tasks(void **state) {
    struct world *world = *state;
    world_workflow(world, WORKFLOW(LOOP(S("a"))));
    assert_scales(world, number_of, 500);
}

static void a_parent_of_1000_children(void **state) {
    struct world *world = *state;
    world_workflow(world, "{\"name\":\"child\",\"tasks\":[" S("a") "]}");
    world_workflow(world, WORKFLOW(DYNAMIC_FORK("\"forkTaskWorkflow\":\"child\"")));
    assert_scales(world, list_of, 250);
}

// engine.md bounds nothing here; for ever is no bound.
static void a_workflow_that_is_its_own_child_ends(void **state) {
    struct world *world = *state;
    world_workflow(
        world,
        "{\"name\":\"w\",\"tasks\":[" TYPED(
            "SUB_WORKFLOW", "s", ",\"subWorkflowParam\":{\"name\":\"w\"}"
        ) "]}"
    );
    bytes id = world_start(world, "w", "{}");
    world_settle(world);
    assert_status(world, id, "FAILED");
    assert_int_equal(world_rows(world, 'W'), LIMIT_WORKFLOW_DEPTH + 1);
    assert_in_range(world->cost.bytes_max, 0, 64 * 1024);
    bytes level = id;
    for (uint32_t i = 0; i < LIMIT_WORKFLOW_DEPTH; i++) {
        level = world_text(world, world_task(world, level, "s"), "subWorkflowId");
    }
    bytes task = world_task(world, level, "s");
    assert_at(world, task, "status", "FAILED");
    assert_at(
        world, task, "reasonForIncompletion", "Sub workflows are nested too deep: more than 1000"
    );
    world_audit(world);
}

static void kilobytes_of(struct buffer *text, uint32_t n) {
    buffer_append_text(text, "{\"n\":1,\"p\":\"");
    for (uint32_t i = 0; i < n * 64; i++) {
        buffer_append_text(text, "0123456789abcdef");
    }
    buffer_append_text(text, "\"}");
}

// Steps that do not touch it do not pay for it.
static void a_payload_of_5_megabytes(void **state) {
    struct world *world = *state;
    world_tasks(world, "[{\"name\":\"b\"}]");
    world_workflow(world, WORKFLOW(S("a") "," S("b")));
    struct world_cost costs[2];
    for (uint32_t i = 0; i < 2; i++) {
        const char *input = text_of(world, kilobytes_of, i == 0 ? 1280 : 5120);
        world->cost = (struct world_cost){0};
        bytes id = world_start(world, "w", input);
        costs[i] = world->cost;
        assert_in_range(costs[i].bytes, 0, strlen(input) * 11 / 10);
        world->cost = (struct world_cost){0};
        complete_all(world);
        assert_in_range(world->cost.bytes, 0, 4096);
        assert_in_range(world->cost.allocated, 0, 64 * 1024);
        bytes task = world_text(world, world_poll(world, "b"), "taskId");
        world_result_of(
            world, id, task, "COMPLETED", arena_format(world->arena, "\"outputData\":%s", input)
        );
        assert_ok(world->last);
        world_settle(world);
        assert_status(world, id, "COMPLETED");
        assert_int_equal(world_at(world, world_get(world, id), "output").size, strlen(input));
    }
    assert_linear(costs[0], costs[1], 4);
    world_audit(world);
}

// The start is answered after its first entry; whoever comes next need not wait for the rest.
static void others_go_on_beside_big_work(void **state) {
    struct world *world = *state;
    world_tasks(world, "[{\"name\":\"b\"}]");
    world_workflow(world, WORKFLOW(DYNAMIC_FORK("\"forkTaskName\":\"a\"")));
    world_workflow(world, "{\"name\":\"small\",\"tasks\":[" S("b") "]}");
    world->slot = 5; // all in one partition
    world->cost = (struct world_cost){0};
    bytes big = world_start(world, "w", text_of(world, list_of, 10000));
    assert_in_range(world->cost.allocated, 0, 16 * 1024 * 1024);
    assert_at(world, world_task(world, big, "df"), "status", "IN_PROGRESS");
    bytes small = world_start(world, "small", "{}");
    bytes task = world_text(world, world_poll(world, "b"), "taskId");
    world_result_of(world, small, task, "COMPLETED", NULL);
    assert_status(world, small, "COMPLETED");
    world_settle(world);
    assert_at(world, world_task(world, big, "df"), "status", "COMPLETED");
}

#define big_test(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        big_test(w3_a_dynamic_fork_of_10_000_branches),
        big_test(w5_branches_share_their_definition),
        big_test(branches_that_all_fail_once),
        big_test(a_static_fork_of_2000_branches),
        big_test(a_wide_static_fork_that_was_cut_off_is_retried),
        big_test(w4_a_loop_of_10_000_scripts),
        big_test(w4_a_loop_of_2000_tasks),
        big_test(a_parent_of_1000_children),
        big_test(a_workflow_that_is_its_own_child_ends),
        big_test(a_payload_of_5_megabytes),
        big_test(others_go_on_beside_big_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
