// The simulator's model: it agrees with histories that are right and objects to those that are not.
// A history is written as one line of tasks, each `reference type status` with what else matters.
#include "proto/base/arena.h"
#include "tests/simulation/model.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

struct bench {
    struct arena *arena;
    struct model *model;
    struct model_facts facts;
};

static int setup(void **state) {
    struct bench *bench = calloc(1, sizeof(*bench));
    assert_non_null(bench);
    bench->arena = arena_create(64 * 1024);
    bench->model = model_create();
    model_add_types(bench->model, BYTES_LITERAL("[{\"name\":\"a\",\"retryCount\":1}]"));
    *state = bench;
    return 0;
}

static int teardown(void **state) {
    struct bench *bench = *state;
    model_destroy(&bench->model);
    arena_destroy(&bench->arena);
    free(bench);
    return 0;
}

static void define(struct bench *bench, const char *tasks, const char *members) {
    const char *text = arena_format(
        bench->arena, "{\"name\":\"w\",\"version\":1,\"tasks\":[%s]%s}", tasks, members
    );
    model_add_definition(bench->model, bytes_from_text(text));
}

#define WORKER(name) "{\"name\":\"a\",\"taskReferenceName\":\"" name "\",\"type\":\"SIMPLE\"}"

static const char *word_of(struct bench *bench, const char **at) {
    while (**at == ' ') {
        (*at)++;
    }
    size_t size = strcspn(*at, " |");
    const char *word = arena_text(bench->arena, bytes_of(*at, size));
    *at += size;
    return word;
}

// `x SIMPLE COMPLETED {"value":1} | …`: a JSON object is the output, `#1` the attempt, `@2` the
// iteration, `<{…}` the input. No blanks inside a word.
static const char *task_of(struct bench *bench, const char **at, int seq) {
    const char *reference = word_of(bench, at);
    const char *type = word_of(bench, at);
    const char *status = word_of(bench, at);
    const char *output = "{}";
    const char *input = "{}";
    const char *attempt = "0";
    const char *iteration = "0";
    for (const char *word = word_of(bench, at); word[0] != 0; word = word_of(bench, at)) {
        const char **place = word[0] == '#'   ? &attempt
                             : word[0] == '@' ? &iteration
                             : word[0] == '<' ? &input
                                              : &output;
        *place = word[0] == '{' ? word : word + 1;
    }
    *at += **at == '|' ? 1 : 0;
    return arena_format(
        bench->arena,
        "{\"taskId\":\"00000000-0000-4000-8000-%012d\",\"referenceTaskName\":\"%s\",\"taskType\":"
        "\"%s\",\"status\":\"%s\",\"outputData\":%s,\"inputData\":%s,\"retryCount\":%s,"
        "\"iteration\":%s,\"seq\":%d}",
        seq,
        reference,
        type,
        status,
        output,
        input,
        attempt,
        iteration,
        seq
    );
}

// What the model says of an execution of `w`; NULL: nothing.
static const char *
judge(struct bench *bench, const char *status, const char *members, const char *history) {
    const char *tasks = "";
    for (int seq = 1; *history != 0; seq++) {
        const char *task = task_of(bench, &history, seq);
        tasks = arena_format(bench->arena, "%s%s%s", tasks, seq > 1 ? "," : "", task);
    }
    const char *text = arena_format(
        bench->arena,
        "{\"workflowId\":\"10000000-0000-4000-8000-000000000000\",\"workflowName\":\"w\","
        "\"workflowVersion\":1,\"status\":\"%s\",\"input\":{\"p\":4},\"tasks\":[%s]%s}",
        status,
        tasks,
        members
    );
    const struct execution execution = execution_read(bytes_from_text(text), bench->arena);
    return model_judge(bench->model, &execution, &bench->facts, bench->arena);
}

#define assert_right(bench, status, members, history) \
    assert_null(judge((bench), (status), (members), (history)))
#define assert_wrong(bench, status, members, history, objection)                          \
    assert_string_equal(                                                                  \
        part_of(judge((bench), (status), (members), (history)), (objection)), (objection) \
    )

// The wanted part of an objection, or all of it when it is another.
static const char *part_of(const char *objection, const char *wanted) {
    if (objection == NULL) {
        return "no objection";
    }
    return strstr(objection, wanted) != NULL ? wanted : objection;
}

static const char DONE[] = ",\"output\":{\"value\":2}";

static void a_sequence_has_each_task_in_its_turn(void **state) {
    struct bench *bench = *state;
    define(bench, WORKER("x") "," WORKER("y"), "");
    assert_right(bench, "RUNNING", "", "x a IN_PROGRESS");
    assert_right(bench, "RUNNING", "", "x a COMPLETED {} | y a SCHEDULED");
    assert_right(bench, "COMPLETED", DONE, "x a COMPLETED {} | y a COMPLETED {\"value\":2}");
    assert_wrong(bench, "RUNNING", "", "x a COMPLETED {}", "y: is missing");
    assert_wrong(bench, "RUNNING", "", "x a SCHEDULED | y a SCHEDULED", "nothing led to it");
    assert_wrong(bench, "COMPLETED", DONE, "x a COMPLETED {\"value\":2}", "is missing");
    assert_wrong(bench, "RUNNING", "", "x a SCHEDULED | z a SCHEDULED", "belongs to no task");
    assert_wrong(
        bench, "RUNNING", "", "x a COMPLETED {} | y a COMPLETED {}", "nothing is open, and"
    );
    assert_wrong(
        bench, "COMPLETED", DONE, "x a COMPLETED {} | y a COMPLETED {}", "is not the last task's"
    );
}

static void retries_that_are_due_are_made(void **state) {
    struct bench *bench = *state;
    define(bench, WORKER("x"), "");
    assert_right(bench, "RUNNING", "", "x a FAILED {} | x a SCHEDULED #1");
    assert_wrong(bench, "RUNNING", "", "x a FAILED", "is not followed by another");
    assert_wrong(bench, "RUNNING", "", "x a FAILED | x a SCHEDULED #0", "out of turn");
    assert_wrong(
        bench,
        "RUNNING",
        "",
        "x a FAILED | x a FAILED #1 | x a SCHEDULED #2",
        "was followed by another, with 1 retries"
    );
    assert_wrong(bench, "RUNNING", "", "x a CANCELED | x a SCHEDULED #1", "was followed by");
    assert_wrong(bench, "RUNNING", "", "x a FAILED | x a FAILED #1", "the execution does not end");
    assert_wrong(
        bench,
        "COMPLETED",
        ",\"output\":{}",
        "x a FAILED | x a COMPLETED_WITH_ERRORS #1",
        "not optional"
    );
    bench->facts.revived = true;
    assert_right(bench, "RUNNING", "", "x a FAILED | x a FAILED #1 | x a SCHEDULED #2");
}

static void a_bad_end_has_a_cause(void **state) {
    struct bench *bench = *state;
    define(bench, WORKER("x"), ",\"failureWorkflow\":\"f\"");
    const char *by_first =
        ",\"reasonForIncompletion\":\"Task 00000000-0000-4000-8000-000000000001 failed with "
        "status: FAILED and reason: 'no'\",\"output\":{\"conductor.failure_workflow\":\"i\"}";
    const char *by_second =
        ",\"reasonForIncompletion\":\"Task 00000000-0000-4000-8000-000000000002 failed with "
        "status: FAILED and reason: 'no'\",\"output\":{}";
    assert_right(bench, "FAILED", by_first, "x a FAILED_WITH_TERMINAL_ERROR");
    assert_wrong(bench, "TERMINATED", by_first, "x a FAILED_WITH_TERMINAL_ERROR", "as FAILED");
    assert_wrong(bench, "FAILED", by_first, "x a FAILED", "without right");
    assert_wrong(bench, "FAILED", by_first, "x a COMPLETED", "without right");
    assert_wrong(bench, "FAILED", by_second, "x a FAILED", "no such task");
    assert_wrong(bench, "FAILED", ",\"output\":{}", "x a CANCELED", "without a cause");
    assert_wrong(bench, "FAILED", by_first, "x a FAILED_WITH_TERMINAL_ERROR | x a SCHEDULED", "");
    const char *by_client = ",\"reasonForIncompletion\":\"because\",\"output\":{}";
    assert_wrong(bench, "TERMINATED", by_client, "x a CANCELED", "without a cause");
    bench->facts.terminated = true;
    assert_right(bench, "TERMINATED", by_client, "x a CANCELED");
}

static void what_ended_and_went_on_may_end_otherwise(void **state) {
    struct bench *bench = *state;
    define(
        bench,
        "{\"taskReferenceName\":\"f\",\"type\":\"FORK_JOIN\",\"forkTasks\":[[" WORKER("x"
        ) "],[{\"taskReferenceName\":\"t\",\"type\":\"TERMINATE\"}]]}",
        ",\"timeoutSeconds\":9"
    );
    const char *late = ",\"reasonForIncompletion\":\"Workflow timed out\",\"output\":{}";
    const char *history = "f FORK COMPLETED | x a CANCELED | "
                          "t TERMINATE COMPLETED <{\"terminationStatus\":\"TERMINATED\"}";
    assert_right(bench, "TERMINATED", ",\"output\":{}", history);
    assert_wrong(bench, "TIMED_OUT", late, history, "not as its TERMINATE says");
    bench->facts.revived = true;
    assert_right(bench, "TIMED_OUT", late, history);
    assert_wrong(bench, "FAILED", late, history, "not as its TERMINATE says");
}

#define JOIN_OF_TWO                                                                         \
    "{\"taskReferenceName\":\"f\",\"type\":\"FORK_JOIN\",\"forkTasks\":[[" WORKER("x"       \
    ) "],[" WORKER("y") "]]},{\"taskReferenceName\":\"j\",\"type\":\"JOIN\",\"joinOn\":[\"" \
                        "x\",\"y\"]}"

static void a_join_counts_right(void **state) {
    struct bench *bench = *state;
    define(bench, JOIN_OF_TWO, "");
    assert_right(
        bench,
        "RUNNING",
        "",
        "f FORK COMPLETED | x a COMPLETED | y a SCHEDULED | j JOIN IN_PROGRESS"
    );
    assert_right(
        bench,
        "COMPLETED",
        ",\"output\":{\"x\":{\"v\":1}}",
        "f FORK COMPLETED | x a COMPLETED {\"v\":1} | y a COMPLETED | j JOIN COMPLETED "
        "{\"x\":{\"v\":1}}"
    );
    assert_wrong(
        bench,
        "RUNNING",
        "",
        "f FORK COMPLETED | x a COMPLETED | y a SCHEDULED | j JOIN COMPLETED",
        "is done, but what it joins is not"
    );
    assert_wrong(
        bench,
        "RUNNING",
        "",
        "f FORK COMPLETED | x a COMPLETED | y a COMPLETED | j JOIN IN_PROGRESS",
        "waits, but all that it joins is done"
    );
    assert_wrong(
        bench,
        "COMPLETED",
        ",\"output\":{}",
        "f FORK COMPLETED | x a COMPLETED {\"v\":1} | y a COMPLETED | j JOIN COMPLETED",
        "shows other outputs"
    );
    assert_wrong(
        bench,
        "RUNNING",
        "",
        "f FORK COMPLETED | x a SCHEDULED | j JOIN IN_PROGRESS",
        "y: is missing"
    );
}

static void branches_of_a_dynamic_fork_are_counted(void **state) {
    struct bench *bench = *state;
    define(
        bench,
        "{\"taskReferenceName\":\"f\",\"type\":\"FORK_JOIN_DYNAMIC\"},{\"taskReferenceName\":\"j\","
        "\"type\":\"JOIN\"}",
        ""
    );
#define FORK_OF_TWO "f FORK COMPLETED <{\"forkTaskName\":\"a\",\"forkTaskInputs\":[{},{}]} | "
    assert_right(
        bench, "RUNNING", "", FORK_OF_TWO "_a_0 a COMPLETED | _a_1 a SCHEDULED | j JOIN IN_PROGRESS"
    );
    assert_wrong(
        bench, "RUNNING", "", FORK_OF_TWO "_a_0 a COMPLETED | j JOIN IN_PROGRESS", "is missing"
    );
    assert_wrong(
        bench,
        "RUNNING",
        "",
        FORK_OF_TWO "_a_0 a COMPLETED | _a_1 a SCHEDULED | _a_2 a SCHEDULED | j JOIN IN_PROGRESS",
        "belongs to no task"
    );
    assert_wrong(
        bench,
        "RUNNING",
        "",
        FORK_OF_TWO "_a_0 a COMPLETED | _a_1 a SCHEDULED | j JOIN COMPLETED",
        "is done, but what it joins is not"
    );
}

// Without a registered type a branch has no retries, whatever it says itself (simulator seed 611).
static void a_branch_of_no_registered_type_fails_at_once(void **state) {
    struct bench *bench = *state;
    define(
        bench,
        "{\"taskReferenceName\":\"f\",\"type\":\"FORK_JOIN_DYNAMIC\"},{\"taskReferenceName\":\"j\","
        "\"type\":\"JOIN\"}",
        ""
    );
#define FORK_OF_ONE(name)                                                                  \
    "f FORK COMPLETED <{\"branches\":[{\"name\":\"" name "\",\"taskReferenceName\":\"x\"," \
    "\"retryCount\":2}]} | x " name " FAILED | j JOIN CANCELED"
    const char *end =
        ",\"reasonForIncompletion\":\"Task 00000000-0000-4000-8000-000000000002 failed with "
        "status: FAILED and reason: 'no'\",\"output\":{}";
    assert_right(bench, "FAILED", end, FORK_OF_ONE("b"));
    assert_wrong(bench, "FAILED", end, FORK_OF_ONE("a"), "without right");
}

static void a_loop_goes_by_its_condition(void **state) {
    struct bench *bench = *state;
    define(
        bench,
        "{\"taskReferenceName\":\"l\",\"type\":\"DO_WHILE\",\"loopCondition\":\"$.l.iteration < "
        "2\",\"loopOver\":[" WORKER("x") "]}",
        ""
    );
    const char *output = ",\"output\":{\"v\":2}"; // of the last task, not of the loop
#define TWICE "x__1 a COMPLETED {\"v\":1} | x__2 a COMPLETED {\"v\":2}"
    assert_right(bench, "RUNNING", "", "l DO_WHILE IN_PROGRESS @1 | x__1 a SCHEDULED");
    assert_right(
        bench,
        "COMPLETED",
        output,
        "l DO_WHILE COMPLETED @2 {\"1\":{\"x\":{\"v\":1}},\"2\":{\"x\":{\"v\":2}},\"iteration\":2} "
        "| " TWICE
    );
    assert_wrong(
        bench,
        "COMPLETED",
        ",\"output\":{}",
        "l DO_WHILE COMPLETED @1 {\"1\":{\"x\":{}},\"iteration\":1} | x__1 a COMPLETED",
        "ended, but goes on"
    );
    assert_wrong(
        bench,
        "RUNNING",
        "",
        "l DO_WHILE IN_PROGRESS @3 | " TWICE " | x__3 a SCHEDULED",
        "went on behind iteration 2"
    );
    assert_wrong(
        bench,
        "RUNNING",
        "",
        "l DO_WHILE IN_PROGRESS @2 | x__1 a SCHEDULED | x__2 a SCHEDULED",
        "went on behind iteration 1"
    );
    assert_wrong(
        bench, "RUNNING", "", "l DO_WHILE IN_PROGRESS @2 | " TWICE, "waits, but its iteration"
    );
    assert_wrong(
        bench,
        "COMPLETED",
        output,
        "l DO_WHILE COMPLETED @2 {\"1\":{\"x\":{\"v\":1}},\"2\":{\"x\":{\"v\":1}},\"iteration\":2} "
        "| " TWICE,
        "does not show its"
    );
}

static void scripts_and_inputs_are_what_they_give(void **state) {
    struct bench *bench = *state;
    define(
        bench,
        "{\"taskReferenceName\":\"i\",\"type\":\"INLINE\",\"inputParameters\":{\"n\":"
        "\"${workflow.input.p}\",\"expression\":\"$.n % 3\"}}",
        ",\"outputParameters\":{\"r\":\"${i.output.result}\"}"
    );
#define INPUT " <{\"n\":4,\"expression\":\"\\u0024.n\\u0020%\\u00203\"} "
    assert_right(
        bench, "COMPLETED", ",\"output\":{\"r\":1}", "i INLINE COMPLETED" INPUT "{\"result\":1}"
    );
    assert_wrong(
        bench,
        "COMPLETED",
        ",\"output\":{\"r\":2}",
        "i INLINE COMPLETED" INPUT "{\"result\":2}",
        "gives"
    );
    assert_wrong(
        bench,
        "COMPLETED",
        ",\"output\":{\"r\":2}",
        "i INLINE COMPLETED" INPUT "{\"result\":1}",
        "\"r\" is 2, not 1"
    );
    assert_wrong(
        bench,
        "COMPLETED",
        ",\"output\":{\"r\":0}",
        "i INLINE COMPLETED <{\"n\":3,\"expression\":"
        "\"\\u0024.n\\u0020%\\u00203\"} {\"result\":0}",
        "\"n\" is 3, not 4"
    );
}

static void a_switch_takes_one_branch(void **state) {
    struct bench *bench = *state;
    define(
        bench,
        "{\"taskReferenceName\":\"s\",\"type\":\"SWITCH\",\"evaluatorType\":\"value-param\","
        "\"expression\":\"k\",\"inputParameters\":{\"k\":\"b\"},\"decisionCases\":{\"a\":[" WORKER(
            "x"
        ) "],\"b\":[" WORKER("y") "]}}",
        ""
    );
#define CHOICE "s SWITCH COMPLETED <{\"k\":\"b\"} | "
    assert_right(bench, "RUNNING", "", CHOICE "y a SCHEDULED");
    assert_wrong(bench, "RUNNING", "", CHOICE "x a SCHEDULED", "nothing led to it");
}

static void a_decision_shows_its_case_alone(void **state) {
    struct bench *bench = *state;
    define(
        bench,
        "{\"taskReferenceName\":\"s\",\"type\":\"DECISION\",\"caseValueParam\":\"k\","
        "\"inputParameters\":{\"k\":\"${workflow.input.p}\"},\"decisionCases\":{\"4\":[" WORKER("x"
        ) "],\"5\":[" WORKER("y") "]}}",
        ""
    );
#define FOUR "s DECISION COMPLETED <{\"case\":\"4\"} | "
    assert_right(bench, "RUNNING", "", FOUR "x a SCHEDULED");
    assert_wrong(bench, "RUNNING", "", FOUR "y a SCHEDULED", "is missing");
}

static void a_dynamic_task_becomes_what_its_input_names(void **state) {
    struct bench *bench = *state;
    define(
        bench,
        "{\"name\":\"a\",\"taskReferenceName\":\"d\",\"type\":\"DYNAMIC\","
        "\"dynamicTaskNameParam\":\"t\",\"inputParameters\":{\"t\":\"b\"}}",
        ""
    );
    assert_right(bench, "RUNNING", "", "d b SCHEDULED <{\"t\":\"b\"}");
    assert_right(
        bench, "RUNNING", "", "d b FAILED <{\"t\":\"b\"} | d b SCHEDULED #1 <{\"t\":\"b\"}"
    );
    assert_wrong(bench, "RUNNING", "", "d a SCHEDULED <{\"t\":\"b\"}", "is of type");
}

static void a_loop_drops_what_is_old(void **state) {
    struct bench *bench = *state;
    define(
        bench,
        "{\"taskReferenceName\":\"l\",\"type\":\"DO_WHILE\",\"loopCondition\":\"$.l.iteration < "
        "3\",\"inputParameters\":{\"keepLastN\":1},\"loopOver\":[" WORKER("x") "]}",
        ""
    );
#define THIRD "l DO_WHILE IN_PROGRESS @3 | "
    assert_right(bench, "RUNNING", "", THIRD "x__2 a COMPLETED | x__3 a SCHEDULED");
    assert_right(bench, "RUNNING", "", THIRD "x__3 a SCHEDULED");
    assert_wrong(
        bench,
        "RUNNING",
        "",
        THIRD "x__1 a COMPLETED | x__2 a COMPLETED | x__3 a SCHEDULED",
        "belongs to no task"
    );
#define LAST "l DO_WHILE COMPLETED @3 {\"3\":{\"x\":{}},\"iteration\":3} | "
    const char *output = ",\"output\":{}";
    assert_right(bench, "COMPLETED", output, LAST "x__3 a COMPLETED");
    assert_wrong(
        bench, "COMPLETED", output, LAST "x__2 a COMPLETED | x__3 a COMPLETED", "belongs to no task"
    );
}

static void loops_in_loops_count_on_their_own(void **state) {
    struct bench *bench = *state;
    define(
        bench,
        "{\"taskReferenceName\":\"l\",\"type\":\"DO_WHILE\",\"loopCondition\":\"$.l.iteration < "
        "2\",\"loopOver\":[{\"taskReferenceName\":\"m\",\"type\":\"DO_WHILE\",\"loopCondition\":"
        "\"$.m.iteration < 1\",\"loopOver\":[" WORKER("x") "]}]}",
        ""
    );
#define INNER \
    "m__1 DO_WHILE COMPLETED @1 {\"1\":{\"x\":{}},\"iteration\":1} | x__1__1 a COMPLETED | "
    assert_right(
        bench,
        "RUNNING",
        "",
        "l DO_WHILE IN_PROGRESS @2 | " INNER "m__2 DO_WHILE IN_PROGRESS @1 | x__2__1 a SCHEDULED"
    );
    assert_wrong(
        bench,
        "RUNNING",
        "",
        "l DO_WHILE IN_PROGRESS @2 | " INNER "m__2 DO_WHILE IN_PROGRESS @1 | x__2 a SCHEDULED",
        "is missing"
    );
}

#define model_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        model_test(a_sequence_has_each_task_in_its_turn),
        model_test(retries_that_are_due_are_made),
        model_test(a_bad_end_has_a_cause),
        model_test(what_ended_and_went_on_may_end_otherwise),
        model_test(a_join_counts_right),
        model_test(branches_of_a_dynamic_fork_are_counted),
        model_test(a_branch_of_no_registered_type_fails_at_once),
        model_test(a_loop_goes_by_its_condition),
        model_test(scripts_and_inputs_are_what_they_give),
        model_test(a_switch_takes_one_branch),
        model_test(a_decision_shows_its_case_alone),
        model_test(a_dynamic_task_becomes_what_its_input_names),
        model_test(a_loop_drops_what_is_old),
        model_test(loops_in_loops_count_on_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
