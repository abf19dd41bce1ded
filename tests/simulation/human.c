#include "tests/simulation/human.h"

#include "proto/json/json.h"
#include "tests/simulation/read.h"

#include <stdio.h>

static bool is_worker_task(struct scene *scene, const struct task_view *task) {
    for (uint32_t i = 0; i < scene->flows.type_count; i++) {
        if (raw_is(task->type, scene->flows.types[i].name)) {
            return true;
        }
    }
    return false;
}

// A task to do something with by hand; NULL: none.
static const struct task_view *
find_open(struct scene *scene, const struct execution *execution, bool *out_returns) {
    *out_returns = false;
    for (uint32_t i = 0; i < execution->task_count; i++) {
        const struct task_view *task = &execution->tasks[i];
        if (!bytes_equal_text(task->status, "IN_PROGRESS")) {
            continue;
        }
        if (raw_is(task->type, "HUMAN") ||
            (raw_is(task->type, "WAIT") && world_maybe(scene->world, 100))) {
            return task;
        }
        if (!scene->settling && world_maybe(scene->world, scene->swarm.stranger) &&
            is_worker_task(scene, task)) {
            *out_returns = true;
            return task;
        }
    }
    return NULL;
}

static const char *status_of(const struct human_update *update) {
    return update->returns ? "IN_PROGRESS" : "COMPLETED";
}

static void write_output(struct json_writer *writer, int64_t value) {
    json_object_begin(writer);
    json_member_int(writer, "value", value);
    json_object_end(writer);
}

static void
write_result(struct json_writer *writer, const char *workflow, const struct human_update *update) {
    struct id_text task = id_text(update->task);
    json_object_begin(writer);
    json_member_text(writer, "taskId", bytes_from_text(task.text));
    json_member_text(writer, "workflowInstanceId", bytes_from_text(workflow));
    json_member_text(writer, "status", bytes_from_text(status_of(update)));
    json_key(writer, "outputData");
    write_output(writer, update->value);
    json_object_end(writer);
}

bool human_ask(
    struct scene *scene,
    const struct execution *execution,
    machine_answered answered,
    void *argument,
    struct human_update *out_update
) {
    bool returns = false;
    const struct task_view *task = find_open(scene, execution, &returns);
    if (task == NULL) {
        return false;
    }
    struct human_update update = {task->id, ++scene->values, returns};
    struct id_text name = id_text(execution->id);
    ledger_sent(scene->ledger, update.task, status_of(&update), update.value);
    if (returns) {
        ledger_returning(scene->ledger, update.task);
    }
    world_trace(scene->world, "client says %s %s", id_text(update.task).text, status_of(&update));
    buffer_clear(&scene->body);
    struct json_writer writer = json_writer(&scene->body);
    char path[160] = "/api/tasks";
    // A reference may mean a newer attempt by the time it arrives, which the ledger could not tell.
    if (!returns && world_maybe(scene->world, 500)) {
        (void)snprintf(
            path,
            sizeof(path),
            "/api/tasks/%s/%.*s/%s",
            name.text,
            BYTES_ARG(bytes_slice(task->reference, 1, task->reference.size - 1)),
            status_of(&update)
        );
        write_output(&writer, update.value);
    } else {
        write_result(&writer, name.text, &update);
    }
    struct question question = {"POST", path, "", buffer_bytes(&scene->body)};
    *out_update = update;
    (void)fleet_ask(scene->fleet, &question, answered, argument);
    return true;
}

void human_note(
    struct scene *scene, const struct human_update *update, const struct answer *answer
) {
    if (update->returns) {
        ledger_returned(
            scene->ledger,
            update->task,
            answer->outcome == OUTCOME_ANSWERED ? answer->time_ms : INT64_MAX
        );
        return;
    }
    // By reference, an empty answer says that no open task matched.
    if (answer->outcome != OUTCOME_ANSWERED || answer->status != 200 || answer->body.size == 0) {
        return;
    }
    struct ledger_task *known = ledger_task(scene->ledger, update->task);
    if (known->ended_turn == 0) {
        known->ended_turn = world_turns(scene->world);
        known->ended_ms = answer->time_ms;
    }
}
