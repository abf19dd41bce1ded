// node/core: decisions that wait for scripts.
#include "tests/unit/node_core/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char SCRIPT_FIRST[] =
    "{\"name\":\"s\",\"tasks\":[{\"name\":\"i\",\"taskReferenceName\":\"i\",\"type\":\"INLINE\","
    "\"inputParameters\":{\"evaluatorType\":\"javascript\",\"expression\":\"$.x + 1\","
    "\"x\":\"${workflow.input.x}\"}}]}";
static const char SCRIPT_IN_A_CHILD[] = "{\"name\":\"p\",\"tasks\":[{\"name\":\"c\","
                                        "\"taskReferenceName\":\"c\",\"type\":\"SUB_WORKFLOW\","
                                        "\"subWorkflowParam\":{\"name\":\"s\"}}]}";

static uint64_t start(struct world *world, const char *name) {
    char body[128];
    (void)snprintf(body, sizeof(body), "{\"name\":\"%s\",\"input\":{\"x\":41}}", name);
    return world_send(world, "POST", "/api/workflow", body);
}

static void define(struct world *world, const char *definition) {
    assert_int_equal(world_ask(world, "POST", "/api/metadata/workflow", definition), 200);
}

static void settle(struct world *world) {
    for (int round = 0; round < 20; round++) {
        world_tick(world, 1);
        world_sync(world);
        while (world_receive(world)) {
        }
    }
}

static void a_start_waits_for_its_script_and_is_one_entry(void **state) {
    struct world *world = *state;
    define(world, SCRIPT_FIRST);
    uint64_t entries = node_stats(world->node).entries;
    uint64_t id = start(world, "s");
    assert_false(world_receive(world));
    assert_string_equal(world->script, "$.x + 1");
    assert_non_null(strstr(world->input, "\"x\":41"));
    assert_int_equal(node_stats(world->node).entries, entries);
    world_evaluated(world, EVALUATION_DONE, "42");
    assert_false(world_receive(world));
    assert_int_equal(node_stats(world->node).entries, entries + 1);
    world_sync(world);
    assert_true(world_receive(world));
    assert_int_equal(world->answered, id);
    char target[128];
    (void)snprintf(target, sizeof(target), "/api/workflow/%.36s", world->body);
    assert_int_equal(world_ask(world, "GET", target, ""), 200);
    assert_non_null(strstr(world->body, "\"outputData\":{\"result\":42}"));
    assert_non_null(strstr(world->body, "\"output\":{\"result\":42}"));
    assert_int_equal(world->scripts, 1);
}

static void others_go_on_while_one_waits(void **state) {
    struct world *world = *state;
    world_define(world);
    define(world, SCRIPT_FIRST);
    (void)start(world, "s");
    assert_int_equal(world_ask(world, "POST", "/api/workflow", "{\"name\":\"w\"}"), 200);
    assert_int_equal(world->scripts, 1);
}

// The last parts of all task ids in the answer, which are drawn, after those in `ids`.
static size_t add_ids(const struct world *world, char (*ids)[20], size_t count, size_t count_max) {
    const char *at = world->body;
    while ((at = strstr(at, "\"taskId\":\"")) != NULL) {
        at += strlen("\"taskId\":\"");
        assert_true(count < count_max);
        (void)snprintf(ids[count++], sizeof(ids[0]), "%.17s", at + 19);
    }
    return count;
}

// A decision that runs again draws the numbers of its first run and more: not those that others
// drew meanwhile.
static void tasks_of_a_decision_that_waited_have_ids_of_their_own(void **state) {
    struct world *world = *state;
    char target[64];
    char ids[64][20];
    size_t count = 0;
    char body[2048] = "{\"name\":\"s\",\"tasks\":[{\"name\":\"i\",\"taskReferenceName\":\"i\","
                      "\"type\":\"INLINE\",\"inputParameters\":{\"expression\":\"1\"}},"
                      "{\"name\":\"f\",\"taskReferenceName\":\"f\",\"type\":\"FORK_JOIN\","
                      "\"forkTasks\":[";
    for (int i = 0; i < 8; i++) {
        size_t size = strlen(body);
        (void)snprintf(
            body + size,
            sizeof(body) - size,
            "%s[{\"name\":\"a\",\"taskReferenceName\":\"a%d\"}]",
            i > 0 ? "," : "",
            i
        );
    }
    strcat(body, "]},{\"name\":\"j\",\"taskReferenceName\":\"j\",\"type\":\"JOIN\"}]}");
    world_define(world);
    define(world, body);
    (void)start(world, "s");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(world_ask(world, "POST", "/api/workflow", "{\"name\":\"w\"}"), 200);
        (void)snprintf(target, sizeof(target), "/api/workflow/%.36s", world->body);
        assert_int_equal(world_ask(world, "GET", target, ""), 200);
        count = add_ids(world, ids, count, 64);
    }
    world_evaluated(world, EVALUATION_DONE, "1");
    world_sync(world);
    assert_true(world_receive(world));
    (void)snprintf(target, sizeof(target), "/api/workflow/%.36s", world->body);
    assert_int_equal(world_ask(world, "GET", target, ""), 200);
    count = add_ids(world, ids, count, 64);
    assert_true(count >= 13);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = i + 1; j < count; j++) {
            assert_string_not_equal(ids[i], ids[j]);
        }
    }
}

static void a_script_that_cannot_be_run_is_503_for_a_client(void **state) {
    struct world *world = *state;
    define(world, SCRIPT_FIRST);
    uint64_t id = start(world, "s");
    assert_false(world_receive(world));
    world_evaluated(world, EVALUATION_UNAVAILABLE, "");
    assert_true(world_receive(world));
    assert_int_equal(world->answered, id);
    assert_int_equal(world->status, 503);
    assert_non_null(strstr(world->body, "\"retryable\":true"));
}

static void a_timer_whose_script_cannot_be_run_comes_again_later(void **state) {
    struct world *world = *state;
    define(world, SCRIPT_FIRST);
    define(world, SCRIPT_IN_A_CHILD);
    assert_int_equal(world_ask(world, "POST", "/api/workflow", "{\"name\":\"p\"}"), 200);
    char target[128];
    (void)snprintf(target, sizeof(target), "/api/workflow/%.36s", world->body);
    settle(world);
    assert_int_equal(world->scripts, 1);
    world_evaluated(world, EVALUATION_UNAVAILABLE, "");
    settle(world); // 20 ms: not yet
    assert_int_equal(world->scripts, 1);
    world_tick(world, 100);
    settle(world);
    assert_int_equal(world->scripts, 2);
    world_evaluated(world, EVALUATION_DONE, "42");
    settle(world);
    assert_int_equal(world_ask(world, "GET", target, ""), 200);
    assert_non_null(strstr(world->body, "\"status\":\"COMPLETED\""));
}

static void an_answer_to_a_forgotten_script_changes_nothing(void **state) {
    struct world *world = *state;
    define(world, SCRIPT_FIRST);
    (void)start(world, "s");
    assert_false(world_receive(world));
    uint64_t job = world->job_id;
    world_evaluated(world, EVALUATION_DONE, "42");
    settle(world);
    uint64_t entries = node_stats(world->node).entries;
    world->job_id = job;
    world_evaluated(world, EVALUATION_DONE, "43");
    settle(world);
    assert_int_equal(node_stats(world->node).entries, entries);
}

static const char SCRIPT_BESIDE_A_TASK[] =
    "{\"name\":\"f\",\"tasks\":[{\"name\":\"f\",\"taskReferenceName\":\"f\",\"type\":\"FORK_JOIN\","
    "\"forkTasks\":[[{\"name\":\"b\",\"taskReferenceName\":\"b\"},{\"name\":\"i\","
    "\"taskReferenceName\":\"i\",\"type\":\"INLINE\",\"inputParameters\":{\"expression\":\"x\"}}],"
    "[{\"name\":\"a\",\"taskReferenceName\":\"a\"}]]},"
    "{\"name\":\"j\",\"taskReferenceName\":\"j\",\"type\":\"JOIN\",\"joinOn\":[\"i\",\"a\"]}]}";

#define SWITCH_OF(text)                                                                     \
    "{\"name\":\"s\",\"taskReferenceName\":\"s\",\"type\":\"SWITCH\",\"evaluatorType\":"    \
    "\"javascript\",\"expression\":\"" text "\",\"decisionCases\":{\"a\":[{\"name\":\"a\"," \
    "\"taskReferenceName\":\"a\"}]}}"

static void case_266_javascript_is_parsed_at_registration(void **state) {
    struct world *world = *state;
    const char *definition = "{\"name\":\"v\",\"tasks\":[" SWITCH_OF("function(") "]}";
    uint64_t id = world_send(world, "POST", "/api/metadata/workflow", definition);
    assert_false(world_receive(world));
    assert_string_equal(world->script, "function(");
    world_evaluated(world, EVALUATION_FAILED, "SyntaxError: inline:1:9 what");
    assert_true(world_receive(world));
    assert_int_equal(world->answered, id);
    assert_int_equal(world->status, 400);
    assert_non_null(strstr(
        world->body,
        "\"message\":\"Expression is not well formatted: SyntaxError: inline:1:9 what, "
        "taskType: SWITCH taskName s\""
    ));
    assert_int_equal(world_ask(world, "GET", "/api/metadata/workflow/v", ""), 404);

    (void)world_send(
        world,
        "PUT",
        "/api/metadata/workflow",
        "[{\"name\":\"v\",\"tasks\":[" SWITCH_OF("$.a") "]}]"
    );
    assert_false(world_receive(world));
    world_evaluated(world, EVALUATION_DONE, "null");
    world_sync(world);
    assert_true(world_receive(world));
    assert_int_equal(world->status, 200);
    assert_int_equal(world_ask(world, "GET", "/api/metadata/workflow/v", ""), 200);
}

static void a_definition_without_evaluator_is_for_later(void **state) {
    struct world *world = *state;
    const char *definition = "{\"name\":\"v\",\"tasks\":[" SWITCH_OF("$.a") "]}";
    (void)world_send(world, "POST", "/api/metadata/workflow", definition);
    assert_false(world_receive(world));
    world_evaluated(world, EVALUATION_UNAVAILABLE, "");
    assert_true(world_receive(world));
    assert_int_equal(world->status, 503);
    assert_non_null(strstr(world->body, "\"retryable\":true"));
}

// Tells the result of one of several scripts that a job asked for.
static void evaluated_of(
    struct world *world,
    uint64_t job,
    uint32_t index,
    enum evaluation_outcome outcome,
    const char *text
) {
    world->job_id = job;
    world->evaluation_index = index;
    world_evaluated(world, outcome, text);
}

// A second script that takes its input from the workflow's is asked for with the first.
#define SCRIPT_OF(name, text)                              \
    "{\"name\":\"" name "\",\"taskReferenceName\":\"" name \
    "\",\"type\":\"INLINE\",\"inputParameters\":{\"expression\":\"" text "\"}}"
static const char TWO_SCRIPTS[] =
    "{\"name\":\"s\",\"tasks\":[" SCRIPT_OF("i", "first") "," SCRIPT_OF("k", "second") "]}";

static void what_is_foreseen_is_asked_for_at_once(void **state) {
    struct world *world = *state;
    define(world, TWO_SCRIPTS);
    (void)start(world, "s");
    assert_false(world_receive(world));
    assert_int_equal(world->scripts, 2);
    assert_string_equal(world->script, "second");
    assert_true(world->ahead);
    uint64_t job = world->job_id;
    uint64_t entries = node_stats(world->node).entries;
    evaluated_of(world, job, 0, EVALUATION_DONE, "1");
    assert_int_equal(node_stats(world->node).entries, entries); // it waits for both
    evaluated_of(world, job, 1, EVALUATION_DONE, "2");
    assert_int_equal(node_stats(world->node).entries, entries + 1);
    world_sync(world);
    assert_true(world_receive(world));
    assert_int_equal(world->status, 200);
    assert_int_equal(world->scripts, 2);
}

// Neither its deadline, which was shorter, nor a full pool says anything of the script.
static void what_was_foreseen_and_not_answered_is_asked_for_again(void **state) {
    static const enum evaluation_outcome outcomes[] = {
        EVALUATION_TIMED_OUT, EVALUATION_UNAVAILABLE};
    struct world *world = *state;
    define(world, TWO_SCRIPTS);
    for (int i = 0; i < 2; i++) {
        world->scripts = 0;
        (void)start(world, "s");
        assert_false(world_receive(world));
        assert_int_equal(world->scripts, 2);
        uint64_t job = world->job_id;
        evaluated_of(world, job, 1, outcomes[i], "");
        evaluated_of(world, job, 0, EVALUATION_DONE, "1");
        assert_false(world_receive(world));
        assert_int_equal(world->scripts, 3);
        assert_string_equal(world->script, "second");
        assert_false(world->ahead);
        evaluated_of(world, job, 2, EVALUATION_DONE, "2");
        world_sync(world);
        assert_true(world_receive(world));
        assert_int_equal(world->status, 200);
        char target[128];
        (void)snprintf(target, sizeof(target), "/api/workflow/%.36s", world->body);
        assert_int_equal(world_ask(world, "GET", target, ""), 200);
        assert_non_null(strstr(world->body, "\"output\":{\"result\":2}"));
    }
}

// What timed out when it was its turn did so; only what was asked ahead is asked again.
static void a_script_that_timed_out_when_it_was_due_is_not_asked_again(void **state) {
    struct world *world = *state;
    define(world, TWO_SCRIPTS);
    (void)start(world, "s");
    assert_false(world_receive(world));
    uint64_t job = world->job_id;
    evaluated_of(world, job, 1, EVALUATION_DONE, "2");
    evaluated_of(world, job, 0, EVALUATION_TIMED_OUT, "too late");
    world_sync(world);
    assert_true(world_receive(world));
    assert_int_equal(world->scripts, 2);
    char target[128];
    (void)snprintf(target, sizeof(target), "/api/workflow/%.36s", world->body);
    assert_int_equal(world_ask(world, "GET", target, ""), 200);
    assert_non_null(strstr(world->body, "\"status\":\"FAILED\""));
    assert_non_null(strstr(world->body, "too late"));
}

// Found by the simulator: the deadline of a busy evaluator was taken for a fault of the definition.
static void a_definition_whose_parsing_is_late_is_for_later(void **state) {
    struct world *world = *state;
    const char *definition = "{\"name\":\"v\",\"tasks\":[" SWITCH_OF("$.a") "]}";
    (void)world_send(world, "POST", "/api/metadata/workflow", definition);
    assert_false(world_receive(world));
    world_evaluated(
        world, EVALUATION_TIMED_OUT, "Script not evaluated within 4 seconds, interrupted."
    );
    assert_true(world_receive(world));
    assert_int_equal(world->status, 503);
    assert_non_null(strstr(world->body, "too busy to parse the scripts of the definition"));
    assert_non_null(strstr(world->body, "\"retryable\":true"));
    assert_int_equal(world_ask(world, "GET", "/api/metadata/workflow/v", ""), 404);
}

// The number of a member in the part of the answer that begins at `at`.
static long long number_in(const char *at, const char *member) {
    const char *found = strstr(at, member);
    assert_non_null(found);
    return strtoll(found + strlen(member), NULL, 10);
}

// Found by the simulator, seed 323: the end was dated at the beginning of the decision that waited.
static void what_ends_with_a_script_that_took_long_ends_after_it_began(void **state) {
    struct world *world = *state;
    define(world, SCRIPT_BESIDE_A_TASK);
    assert_int_equal(world_ask(world, "POST", "/api/workflow", "{\"name\":\"f\"}"), 200);
    char target[128];
    (void)snprintf(target, sizeof(target), "/api/workflow/%.36s", world->body);
    char complete[128];
    (void)snprintf(complete, sizeof(complete), "/api/tasks/%.36s/b/COMPLETED", world->body);
    uint64_t update = world_send(world, "POST", complete, "{}");
    world_sync(world);
    assert_false(world_receive(world)); // it waits for the script
    world_tick(world, 3000);
    assert_int_equal(world_ask(world, "GET", "/api/tasks/poll/a", ""), 200);
    world_evaluated(world, EVALUATION_FAILED, "");
    world_sync(world);
    assert_true(world_receive(world));
    assert_int_equal(world->answered, update);
    assert_int_equal(world->status, 200);
    assert_int_equal(world->scripts, 1);
    assert_int_equal(world_ask(world, "GET", target, ""), 200);
    assert_non_null(strstr(world->body, "\"status\":\"FAILED\""));
    const char *task = strstr(world->body, "\"status\":\"CANCELED\"");
    assert_non_null(task);
    long long began = number_in(task, "\"startTime\":");
    assert_true(number_in(task, "\"endTime\":") >= began);
    assert_int_equal(began, world->wall.ms);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_start_waits_for_its_script_and_is_one_entry, world_setup, world_teardown
        ),
        cmocka_unit_test_setup_teardown(
            what_is_foreseen_is_asked_for_at_once, world_setup, world_teardown
        ),
        cmocka_unit_test_setup_teardown(
            what_was_foreseen_and_not_answered_is_asked_for_again, world_setup, world_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_script_that_timed_out_when_it_was_due_is_not_asked_again, world_setup, world_teardown
        ),
        cmocka_unit_test_setup_teardown(others_go_on_while_one_waits, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(
            tasks_of_a_decision_that_waited_have_ids_of_their_own, world_setup, world_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_script_that_cannot_be_run_is_503_for_a_client, world_setup, world_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_timer_whose_script_cannot_be_run_comes_again_later, world_setup, world_teardown
        ),
        cmocka_unit_test_setup_teardown(
            an_answer_to_a_forgotten_script_changes_nothing, world_setup, world_teardown
        ),
        cmocka_unit_test_setup_teardown(
            case_266_javascript_is_parsed_at_registration, world_setup, world_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_definition_without_evaluator_is_for_later, world_setup, world_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_definition_whose_parsing_is_late_is_for_later, world_setup, world_teardown
        ),
        cmocka_unit_test_setup_teardown(
            what_ends_with_a_script_that_took_long_ends_after_it_began, world_setup, world_teardown
        ),
    };
    return cmocka_run_group_tests_name("node/core scripts", tests, NULL, NULL);
}
