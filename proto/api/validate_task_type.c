// What each type of task requires of its definition (engine.md §11.2), one function a type that has
// rules, found in a table.
#include "proto/api/validate_internal.h"

#include <string.h>

static void violate(const struct validation *validation, const char *path, const char *message) {
    validation_add(validation, path, NULL, message, BYTES_EMPTY);
}

static void require(
    const struct validation *validation,
    const char *path,
    const struct api_workflow_task *task,
    bool given,
    const char *field
) {
    if (!given) {
        const char *message = arena_format(
            validation->arena,
            "%s field is required for taskType: %.*s taskName: %.*s",
            field,
            BYTES_ARG(task->type),
            BYTES_ARG(validation_shown(task->name))
        );
        violate(validation, path, message);
    }
}

static void require_one(
    const struct validation *validation,
    const char *path,
    const struct api_workflow_task *task,
    bytes container,
    const char *field
) {
    if (container.data == NULL) {
        require(validation, path, task, false, field);
    } else if (validation_is_empty(container)) {
        const char *message = arena_format(
            validation->arena,
            "%s should have atleast one task for taskType: %.*s taskName: %.*s",
            field,
            BYTES_ARG(task->type),
            BYTES_ARG(validation_shown(task->name))
        );
        violate(validation, path, message);
    }
}

static bool has_input(const struct api_workflow_task *task, const char *key, bytes *out_value) {
    bytes value = BYTES_EMPTY;
    if (task->input_parameters.data == NULL ||
        !json_get_text(task->input_parameters, key, &value)) {
        return false;
    }
    *out_value = value;
    return true;
}

static bool has_input_key(const struct api_workflow_task *task, const char *key) {
    bytes ignored;
    return has_input(task, key, &ignored);
}

// Whether the registered task definition's template has the key.
static bool has_template_key(
    const struct validation *validation, const struct api_workflow_task *task, const char *key
) {
    const struct api_validate_options *options = validation->options;
    bytes template = BYTES_EMPTY;
    bytes ignored;
    return options->input_template != NULL && task->name.data != NULL &&
           options->input_template(options->argument, task->name, validation->arena, &template) &&
           json_get_text(template, key, &ignored);
}

typedef void (*type_rule
)(const struct validation *validation, const char *path, const struct api_workflow_task *task);

static void validate_event(
    const struct validation *validation, const char *path, const struct api_workflow_task *task
) {
    require(validation, path, task, task->sink.data != NULL, "sink");
}

static void require_javascript(
    const struct validation *validation,
    const char *path,
    const struct api_workflow_task *task,
    bytes text
) {
    const struct api_validate_options *options = validation->options;
    bytes error = BYTES_EMPTY;
    if (text.data == NULL || options->is_javascript == NULL ||
        options->is_javascript(options->argument, text, validation->arena, &error)) {
        return;
    }
    const char *message = arena_format(
        validation->arena,
        "Expression is not well formatted: %.*s, taskType: %.*s taskName %.*s",
        BYTES_ARG(error),
        BYTES_ARG(task->type),
        BYTES_ARG(validation_shown(task->name))
    );
    violate(validation, path, message);
}

static void validate_decision(
    const struct validation *validation, const char *path, const struct api_workflow_task *task
) {
    bool given = task->case_value_param.data != NULL || task->case_expression.data != NULL;
    require(validation, path, task, given, "caseValueParam or caseExpression");
    require_one(validation, path, task, task->decision_cases, "decisionCases");
    require_javascript(validation, path, task, task->case_expression);
}

static void validate_switch(
    const struct validation *validation, const char *path, const struct api_workflow_task *task
) {
    if (task->evaluator_type.data == NULL) {
        require(validation, path, task, false, "evaluatorType");
    } else {
        require(validation, path, task, task->expression.data != NULL, "expression");
    }
    require_one(validation, path, task, task->decision_cases, "decisionCases");
    if (bytes_equal_text(task->evaluator_type, "javascript")) {
        require_javascript(validation, path, task, task->expression);
    }
}

static void validate_dynamic(
    const struct validation *validation, const char *path, const struct api_workflow_task *task
) {
    bool given = task->dynamic_task_name_param.data != NULL;
    require(validation, path, task, given, "dynamicTaskNameParam");
}

static void validate_fork_join(
    const struct validation *validation, const char *path, const struct api_workflow_task *task
) {
    if (task->fork_tasks.data != NULL) {
        require_one(validation, path, task, task->fork_tasks, "forkTasks");
    }
}

static void validate_dynamic_fork(
    const struct validation *validation, const char *path, const struct api_workflow_task *task
) {
    bool legacy = task->dynamic_fork_join_tasks_param.data != NULL;
    bool tasks = task->dynamic_fork_tasks_param.data != NULL;
    bool inputs = task->dynamic_fork_tasks_input_param_name.data != NULL;
    if (has_input_key(task, "forkTaskInputs")) {
        return;
    }
    if (legacy && (tasks || inputs)) {
        const char *message = arena_format(
            validation->arena,
            "dynamicForkJoinTasksParam or combination of dynamicForkTasksInputParamName and "
            "dynamicForkTasksParam cam be used for taskType: %.*s taskName: %.*s",
            BYTES_ARG(task->type),
            BYTES_ARG(validation_shown(task->name))
        );
        violate(validation, path, message);
    } else if (!legacy) {
        require(validation, path, task, tasks, "dynamicForkTasksParam");
        require(validation, path, task, inputs, "dynamicForkTasksInputParamName");
    }
}

static void validate_do_while(
    const struct validation *validation, const char *path, const struct api_workflow_task *task
) {
    require(validation, path, task, task->loop_condition.data != NULL, "loopCondition");
    bool body = !validation_is_empty(task->loop_over);
    require(validation, path, task, body, "loopOver");
}

static void validate_sub_workflow(
    const struct validation *validation, const char *path, const struct api_workflow_task *task
) {
    bool given = task->sub_workflow_param.data != NULL;
    require(validation, path, task, given, "subWorkflowParam");
}

static void validate_http(
    const struct validation *validation, const char *path, const struct api_workflow_task *task
) {
    bool given = has_input_key(task, "http_request") || has_input_key(task, "uri") ||
                 has_input_key(task, "method") ||
                 has_template_key(validation, task, "http_request");
    require(validation, path, task, given, "inputParameters.http_request or inputParameters.uri");
}

static void validate_kafka_publish(
    const struct validation *validation, const char *path, const struct api_workflow_task *task
) {
    bool given =
        has_input_key(task, "kafka_request") || has_template_key(validation, task, "kafka_request");
    require(validation, path, task, given, "inputParameters.kafka_request");
}

static void validate_jq(
    const struct validation *validation, const char *path, const struct api_workflow_task *task
) {
    bool given = has_input_key(task, "queryExpression") ||
                 has_template_key(validation, task, "queryExpression");
    require(validation, path, task, given, "inputParameters.queryExpression");
}

static void validate_terminate(
    const struct validation *validation, const char *path, const struct api_workflow_task *task
) {
    bytes name = validation_shown(task->name);
    if (task->optional) {
        const char *message = arena_format(
            validation->arena, "terminate task cannot be optional, taskName: %.*s", BYTES_ARG(name)
        );
        violate(validation, path, message);
    }
    bytes status = BYTES_EMPTY;
    bool allowed = has_input(task, "terminationStatus", &status) && json_is_string(status) &&
                   (json_string_equal(status, BYTES_LITERAL("COMPLETED")) ||
                    json_string_equal(status, BYTES_LITERAL("FAILED")) ||
                    json_string_equal(status, BYTES_LITERAL("TERMINATED")));
    if (!allowed) {
        const char *message = arena_format(
            validation->arena,
            "terminate task must have an terminationStatus parameter and must be set to COMPLETED "
            "or FAILED, taskName: %.*s",
            BYTES_ARG(name)
        );
        violate(validation, path, message);
    }
}

static bool is_digit(uint8_t byte) {
    return byte >= '0' && byte <= '9';
}

// Letters as bits of 0x20 set: good enough for the units of a duration.
static bool has_word(bytes text, const char *word) {
    size_t size = strlen(word);
    for (size_t at = 0; at < size; at++) {
        if (at >= text.size || (text.data[at] | 0x20) != (uint8_t)word[at]) {
            return false;
        }
    }
    return true;
}

static bytes skip_blanks(bytes text) {
    while (text.size > 0 && (text.data[0] == ' ' || (text.data[0] >= '\t' && text.data[0] <= '\r'))
    ) {
        text = bytes_slice(text, 1, text.size);
    }
    return text;
}

// `<n> day …` in the order days, hours, minutes, seconds, each at most once (engine.md §10.16).
static bool is_duration(bytes text) {
    // Longer spellings first.
    static const char *const units[4][6] = {
        {"days", "day", "d"},
        {"hours", "hour", "hrs", "hr", "h"},
        {"minutes", "minute", "mins", "min", "m"},
        {"seconds", "second", "secs", "sec", "s"},
    };
    size_t unit = 0;
    for (text = skip_blanks(text); text.size > 0; text = skip_blanks(text)) {
        size_t digits = 0;
        while (digits < text.size && is_digit(text.data[digits])) {
            digits++;
        }
        if (digits == 0) {
            return false;
        }
        text = skip_blanks(bytes_slice(text, digits, text.size));
        size_t taken = 0;
        for (; unit < 4 && taken == 0; unit++) {
            for (size_t word = 0; word < 6 && units[unit][word] != NULL && taken == 0; word++) {
                taken = has_word(text, units[unit][word]) ? strlen(units[unit][word]) : 0;
            }
        }
        if (taken == 0) {
            return false;
        }
        text = bytes_slice(text, taken, text.size);
    }
    return true;
}

// Two digits at `at`, at most `most` and at least `least`.
static bool has_two_digits(bytes text, size_t at, int least, int most) {
    if (at + 2 > text.size || !is_digit(text.data[at]) || !is_digit(text.data[at + 1])) {
        return false;
    }
    int value = (text.data[at] - '0') * 10 + text.data[at + 1] - '0';
    return value >= least && value <= most;
}

// `yyyy-MM-dd`, `yyyy-MM-dd HH:mm`, `yyyy-MM-dd HH:mm zone`.
static bool is_date(bytes text) {
    bool day = text.size >= 10 && has_two_digits(text, 0, 0, 99) &&
               has_two_digits(text, 2, 0, 99) && text.data[4] == '-' &&
               has_two_digits(text, 5, 1, 12) && text.data[7] == '-' &&
               has_two_digits(text, 8, 1, 31);
    if (!day || text.size == 10) {
        return day;
    }
    bool minute = text.size >= 16 && text.data[10] == ' ' && has_two_digits(text, 11, 0, 23) &&
                  text.data[13] == ':' && has_two_digits(text, 14, 0, 59);
    return minute && (text.size == 16 || (text.size > 17 && text.data[16] == ' '));
}

// The text of an input, blank when it is missing.
static bytes input_text(
    const struct validation *validation, const struct api_workflow_task *task, const char *key
) {
    bytes value = BYTES_EMPTY;
    if (!has_input(task, key, &value) || json_is_null(value)) {
        return BYTES_EMPTY;
    }
    return bytes_trim(json_is_string(value) ? json_string(value, validation->arena) : value);
}

static void validate_wait(
    const struct validation *validation, const char *path, const struct api_workflow_task *task
) {
    bytes duration = input_text(validation, task, "duration");
    bytes until = input_text(validation, task, "until");
    bytes expression = BYTES_LITERAL("${");
    if (duration.size > 0 && until.size > 0) {
        violate(
            validation, path, "Both 'duration' and 'until' specified. Please provide only one input"
        );
    }
    if (duration.size > 0 && !bytes_starts_with(duration, expression)) {
        if (!is_duration(duration)) {
            violate(validation, path, "Either date or duration is passed as null ");
        }
    } else if (until.size > 0 && !bytes_starts_with(until, expression) && !is_date(until)) {
        violate(validation, path, "Unable to parse date ");
    }
}

static const struct {
    const char *type;
    type_rule rule;
} type_rules[] = {
    {"EVENT", validate_event},
    {"DECISION", validate_decision},
    {"SWITCH", validate_switch},
    {"DYNAMIC", validate_dynamic},
    {"FORK_JOIN", validate_fork_join},
    {"FORK_JOIN_DYNAMIC", validate_dynamic_fork},
    {"DO_WHILE", validate_do_while},
    {"SUB_WORKFLOW", validate_sub_workflow},
    {"HTTP", validate_http},
    {"KAFKA_PUBLISH", validate_kafka_publish},
    {"JSON_JQ_TRANSFORM", validate_jq},
    {"TERMINATE", validate_terminate},
    {"WAIT", validate_wait},
};

void validate_task_type(
    const struct validation *validation, const char *path, const struct api_workflow_task *task
) {
    const struct api_validate_options *options = validation->options;
    if (task->type.data == NULL) {
        return;
    }
    for (size_t index = 0; index < sizeof(type_rules) / sizeof(type_rules[0]); index++) {
        if (bytes_equal_text(task->type, type_rules[index].type)) {
            type_rules[index].rule(validation, path, task);
        }
    }
    if (options->is_type_supported != NULL &&
        !options->is_type_supported(options->argument, task->type)) {
        const char *message = arena_format(
            validation->arena,
            "taskType: %.*s is not supported by this server, taskName: %.*s",
            BYTES_ARG(task->type),
            BYTES_ARG(validation_shown(task->name))
        );
        violate(validation, path, message);
    }
}
