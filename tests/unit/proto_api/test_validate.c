// proto/api: what definitions and requests must satisfy (rest-api.md §2.3, engine.md §11).
#include "proto/api/validate.h"
#include "proto/limits.h"
#include "tests/unit/test.h"

#include <string.h>

static struct arena *arena;

static int setup(void **state) {
    (void)state;
    arena = arena_create(64 * 1024);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    arena_destroy(&arena);
    return 0;
}

static bytes bound(const struct api_model *model, const char *json) {
    bytes value = BYTES_EMPTY;
    bytes canonical = BYTES_EMPTY;
    assert_ok(json_validate(bytes_from_text(json), arena, &value));
    assert_ok(api_bind(model, value, arena, &canonical));
    return canonical;
}

static struct api_violations checked(const char *json, struct api_validate_options options) {
    struct api_violations violations;
    api_violations_init(&violations, arena);
    options.path = "op.def";
    api_validate_workflow_definition(
        bound(&api_workflow_definition_model, json), &options, &violations
    );
    return violations;
}

static struct api_violations workflow(const char *json) {
    return checked(json, (struct api_validate_options){0});
}

// A workflow `w` of the one task whose JSON is given.
static struct api_violations with_tasks(const char *tasks) {
    return workflow(arena_format(arena, "{\"name\":\"w\",\"tasks\":[%s]}", tasks));
}

// The violations of a task `t` of the type, referred to as `r`, with more members.
static struct api_violations typed(const char *type, const char *more) {
    return with_tasks(arena_format(
        arena,
        "{\"name\":\"t\",\"taskReferenceName\":\"r\",\"type\":\"%s\"%s%s}",
        type,
        more[0] == '\0' ? "" : ",",
        more
    ));
}

static struct api_violations task_definition(const char *json) {
    struct api_violations violations;
    api_violations_init(&violations, arena);
    struct api_validate_options options = {.path = "op.def"};
    api_validate_task_definition(bound(&api_task_definition_model, json), &options, &violations);
    return violations;
}

static void
assert_violation(const struct api_violations *violations, const char *path, const char *message) {
    for (size_t index = 0; index < violations->count; index++) {
        if (bytes_equal_text(violations->items[index].path, path) &&
            bytes_equal_text(violations->items[index].message, message)) {
            return;
        }
    }
    for (size_t index = 0; index < violations->count; index++) {
        print_message(
            "%.*s: %.*s\n",
            BYTES_ARG(violations->items[index].path),
            BYTES_ARG(violations->items[index].message)
        );
    }
    fail_msg("no violation '%s' at %s", message, path);
}

// Exactly one violation, of the first task.
static void assert_typed(const char *type, const char *more, const char *message) {
    struct api_violations violations = typed(type, more);
    assert_violation(&violations, "op.def.tasks[0]", message);
    assert_int_equal(violations.count, 1);
}

static void assert_valid(struct api_violations violations) {
    if (violations.count > 0) {
        fail_msg("%.*s", BYTES_ARG(violations.items[0].message));
    }
}

static void case_262_everything_wrong_is_reported_at_once(void **state) {
    (void)state;
    struct api_violations violations = workflow("{\"schemaVersion\":1,\"tasks\":[]}");
    assert_int_equal(violations.count, 3);
    assert_violation(&violations, "op.def.name", "WorkflowDef name cannot be null or empty");
    assert_violation(&violations, "op.def.tasks", "WorkflowTask list cannot be empty");
    assert_violation(
        &violations, "op.def.schemaVersion", "workflowDef schemaVersion: 2 is only supported"
    );
    assert_null(violations.items[0].invalid_value.data);
    assert_bytes_text(violations.items[1].invalid_value, "1");
}

static void tasks_are_checked_in_branches_and_cases_but_not_in_loop_bodies(void **state) {
    (void)state;
    const char *no_name = "WorkflowTask name cannot be empty or null";
    const char *no_reference = "WorkflowTask taskReferenceName name cannot be empty or null";
    struct api_violations violations = with_tasks(
        "{\"name\":\"f\",\"taskReferenceName\":\"f\",\"type\":\"FORK_JOIN\",\"forkTasks\":[[],[{"
        "\"taskReferenceName\":\"a\"}]]},{\"name\":\"s\",\"taskReferenceName\":\"s\",\"type\":"
        "\"SWITCH\",\"evaluatorType\":\"value-param\",\"expression\":\"x\",\"decisionCases\":{"
        "\"yes\":[{\"name\":\"b\"}]},\"defaultCase\":[{\"name\":\"\",\"taskReferenceName\":"
        "\"c\"}]},{\"name\":\"l\",\"taskReferenceName\":\"l\",\"type\":\"DO_WHILE\","
        "\"loopCondition\":\"x\",\"loopOver\":[{\"taskReferenceName\":\"d\"}]}"
    );
    assert_violation(&violations, "op.def.tasks[0].forkTasks[1][0].name", no_name);
    assert_violation(
        &violations, "op.def.tasks[1].decisionCases[yes][0].taskReferenceName", no_reference
    );
    assert_violation(&violations, "op.def.tasks[1].defaultCase[0].name", no_name);
    assert_int_equal(violations.count, 3);
}

static void case_261_a_reference_name_is_unique_in_the_whole_tree(void **state) {
    (void)state;
    struct api_violations violations = with_tasks(
        "{\"name\":\"a\",\"taskReferenceName\":\"x\"},{\"name\":\"l\",\"taskReferenceName\":\"l\","
        "\"type\":\"DO_WHILE\",\"loopCondition\":\"c\",\"loopOver\":[{\"name\":\"a\","
        "\"taskReferenceName\":\"x\"}]}"
    );
    assert_int_equal(violations.count, 1);
    assert_violation(
        &violations,
        "op.def",
        "taskReferenceName: x should be unique across tasks for a given workflowDefinition: w"
    );
}

// The violations of one input parameter `k` of the first of two tasks, `r` and, in a loop, `inner`.
static struct api_violations with_input(const char *value) {
    return with_tasks(arena_format(
        arena,
        "{\"name\":\"t\",\"taskReferenceName\":\"r\",\"inputParameters\":{\"k\":%s}},{\"name\":"
        "\"l\",\"taskReferenceName\":\"l\",\"type\":\"DO_WHILE\",\"loopCondition\":\"c\","
        "\"loopOver\":[{\"name\":\"i\",\"taskReferenceName\":\"inner\"}]}",
        value
    ));
}

static void case_263_and_264_top_level_expressions_must_lead_somewhere(void **state) {
    (void)state;
    assert_valid(with_input("\"${workflow.input.a} and ${r.output.b}${inner.output.c}\""));
    assert_valid(with_input("\"$${nowhere.output} $ {x} ${unclosed\""));
    assert_valid(with_input("\"${CPEWF_TASK_ID}\""));
    assert_valid(with_input("[{\"a\":[1,null,\"${l.output}\"]}]"));
    const char *text = "taskReferenceName: nowhere for given task: t input value: deep of input "
                       "parameter: nowhere.output.x is not defined in workflow definition.";
    struct api_violations violations = with_input("[{\"deep\":[\"a ${nowhere.output.x} b\"]}]");
    assert_int_equal(violations.count, 1);
    assert_violation(&violations, "op.def", text);
    violations = with_input("\"${r.output a}\"");
    assert_violation(
        &violations, "op.def", "key: k input parameter value: r.output a is not valid"
    );
}

static bool is_home(void *argument, bytes name) {
    (void)argument;
    return bytes_equal_text(name, "HOME");
}

static void nested_inputs_are_not_checked_and_environment_names_are_known(void **state) {
    (void)state;
    assert_valid(with_tasks(
        "{\"name\":\"f\",\"taskReferenceName\":\"f\",\"type\":\"FORK_JOIN\",\"forkTasks\":[[{"
        "\"name\":\"a\",\"taskReferenceName\":\"a\",\"inputParameters\":{\"x\":\"${gone.x}\"}}]]}"
    ));
    const char *json = "{\"name\":\"w\",\"tasks\":[{\"name\":\"a\",\"taskReferenceName\":\"a\","
                       "\"inputParameters\":{\"x\":\"${HOME}\"}}]}";
    assert_valid(checked(json, (struct api_validate_options){.is_environment_variable = is_home}));
    assert_int_equal(workflow(json).count, 1);
}

#define REQUIRED(field, type) field " field is required for taskType: " type " taskName: t"

static void each_type_requires_its_fields(void **state) {
    (void)state;
    assert_typed("EVENT", "", REQUIRED("sink", "EVENT"));
    assert_typed("DYNAMIC", "", REQUIRED("dynamicTaskNameParam", "DYNAMIC"));
    assert_typed("SUB_WORKFLOW", "", REQUIRED("subWorkflowParam", "SUB_WORKFLOW"));
    assert_typed("KAFKA_PUBLISH", "", REQUIRED("inputParameters.kafka_request", "KAFKA_PUBLISH"));
    assert_typed(
        "JSON_JQ_TRANSFORM", "", REQUIRED("inputParameters.queryExpression", "JSON_JQ_TRANSFORM")
    );
    assert_typed(
        "HTTP", "", REQUIRED("inputParameters.http_request or inputParameters.uri", "HTTP")
    );
    assert_typed(
        "FORK_JOIN",
        "",
        "forkTasks should have atleast one task for taskType: FORK_JOIN taskName: t"
    );
    assert_typed("DO_WHILE", "\"loopCondition\":\"c\"", REQUIRED("loopOver", "DO_WHILE"));
    assert_valid(typed("EVENT", "\"sink\":\"conductor\""));
    assert_valid(typed("HTTP", "\"inputParameters\":{\"uri\":\"x\"}"));
    assert_valid(typed("SUB_WORKFLOW", "\"subWorkflowParam\":{}"));
    assert_valid(typed("JOIN", ""));
    assert_valid(typed("my_own_type", ""));
}

static void case_265_a_loop_requires_a_condition_and_tasks(void **state) {
    (void)state;
    struct api_violations violations = typed("DO_WHILE", "\"items\":\"${workflow.input.l}\"");
    assert_int_equal(violations.count, 2);
    assert_violation(&violations, "op.def.tasks[0]", REQUIRED("loopCondition", "DO_WHILE"));
    assert_violation(&violations, "op.def.tasks[0]", REQUIRED("loopOver", "DO_WHILE"));
    assert_typed(
        "DO_WHILE",
        "\"loopOver\":[{\"name\":\"a\",\"taskReferenceName\":\"a\"}]",
        REQUIRED("loopCondition", "DO_WHILE")
    );
}

static void case_266_branching_types_require_cases(void **state) {
    (void)state;
    const char *no_case = "decisionCases should have atleast one task for taskType: SWITCH "
                          "taskName: t";
    struct api_violations violations = typed("SWITCH", "");
    assert_int_equal(violations.count, 2);
    assert_violation(&violations, "op.def.tasks[0]", REQUIRED("evaluatorType", "SWITCH"));
    assert_violation(&violations, "op.def.tasks[0]", no_case);
    // A null container is validated as it is stored: at its default.
    violations = typed("SWITCH", "\"evaluatorType\":\"value-param\",\"decisionCases\":null");
    assert_int_equal(violations.count, 2);
    assert_violation(&violations, "op.def.tasks[0]", REQUIRED("expression", "SWITCH"));
    assert_violation(&violations, "op.def.tasks[0]", no_case);
    violations = typed("DECISION", "\"decisionCases\":{\"a\":[]}");
    assert_int_equal(violations.count, 1);
    assert_violation(
        &violations, "op.def.tasks[0]", REQUIRED("caseValueParam or caseExpression", "DECISION")
    );
}

static void case_269_a_dynamic_fork_takes_one_style(void **state) {
    (void)state;
    assert_valid(typed("FORK_JOIN_DYNAMIC", "\"dynamicForkJoinTasksParam\":\"a\""));
    assert_valid(typed("FORK_JOIN_DYNAMIC", "\"inputParameters\":{\"forkTaskInputs\":[]}"));
    assert_valid(typed(
        "FORK_JOIN_DYNAMIC",
        "\"dynamicForkTasksParam\":\"a\",\"dynamicForkTasksInputParamName\":\"b\""
    ));
    assert_typed(
        "FORK_JOIN_DYNAMIC",
        "\"dynamicForkTasksParam\":\"a\"",
        REQUIRED("dynamicForkTasksInputParamName", "FORK_JOIN_DYNAMIC")
    );
    assert_typed(
        "FORK_JOIN_DYNAMIC",
        "\"dynamicForkJoinTasksParam\":\"a\",\"dynamicForkTasksParam\":\"b\"",
        "dynamicForkJoinTasksParam or combination of dynamicForkTasksInputParamName and "
        "dynamicForkTasksParam cam be used for taskType: FORK_JOIN_DYNAMIC taskName: t"
    );
}

static void case_267_terminate_has_a_literal_status_and_is_not_optional(void **state) {
    (void)state;
    const char *text = "terminate task must have an terminationStatus parameter and must be set to "
                       "COMPLETED or FAILED, taskName: t";
    assert_valid(typed("TERMINATE", "\"inputParameters\":{\"terminationStatus\":\"TERMINATED\"}"));
    assert_typed("TERMINATE", "", text);
    assert_typed(
        "TERMINATE", "\"inputParameters\":{\"terminationStatus\":\"${workflow.input.s}\"}", text
    );
    assert_typed(
        "TERMINATE",
        "\"optional\":true,\"inputParameters\":{\"terminationStatus\":\"FAILED\"}",
        "terminate task cannot be optional, taskName: t"
    );
}

static struct api_violations waiting(const char *input, const char *value) {
    return typed("WAIT", arena_format(arena, "\"inputParameters\":{\"%s\":%s}", input, value));
}

static void case_270_a_wait_must_parse(void **state) {
    (void)state;
    static const char *const durations[] = {
        "\"5s\"",
        "\"1 day 2 hours 3 mins 4 seconds\"",
        "\"2D3H\"",
        "\"10 min\"",
        "\"\"",
        "\"${workflow.input.d}\""};
    for (size_t index = 0; index < sizeof(durations) / sizeof(durations[0]); index++) {
        assert_valid(waiting("duration", durations[index]));
    }
    static const char *const bad_durations[] = {
        "5", "\"5\"", "\"3s 2m\"", "\"5 weeks\"", "\"s\"", "\"5s x\"", "\"1d 1d\""};
    for (size_t index = 0; index < sizeof(bad_durations) / sizeof(bad_durations[0]); index++) {
        struct api_violations violations = waiting("duration", bad_durations[index]);
        assert_int_equal(violations.count, 1);
        assert_violation(
            &violations, "op.def.tasks[0]", "Either date or duration is passed as null "
        );
    }
    assert_valid(waiting("until", "\"2030-01-02\""));
    assert_valid(waiting("until", "\"2030-01-02 03:04\""));
    assert_valid(waiting("until", "\"2030-01-02 03:04 GMT+2\""));
    assert_int_equal(waiting("until", "\"2030-13-02\"").count, 1);
    assert_int_equal(waiting("until", "\"tomorrow\"").count, 1);
    assert_int_equal(waiting("until", "\"2030-01-02T03:04\"").count, 1);
    assert_typed(
        "WAIT",
        "\"inputParameters\":{\"duration\":\"5s\",\"until\":\"2030-01-02\"}",
        "Both 'duration' and 'until' specified. Please provide only one input"
    );
}

static bool template_of_t(void *argument, bytes task_name, struct arena *lent, bytes *out_json) {
    (void)argument;
    (void)lent;
    *out_json = BYTES_LITERAL("{\"http_request\":{}}");
    return bytes_equal_text(task_name, "t");
}

static bool only_simple(void *argument, bytes type) {
    (void)argument;
    return bytes_equal_text(type, "SIMPLE");
}

static void case_268_templates_and_supported_types_are_asked_for(void **state) {
    (void)state;
    const char *http = "{\"name\":\"w\",\"tasks\":[{\"name\":\"t\",\"taskReferenceName\":\"r\","
                       "\"type\":\"HTTP\"}]}";
    assert_valid(checked(http, (struct api_validate_options){.input_template = template_of_t}));
    struct api_violations violations = checked(
        http,
        (struct api_validate_options
        ){.input_template = template_of_t, .is_type_supported = only_simple}
    );
    assert_int_equal(violations.count, 1);
    assert_violation(
        &violations,
        "op.def.tasks[0]",
        "taskType: HTTP is not supported by this server, taskName: t"
    );
}

static void names_and_owners_are_checked_when_configured(void **state) {
    (void)state;
    const char *json =
        "{\"name\":\"a/b\",\"tasks\":[{\"name\":\"t\",\"taskReferenceName\":\"r\"}]}";
    assert_valid(workflow(json));
    struct api_violations violations = checked(
        json, (struct api_validate_options){.owner_email_mandatory = true, .name_validation = true}
    );
    assert_int_equal(violations.count, 2);
    assert_violation(&violations, "op.def.ownerEmail", "ownerEmail cannot be empty");
    assert_bytes_text(violations.items[0].invalid_value, "a/b");
}

static void a_task_definition_has_sane_numbers(void **state) {
    (void)state;
    assert_valid(task_definition("{\"name\":\"t\"}"));
    struct api_violations violations = task_definition(
        "{\"name\":\"\",\"retryCount\":-1,\"responseTimeoutSeconds\":0,\"pollTimeoutSeconds\":-5,"
        "\"backoffScaleFactor\":0,\"maxRetryDelaySeconds\":-1,\"backoffJitterMs\":-1,"
        "\"totalTimeoutSeconds\":-1}"
    );
    assert_int_equal(violations.count, 8);
    assert_violation(&violations, "op.def.name", "TaskDef name cannot be null or empty");
    assert_violation(&violations, "op.def.retryCount", "TaskDef retryCount: 0 must be >= 0");
    assert_violation(
        &violations,
        "op.def.responseTimeoutSeconds",
        "TaskDef responseTimeoutSeconds: 0 should be minimum 1 second"
    );
    assert_violation(
        &violations, "op.def.pollTimeoutSeconds", "TaskDef pollTimeoutSeconds: 0 must be >= 0"
    );
    assert_violation(
        &violations,
        "op.def.backoffScaleFactor",
        "Backoff scale factor. Applicable for LINEAR_BACKOFF"
    );
}

static void case_271_the_timeouts_of_a_task_are_ordered(void **state) {
    (void)state;
    struct api_violations violations = task_definition("{\"name\":\"t\",\"timeoutSeconds\":60}");
    assert_int_equal(violations.count, 1);
    assert_violation(
        &violations,
        "op.def",
        "TaskDef: t responseTimeoutSeconds: 3600 must be less than timeoutSeconds: 60"
    );
    assert_valid(
        task_definition("{\"name\":\"t\",\"timeoutSeconds\":60,\"responseTimeoutSeconds\":60}")
    );
    violations = task_definition("{\"name\":\"t\",\"timeoutSeconds\":60,\"responseTimeoutSeconds\":"
                                 "9,\"totalTimeoutSeconds\":"
                                 "59}");
    assert_violation(
        &violations,
        "op.def",
        "TaskDef: t timeoutSeconds: 60 must be less than or equal to totalTimeoutSeconds: 59"
    );
}

static struct api_violations starting(const char *json) {
    struct api_violations violations;
    struct api_start_workflow_request request;
    struct api_validate_options options = {.path = API_PATH_START_WORKFLOW};
    api_violations_init(&violations, arena);
    assert_ok(api_read(&api_start_workflow_request_model, bytes_from_text(json), arena, &request));
    api_validate_start_request(&request, &options, &violations);
    return violations;
}

static void a_start_request_has_a_name_and_a_priority(void **state) {
    (void)state;
    assert_valid(starting("{\"name\":\"\",\"priority\":99}"));
    struct api_violations violations = starting("{\"priority\":100}");
    assert_int_equal(violations.count, 2);
    assert_violation(
        &violations,
        "startWorkflow.startWorkflowRequest.name",
        "Workflow name cannot be null or empty"
    );
    assert_violation(
        &violations,
        "startWorkflow.startWorkflowRequest.priority",
        "priority: 100 should be maximum 99"
    );
    violations = starting("{\"name\":\"w\",\"priority\":-1,\"workflowDef\":{\"name\":\"w\"}}");
    assert_violation(
        &violations,
        "startWorkflow.startWorkflowRequest.priority",
        "priority: -1 should be minimum 0"
    );
    assert_violation(
        &violations,
        "startWorkflow.startWorkflowRequest.workflowDef.tasks",
        "WorkflowTask list cannot be empty"
    );
    api_violations_init(&violations, arena);
    api_validate_start_priority(99, &violations);
    assert_int_equal(violations.count, 0);
    api_validate_start_priority(100, &violations);
    assert_violation(&violations, "startWorkflow.priority", "99 is the maximum priority value");
}

static void a_result_names_its_workflow_and_task(void **state) {
    (void)state;
    struct api_violations violations;
    api_violations_init(&violations, arena);
    struct api_task_result result = {.task_id = BYTES_LITERAL("")};
    api_validate_task_result(&result, &violations);
    assert_violation(
        &violations,
        "updateTask.taskResult.workflowInstanceId",
        "Workflow Id cannot be null or empty"
    );
    assert_violation(
        &violations, "updateTask.taskResult.taskId", "Task ID cannot be null or empty"
    );
}

static void an_empty_list_is_a_violation(void **state) {
    (void)state;
    struct api_violations violations;
    api_violations_init(&violations, arena);
    api_validate_list_not_empty(
        BYTES_LITERAL("[1]"), API_PATH_REGISTER_TASKS, API_TASK_LIST_EMPTY, &violations
    );
    assert_int_equal(violations.count, 0);
    api_validate_list_not_empty(
        JSON_EMPTY_ARRAY, API_PATH_REGISTER_TASKS, API_TASK_LIST_EMPTY, &violations
    );
    assert_violation(&violations, "registerTaskDef.taskDefinitions", "TaskDefList is empty");
    assert_string_equal(
        api_path_index(arena, API_PATH_REGISTER_TASKS, 3), "registerTaskDef.taskDefinitions[3]"
    );
}

static void reports_end_at_the_limit(void **state) {
    (void)state;
    struct buffer tasks;
    buffer_init(&tasks, 1024 * 1024);
    for (int index = 0; index < LIMIT_API_VIOLATIONS; index++) {
        buffer_format(&tasks, "%s{\"type\":\"EVENT\"}", index == 0 ? "" : ",");
    }
    struct api_violations violations = with_tasks(arena_text(arena, buffer_bytes(&tasks)));
    assert_int_equal(violations.count, LIMIT_API_VIOLATIONS);
    buffer_deinit(&tasks);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(case_262_everything_wrong_is_reported_at_once),
        cmocka_unit_test(tasks_are_checked_in_branches_and_cases_but_not_in_loop_bodies),
        cmocka_unit_test(case_261_a_reference_name_is_unique_in_the_whole_tree),
        cmocka_unit_test(case_263_and_264_top_level_expressions_must_lead_somewhere),
        cmocka_unit_test(nested_inputs_are_not_checked_and_environment_names_are_known),
        cmocka_unit_test(each_type_requires_its_fields),
        cmocka_unit_test(case_265_a_loop_requires_a_condition_and_tasks),
        cmocka_unit_test(case_266_branching_types_require_cases),
        cmocka_unit_test(case_269_a_dynamic_fork_takes_one_style),
        cmocka_unit_test(case_267_terminate_has_a_literal_status_and_is_not_optional),
        cmocka_unit_test(case_270_a_wait_must_parse),
        cmocka_unit_test(case_268_templates_and_supported_types_are_asked_for),
        cmocka_unit_test(names_and_owners_are_checked_when_configured),
        cmocka_unit_test(a_task_definition_has_sane_numbers),
        cmocka_unit_test(case_271_the_timeouts_of_a_task_are_ordered),
        cmocka_unit_test(a_start_request_has_a_name_and_a_priority),
        cmocka_unit_test(a_result_names_its_workflow_and_task),
        cmocka_unit_test(an_empty_list_is_a_violation),
        cmocka_unit_test(reports_end_at_the_limit),
    };
    return cmocka_run_group_tests_name("proto/api validation", tests, setup, teardown);
}
