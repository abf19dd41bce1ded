#include "tests/simulation/human.h"

#include "proto/json/json.h"
#include "tests/simulation/read.h"

#include <stdio.h>

static bool is_worker_task(struct scene *scene, bytes task) {
    for (uint32_t i = 0; i < scene->flows.type_count; i++) {
        if (read_is(task, "taskType", scene->flows.types[i].name)) {
            return true;
        }
    }
    return false;
}

// A task to do something with by hand.
static bool find_open(struct scene *scene, bytes workflow, bytes *out_task, bool *out_returns) {
    bytes tasks = read_value(workflow, "tasks");
    struct json_iter iter = json_iter(tasks.data == NULL ? JSON_EMPTY_ARRAY : tasks);
    *out_returns = false;
    while (json_next_element(&iter, out_task)) {
        if (!read_is(*out_task, "status", "IN_PROGRESS")) {
            continue;
        }
        if (read_is(*out_task, "taskType", "HUMAN") ||
            (read_is(*out_task, "taskType", "WAIT") && world_maybe(scene->world, 100))) {
            return true;
        }
        if (!scene->settling && world_maybe(scene->world, scene->swarm.stranger) &&
            is_worker_task(scene, *out_task)) {
            *out_returns = true;
            return true;
        }
    }
    return false;
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
    bytes workflow,
    machine_answered answered,
    void *argument,
    struct human_update *out_update
) {
    bytes task = BYTES_EMPTY;
    bool returns = false;
    if (!find_open(scene, workflow, &task, &returns)) {
        return false;
    }
    struct human_update update = {read_id(task, "taskId"), ++scene->values, returns};
    struct id_text name = id_text(read_id(workflow, "workflowId"));
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
            BYTES_ARG(read_text(task, "referenceTaskName", scene->scratch)),
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
