// The source behind expression.h: `lookup` turns a root name and a field into one row and at most
// one payload. A corrupt row cannot be reported through the expression language, which never fails;
// it is remembered and returned after the evaluation.
#include "scheduler/context.h"

#include "proto/json/json.h"
#include "proto/limits.h"
#include "scheduler/tasks/kind.h"
#include "scheduler/view.h"

struct source {
    struct workflow *workflow;
    bytes task_id;
    struct context_ahead *ahead;
    uint32_t ahead_end; // the index of the task whose parameters they are
    err error;
};

static err evaluate(struct source *source, bytes parameters, bytes *out_json);
static bool
is_ahead(struct source *source, bytes root, bytes field, bool *out_found, bytes *out_value);
static bool lookup(void *argument, bytes root, bytes field, struct arena *arena, bytes *out_value);
static bool member(void *argument, bytes root, bytes field, bytes name, bytes *out_value);
static bool variable(void *argument, bytes name, struct arena *arena, bytes *out_text);
static bool secret(void *argument, bytes name, struct arena *arena, bytes *out_text);
static bool named_text(bytes texts, bytes name, struct arena *arena, bytes *out_text);
static void roots(void *argument, void (*visit)(void *visitor, bytes root), void *visitor);
static bool workflow_field(struct source *source, bytes field, bytes *out_value);
static bool task_field(struct source *source, struct task *task, bytes field, bytes *out_value);
static bytes whole(struct source *source, struct task *task, const char *const *fields);
static err under_template(struct workflow *workflow, bytes input_template, bytes *parameters);
static err nulls_from_template(struct workflow *workflow, bytes input_template, bytes *object);

static const char *const workflow_fields[] = {
    "input",
    "output",
    "status",
    "workflowId",
    "parentWorkflowId",
    "parentWorkflowTaskId",
    "workflowType",
    "version",
    "correlationId",
    "reasonForIncompletion",
    "schemaVersion",
    "variables",
    NULL,
};

static const char *const task_fields[] = {
    "input",
    "output",
    "taskType",
    "status",
    "referenceTaskName",
    "retryCount",
    "correlationId",
    "pollCount",
    "taskDefName",
    "scheduledTime",
    "startTime",
    "endTime",
    "workflowInstanceId",
    "taskId",
    "reasonForIncompletion",
    "callbackAfterSeconds",
    "workerId",
    "iteration",
    NULL,
};

err context_evaluate(struct workflow *workflow, bytes parameters, bytes task_id, bytes *out_json) {
    struct source source = {.workflow = workflow, .task_id = task_id};
    return evaluate(&source, parameters, out_json);
}

static err evaluate(struct source *source, bytes parameters, bytes *out_json) {
    if (!expression_is_present(parameters)) {
        *out_json = parameters;
        return ERR_NONE;
    }
    struct expression_source names = {
        .argument = source,
        .lookup = lookup,
        .member = member,
        .variable = variable,
        .roots = roots,
    };
    TRY(expression_evaluate(parameters, &names, source->workflow->decision->arena, out_json));
    return source->error;
}

err context_reveal(struct decision *decision, bytes input, bytes *out_json) {
    struct expression_source names = {.argument = decision, .variable = secret};
    return expression_reveal(input, &names, decision->arena, out_json);
}

err context_task_input(
    struct workflow *workflow,
    const struct definition_task *definition,
    const struct context_options *options,
    bytes *out_json
) {
    bytes parameters = definition->model.input_parameters;
    bytes input_template = JSON_EMPTY_OBJECT;
    if (options->with_template && definition->has_task_definition) {
        input_template = definition->task_definition.input_template;
    }
    bool templated = json_is_object(input_template) && json_count(input_template) > 0;
    if (templated) {
        TRY(under_template(workflow, input_template, &parameters));
    }
    struct source source = {
        .workflow = workflow,
        .task_id = options->task_id,
        .ahead = options->ahead,
        .ahead_end = definition->index,
    };
    TRY(evaluate(&source, parameters, out_json));
    if (templated) {
        TRY(nulls_from_template(workflow, input_template, out_json));
    }
    return ERR_NONE;
}

static bool lookup(void *argument, bytes root, bytes field, struct arena *arena, bytes *out_value) {
    (void)arena;
    struct source *source = argument;
    struct workflow *workflow = source->workflow;
    bool is_workflow = bytes_equal_text(root, "workflow");
    struct task *task = NULL;
    bool found = false;
    if (source->ahead != NULL && is_ahead(source, root, field, &found, out_value)) {
        return found;
    }
    if (!is_workflow || definition_find(workflow->definition, root) != NULL) {
        err error = task_latest(workflow, root, &task);
        if (err_is(error)) {
            source->error = error;
            return false;
        }
    }
    if (task == NULL && !is_workflow) {
        return false;
    }
    if (field.size == 0) {
        *out_value = whole(source, task, task != NULL ? task_fields : workflow_fields);
        return true;
    }
    return task != NULL ? task_field(source, task, field, out_value)
                        : workflow_field(source, field, out_value);
}

// Whether this cannot be read from rows, for it is yet to come: then it is known all the same, or
// noted as unknown.
static bool
is_ahead(struct source *source, bytes root, bytes field, bool *out_found, bytes *out_value) {
    struct context_ahead *ahead = source->ahead;
    const struct definition_task *task = definition_find(source->workflow->definition, root);
    if (task == NULL) {
        bool changes = ahead->variables_change && bytes_equal_text(root, "workflow") &&
                       (field.size == 0 || bytes_equal_text(field, "variables"));
        ahead->unknown = ahead->unknown || changes;
        return changes;
    }
    if (task->index < ahead->from || task->index >= source->ahead_end) {
        return false;
    }
    for (uint32_t i = 0; i < ahead->output_count && !*out_found; i++) {
        if (ahead->outputs[i].index == task->index && bytes_equal_text(field, "output")) {
            *out_value = ahead->outputs[i].json;
            *out_found = true;
        }
    }
    ahead->unknown = ahead->unknown || !*out_found;
    return true;
}

// One member of the output of a loop that runs: the whole grows with every iteration.
static bool member(void *argument, bytes root, bytes field, bytes name, bytes *out_value) {
    struct source *source = argument;
    struct workflow *workflow = source->workflow;
    const struct definition_task *definition = definition_find(workflow->definition, root);
    struct task *task = NULL;
    bytes output = BYTES_EMPTY;
    if (definition == NULL || definition->type != TASK_TYPE_DO_WHILE ||
        !bytes_equal_text(field, "output") || source->ahead != NULL) {
        return false;
    }
    err error = task_latest(workflow, root, &task);
    if (!err_is(error) && task != NULL && !task_is_terminal(task)) {
        error = do_while_output(task, name, &output);
    }
    if (err_is(error)) {
        source->error = error;
    }
    return output.data != NULL && json_get(output, name, out_value);
}

static bool variable(void *argument, bytes name, struct arena *arena, bytes *out_text) {
    const struct source *source = argument;
    bytes prefix = BYTES_LITERAL("workflow.env.");
    if (bytes_starts_with(name, prefix)) {
        bytes environment = source->workflow->decision->settings->environment;
        return named_text(environment, bytes_slice(name, prefix.size, name.size), arena, out_text);
    }
    if (!bytes_equal_text(name, "CPEWF_TASK_ID")) {
        return false;
    }
    if (source->ahead != NULL) {
        source->ahead->unknown = true; // it has no number yet
    }
    if (source->task_id.data == NULL) {
        return false;
    }
    *out_text = source->task_id;
    return true;
}

static bool secret(void *argument, bytes name, struct arena *arena, bytes *out_text) {
    const struct decision *decision = argument;
    size_t prefix = sizeof "workflow.secrets." - 1;
    return named_text(
        decision->settings->secrets, bytes_slice(name, prefix, name.size), arena, out_text
    );
}

static bool named_text(bytes texts, bytes name, struct arena *arena, bytes *out_text) {
    bytes value = BYTES_EMPTY;
    if (texts.data == NULL || !json_get(texts, name, &value)) {
        return false;
    }
    *out_text = json_string(value, arena);
    return true;
}

static void roots(void *argument, void (*visit)(void *visitor, bytes root), void *visitor) {
    struct source *source = argument;
    const struct definition *definition = source->workflow->definition;
    if (source->ahead != NULL) {
        source->ahead->unknown = true;
    }
    visit(visitor, BYTES_LITERAL("workflow"));
    for (uint32_t i = 0; i < definition->task_count; i++) {
        bytes reference = definition->tasks[i].model.task_reference_name;
        struct task *task = NULL;
        err error = task_latest(source->workflow, reference, &task);
        if (err_is(error)) {
            source->error = error;
        } else if (task != NULL) {
            visit(visitor, reference);
        }
    }
}

static bytes number_text(struct source *source, int64_t number) {
    return bytes_from_text(
        arena_format(source->workflow->decision->arena, "%lld", (long long)number)
    );
}

static bytes text_value(struct source *source, bytes text) {
    return json_string_value(text, source->workflow->decision->arena);
}

static bytes nullable_value(struct source *source, bool present, bytes text) {
    return present ? text_value(source, text) : JSON_NULL_TEXT;
}

static bool payload_value(struct source *source, struct payload payload, bytes *out_value) {
    err error = payload_load(source->workflow, payload, out_value);
    if (err_is(error)) {
        source->error = error;
        return false;
    }
    return true;
}

static bool workflow_field(struct source *source, bytes field, bytes *out_value) {
    struct workflow *workflow = source->workflow;
    const struct workflow_row *row = &workflow->row;
    if (bytes_equal_text(field, "input")) {
        return payload_value(source, workflow_input(workflow), out_value);
    }
    if (bytes_equal_text(field, "output")) {
        return payload_value(source, workflow_output(workflow), out_value);
    }
    if (bytes_equal_text(field, "variables")) {
        return payload_value(source, workflow_variables(workflow), out_value);
    }
    bool child = !id_is_zero(row->parent);
    struct decision *decision = workflow->decision;
    if (bytes_equal_text(field, "status")) {
        *out_value = text_value(
            source, bytes_from_text(api_workflow_status_text(workflow_status(workflow)))
        );
    } else if (bytes_equal_text(field, "workflowId")) {
        *out_value = text_value(source, workflow->id_text);
    } else if (bytes_equal_text(field, "parentWorkflowId")) {
        *out_value = nullable_value(source, child, workflow_id_text(decision, row->parent));
    } else if (bytes_equal_text(field, "parentWorkflowTaskId")) {
        *out_value = nullable_value(source, child, workflow_id_text(decision, row->parent_task));
    } else if (bytes_equal_text(field, "workflowType")) {
        *out_value = text_value(source, row->name);
    } else if (bytes_equal_text(field, "version")) {
        *out_value = number_text(source, row->version);
    } else if (bytes_equal_text(field, "schemaVersion")) {
        *out_value = number_text(source, workflow->definition->model.schema_version);
    } else if (bytes_equal_text(field, "correlationId")) {
        *out_value =
            nullable_value(source, (row->flags & WORKFLOW_HAS_CORRELATION) != 0, row->correlation);
    } else if (bytes_equal_text(field, "reasonForIncompletion")) {
        *out_value = nullable_value(source, (row->flags & WORKFLOW_HAS_REASON) != 0, row->reason);
    } else {
        return false;
    }
    return true;
}

static bool task_field(struct source *source, struct task *task, bytes field, bytes *out_value) {
    const struct task_row *row = &task->row;
    const struct workflow_row *header = &source->workflow->row;
    if (bytes_equal_text(field, "input") || bytes_equal_text(field, "output")) {
        bool input = field.data[0] == 'i';
        err error = input ? view_input(task, out_value) : view_output(task, out_value);
        source->error = err_is(error) ? error : source->error;
        return !err_is(error);
    }
    if (bytes_equal_text(field, "taskType")) {
        *out_value = text_value(source, task_type_text(task->definition));
    } else if (bytes_equal_text(field, "status")) {
        *out_value = text_value(source, bytes_from_text(api_task_status_text(task_status(task))));
    } else if (bytes_equal_text(field, "referenceTaskName")) {
        *out_value = text_value(source, row->reference);
    } else if (bytes_equal_text(field, "retryCount")) {
        *out_value = number_text(source, row->retry_count);
    } else if (bytes_equal_text(field, "correlationId")) {
        *out_value = nullable_value(
            source, (header->flags & WORKFLOW_HAS_CORRELATION) != 0, header->correlation
        );
    } else if (bytes_equal_text(field, "pollCount")) {
        *out_value = number_text(source, row->poll_count);
    } else if (bytes_equal_text(field, "taskDefName")) {
        *out_value = text_value(source, task_definition_name(task));
    } else if (bytes_equal_text(field, "scheduledTime")) {
        *out_value = number_text(source, row->scheduled_ms);
    } else if (bytes_equal_text(field, "startTime")) {
        *out_value = number_text(source, row->start_ms);
    } else if (bytes_equal_text(field, "endTime")) {
        *out_value = number_text(source, row->end_ms);
    } else if (bytes_equal_text(field, "workflowInstanceId")) {
        *out_value = text_value(source, source->workflow->id_text);
    } else if (bytes_equal_text(field, "taskId")) {
        *out_value = text_value(source, task_id_text(task));
    } else if (bytes_equal_text(field, "reasonForIncompletion")) {
        *out_value = nullable_value(source, (row->flags & TASK_HAS_REASON) != 0, row->reason);
    } else if (bytes_equal_text(field, "callbackAfterSeconds")) {
        *out_value = number_text(source, row->callback_s);
    } else if (bytes_equal_text(field, "workerId")) {
        *out_value = nullable_value(source, (row->flags & TASK_HAS_WORKER) != 0, row->worker);
    } else if (bytes_equal_text(field, "iteration")) {
        *out_value = number_text(source, row->iteration);
    } else {
        return false;
    }
    return true;
}

static bytes whole(struct source *source, struct task *task, const char *const *fields) {
    struct buffer buffer;
    buffer_init(&buffer, LIMIT_REPLY_BYTES);
    struct json_writer writer = json_writer(&buffer);
    json_object_begin(&writer);
    for (size_t i = 0; fields[i] != NULL; i++) {
        bytes field = bytes_from_text(fields[i]);
        bytes value = BYTES_EMPTY;
        bool found = task != NULL ? task_field(source, task, field, &value)
                                  : workflow_field(source, field, &value);
        if (found) {
            json_member_raw(&writer, fields[i], value);
        }
    }
    json_object_end(&writer);
    bytes text = JSON_EMPTY_OBJECT;
    err error = payload_take(&buffer, source->workflow->decision->arena, &text);
    if (err_is(error)) {
        source->error = error;
    }
    return text;
}

static err under_template(struct workflow *workflow, bytes input_template, bytes *parameters) {
    *parameters = json_merge(input_template, *parameters, workflow->decision->arena);
    // A null parameter gives way to the template, too.
    return nulls_from_template(workflow, input_template, parameters);
}

// engine.md §9.7: a key that is null and that the template knows gets the template's raw value.
static err nulls_from_template(struct workflow *workflow, bytes input_template, bytes *object) {
    struct buffer buffer;
    buffer_init(&buffer, LIMIT_REPLY_BYTES);
    struct json_writer writer = json_writer(&buffer);
    json_object_begin(&writer);
    struct json_iter iter = json_iter(*object);
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    while (json_next_member(&iter, &key, &value)) {
        bytes raw = BYTES_EMPTY;
        bool replaced = json_is_null(value) &&
                        json_get(input_template, json_string(key, workflow->decision->arena), &raw);
        json_raw_key(&writer, key);
        json_raw(&writer, replaced ? raw : value);
    }
    json_object_end(&writer);
    return payload_take(&buffer, workflow->decision->arena, object);
}
