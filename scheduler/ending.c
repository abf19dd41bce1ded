// The end of a workflow is one write-set with what caused it. What belongs to other groups – a
// child to terminate, a parent to tell, a failure workflow to start – leaves as messages, so a
// cascade is asynchronous and of bounded size in each group (engine.md §16, 37).
// Open tasks are canceled with it, or in entries of their own when they are many (closing.h).
#include "scheduler/ending.h"

#include "proto/json/json.h"
#include "proto/limits.h"
#include "scheduler/closing.h"
#include "scheduler/context.h"
#include "scheduler/definition/catalog.h"
#include "scheduler/failed.h"
#include "scheduler/lifecycle.h"
#include "scheduler/message.h"
#include "scheduler/task.h"
#include "scheduler/tasks/kind.h"
#include "scheduler/timer.h"
#include "scheduler/view.h"
#include "storage/keys.h"

#include <string.h>

static err permissive_failures(struct workflow *workflow, bytes *out_reason);
static err compute_output(struct workflow *workflow, bytes *out_error);
static err last_task(struct workflow *workflow, struct task **out_task);
static void set_reason(struct workflow *workflow, bytes reason);
static err note_pending_failures(struct workflow *workflow);
static err start_failure_workflow(struct workflow *workflow);
static err
send_failure_workflow(struct workflow *workflow, bytes name, int64_t version, bytes input);
static bytes failure_workflow_name(struct workflow *workflow);
static err failure_input(struct workflow *workflow, bytes *out_json);
static err add_to_output(struct workflow *workflow, const char *key, bytes text);

err ending_apply(struct workflow *workflow, bool engine_driven) {
    struct workflow_ending *ending = &workflow->ending;
    bool successful = ending->status == API_WORKFLOW_COMPLETED;
    check(ending->wanted);
    bytes output_error = BYTES_EMPTY;
    if (successful) {
        TRY(compute_output(workflow, &output_error));
        if (output_error.data != NULL) {
            ending->status = API_WORKFLOW_FAILED;
            ending->reason = output_error;
            successful = false;
        }
        workflow_move(workflow, ending->status);
    } else {
        workflow_move(workflow, ending->status);
        TRY(compute_output(workflow, &output_error));
    }
    set_reason(workflow, ending->reason);
    if (ending->task != NULL && !successful && id_is_zero(workflow->row.failed_task)) {
        workflow->row.failed_task = ending->task->row.id;
    }
    workflow->row.end_ms = workflow->decision->now.ms;
    TRY(note_pending_failures(workflow));
    timer_disarm_workflow(workflow);
    timer_disarm_continue(workflow);
    TRY(closing_begin(workflow));
    workflow->row.pending.count = 0;
    lifecycle_forget_wishes(workflow);
    workflow->row.expanding.count = 0;
    if (!successful && engine_driven && workflow->definition->model.failure_workflow.size > 0) {
        TRY(start_failure_workflow(workflow));
    }
    return ending_tell_parent(workflow);
}

err ending_complete(struct workflow *workflow) {
    bytes reason = BYTES_EMPTY;
    TRY(permissive_failures(workflow, &reason));
    workflow_want_end(
        workflow, reason.data != NULL ? API_WORKFLOW_FAILED : API_WORKFLOW_COMPLETED, reason, NULL
    );
    return ending_apply(workflow, true);
}

// engine.md §2.3, last paragraph: only the newest attempt of each reference counts.
static err permissive_failures(struct workflow *workflow, bytes *out_reason) {
    struct arena *arena = workflow->decision->arena;
    const char *text = NULL;
    for (uint32_t i = 0; i < workflow->row.permissive.count; i++) {
        struct task *task = NULL;
        TRY(task_load(workflow, workflow->row.permissive.items[i], &task));
        struct task *newest = NULL;
        TRY(task_newest(workflow, task->row.reference, &newest, NULL));
        if (newest != task || task_is_successful(task)) {
            continue;
        }
        bytes id = task_id_text(task);
        bytes reason = (task->row.flags & TASK_HAS_REASON) != 0 ? task->row.reason : JSON_NULL_TEXT;
        text = arena_format(
            arena,
            "%s%sTask %.*s failed with status: %s and reason: '%.*s'",
            text != NULL ? text : "",
            text != NULL ? ". " : "",
            BYTES_ARG(id),
            api_task_status_text(task_status(task)),
            BYTES_ARG(reason)
        );
    }
    *out_reason = text != NULL ? bytes_from_text(text) : BYTES_EMPTY;
    return ERR_NONE;
}

// engine.md §8.1. `*out_error` is the reason to fail for when the output is over its limit.
static err compute_output(struct workflow *workflow, bytes *out_error) {
    const struct workflow_ending *ending = &workflow->ending;
    struct task *last = NULL;
    TRY(last_task(workflow, &last));
    if (last == NULL) {
        return ERR_NONE;
    }
    if (ending->by_terminate_task) {
        workflow_set_output(workflow, task_output(ending->task));
        return ERR_NONE;
    }
    bytes parameters = workflow->definition->model.output_parameters;
    if (json_count(parameters) == 0) {
        workflow_set_output(workflow, task_output(last));
        return ERR_NONE;
    }
    bytes output = BYTES_EMPTY;
    err error = context_evaluate(workflow, parameters, BYTES_EMPTY, &output);
    if (error.code != ERR_TOO_LARGE) {
        TRY(error);
    }
    if (err_is(error) || output.size > LIMIT_WORKFLOW_PAYLOAD_BYTES) {
        *out_error = bytes_from_text(arena_format(
            workflow->decision->arena,
            "The payload size: %zu of workflow: %.*s is greater than the permissible limit: %d "
            "bytes",
            output.size,
            BYTES_ARG(workflow->id_text),
            LIMIT_WORKFLOW_PAYLOAD_BYTES
        ));
        return ERR_NONE;
    }
    workflow_set_output(workflow, payload_store(workflow, output));
    return ERR_NONE;
}

// The newest task that is not SKIPPED; NULL: there is none.
static err last_task(struct workflow *workflow, struct task **out_task) {
    *out_task = NULL;
    for (uint32_t number = workflow->row.next_task_no; number > workflow->row.first_task_no;) {
        struct task *task = NULL;
        TRY(task_find(workflow, --number, &task));
        if (task != NULL && task->row.status != API_TASK_SKIPPED) {
            *out_task = task;
            return ERR_NONE;
        }
    }
    return ERR_NONE;
}

static void set_reason(struct workflow *workflow, bytes reason) {
    size_t size = reason.size;
    if (size > LIMIT_WORKFLOW_REASON_BYTES) {
        size = LIMIT_WORKFLOW_REASON_BYTES;
        while (size > 0 && (reason.data[size] & 0xc0) == 0x80) {
            size--;
        }
    }
    workflow->row.reason = bytes_slice(reason, 0, size);
    workflow->row.flags &= ~(uint32_t)WORKFLOW_HAS_REASON;
    if (reason.data != NULL) {
        workflow->row.flags |= WORKFLOW_HAS_REASON;
    }
    workflow->dirty = true;
}

// Failures that were never followed up – the workflow was PAUSED – belong to the lists all the
// same.
static err note_pending_failures(struct workflow *workflow) {
    for (uint32_t i = 0; i < workflow->row.pending.count; i++) {
        struct task *task = NULL;
        TRY(task_load(workflow, workflow->row.pending.items[i], &task));
        if (!task->definition->model.optional) {
            TRY(failed_note(task));
        }
    }
    return ERR_NONE;
}

err ending_tell_parent(struct workflow *workflow) {
    const struct workflow_row *row = &workflow->row;
    if (id_is_zero(row->parent) || (row->flags & WORKFLOW_ENDED_BY_PARENT) != 0) {
        return ERR_NONE;
    }
    bytes output = BYTES_EMPTY;
    TRY(payload_load(workflow, workflow_output(workflow), &output));
    struct message_row message = {
        .kind = MESSAGE_CHILD_DONE,
        .flags = (row->flags & WORKFLOW_HAS_REASON) != 0 ? MESSAGE_HAS_REASON : 0u,
        .workflow = workflow->id,
        .parent = row->parent,
        .parent_task = row->parent_task,
        .parent_run = row->parent_run,
        .parent_task_no = row->parent_task_no,
        .parent_attempt = row->parent_attempt,
        .name = row->name,
        .version = row->version,
        .status = row->status,
        .output = output,
        .reason = row->reason,
    };
    return message_send(
        workflow->decision, message_group_of(workflow->decision, row->parent), &message
    );
}

// engine.md §5.6
static err start_failure_workflow(struct workflow *workflow) {
    struct decision *decision = workflow->decision;
    const struct api_workflow_definition *model = &workflow->definition->model;
    bytes name = failure_workflow_name(workflow);
    if (bytes_trim(name).size == 0) {
        return ERR_NONE; // an input that names none wants none, as the reference was recorded to do
    }
    int64_t version =
        model->failure_workflow_version.present ? model->failure_workflow_version.value : 0;
    bytes input = BYTES_EMPTY;
    err error = catalog_workflow(decision->store, name, version, decision->arena, &input);
    if (!err_is(error)) {
        error = failure_input(workflow, &input);
    }
    if (err_is(error) && error.code != ERR_CORRUPT) {
        const char *text = arena_format(
            decision->arena,
            "Error workflow %.*s failed to start.  reason: %s",
            BYTES_ARG(name),
            error.text
        );
        return add_to_output(workflow, "conductor.failure_workflow", bytes_from_text(text));
    }
    TRY(error);
    TRY(send_failure_workflow(workflow, name, version, input));
    bytes id = workflow_id_text(decision, workflow->row.failure_workflow);
    return add_to_output(workflow, "conductor.failure_workflow", id);
}

static err
send_failure_workflow(struct workflow *workflow, bytes name, int64_t version, bytes input) {
    struct decision *decision = workflow->decision;
    uint16_t slot = (uint16_t)random_below(decision->random, ID_SLOT_COUNT);
    workflow->row.failure_workflow = id_mint(slot, decision->now.ms, decision->random);
    bytes domains = BYTES_EMPTY;
    TRY(payload_load(
        workflow,
        (struct payload){workflow->row.domains_blob, workflow->row.domains_bytes},
        &domains
    ));
    struct message_row message = {
        .kind = MESSAGE_START_FAILURE,
        .flags =
            (workflow->row.flags & WORKFLOW_HAS_CORRELATION) != 0 ? MESSAGE_HAS_CORRELATION : 0u,
        .workflow = workflow->row.failure_workflow,
        .name = name,
        .version = version,
        .input = input,
        .correlation = workflow->row.correlation,
        .task_to_domain = domains,
    };
    return message_send(
        decision, message_group_of(decision, workflow->row.failure_workflow), &message
    );
}

// A name that begins with `$` is cut at its dots; the third piece names a key of the input.
static bytes failure_workflow_name(struct workflow *workflow) {
    bytes name = workflow->definition->model.failure_workflow;
    if (name.data[0] != '$') {
        return name;
    }
    size_t first = bytes_find(name, 0, '.');
    size_t second = first < name.size ? bytes_find(name, first + 1, '.') : name.size;
    if (second >= name.size) {
        return BYTES_EMPTY;
    }
    size_t third = bytes_find(name, second + 1, '.');
    bytes input = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    err error = payload_load(workflow, workflow_input(workflow), &input);
    if (err_is(error) || !json_get(input, bytes_slice(name, second + 1, third), &value) ||
        !json_is_string(value)) {
        return BYTES_EMPTY;
    }
    return json_string(value, workflow->decision->arena);
}

static err failure_input(struct workflow *workflow, bytes *out_json) {
    const struct workflow_row *row = &workflow->row;
    struct arena *arena = workflow->decision->arena;
    bytes input = BYTES_EMPTY;
    TRY(payload_load(workflow, workflow_input(workflow), &input));
    bytes execution = BYTES_EMPTY;
    TRY(view_workflow(workflow, true, LIMIT_REPLY_BYTES, &execution));
    struct buffer buffer;
    buffer_init(&buffer, LIMIT_REPLY_BYTES);
    struct json_writer writer = json_writer(&buffer);
    json_object_begin(&writer);
    json_member_text(&writer, "workflowId", workflow->id_text);
    json_key(&writer, "reason");
    if ((row->flags & WORKFLOW_HAS_REASON) != 0) {
        json_text(&writer, row->reason);
    } else {
        json_null(&writer);
    }
    json_member_text(
        &writer,
        "failureStatus",
        bytes_from_text(api_workflow_status_text(workflow_status(workflow)))
    );
    if (!id_is_zero(row->failed_task)) {
        json_member_text(
            &writer, "failureTaskId", workflow_id_text(workflow->decision, row->failed_task)
        );
    }
    json_member_raw(&writer, "failedWorkflow", execution);
    json_object_end(&writer);
    bytes added = BYTES_EMPTY;
    TRY(payload_take(&buffer, arena, &added));
    *out_json = json_merge(input, added, arena);
    if (out_json->size > LIMIT_WORKFLOW_PAYLOAD_BYTES) {
        return err_make(ERR_TOO_LARGE, "the failed execution is too large for an input");
    }
    return ERR_NONE;
}

static err add_to_output(struct workflow *workflow, const char *key, bytes text) {
    struct arena *arena = workflow->decision->arena;
    bytes output = BYTES_EMPTY;
    TRY(payload_load(workflow, workflow_output(workflow), &output));
    struct buffer buffer;
    buffer_init(&buffer, LIMIT_REPLY_BYTES);
    struct json_writer writer = json_writer(&buffer);
    json_object_begin(&writer);
    json_member_text(&writer, key, text);
    json_object_end(&writer);
    bytes added = BYTES_EMPTY;
    TRY(payload_take(&buffer, arena, &added));
    bytes merged = json_merge(output, added, arena);
    workflow_set_output(workflow, payload_store(workflow, merged));
    return ERR_NONE;
}
