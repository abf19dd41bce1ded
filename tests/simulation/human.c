#include "tests/simulation/human.h"

#include "proto/json/json.h"
#include "tests/simulation/read.h"

#include <stdio.h>

static bool find_open(struct scene *scene, bytes workflow, bytes *out_task) {
    bytes tasks = read_value(workflow, "tasks");
    struct json_iter iter = json_iter(tasks.data == NULL ? JSON_EMPTY_ARRAY : tasks);
    while (json_next_element(&iter, out_task)) {
        if (!read_is(*out_task, "status", "IN_PROGRESS")) {
            continue;
        }
        if (read_is(*out_task, "taskType", "HUMAN") ||
            (read_is(*out_task, "taskType", "WAIT") && world_maybe(scene->world, 100))) {
            return true;
        }
    }
    return false;
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
    json_member_text(writer, "status", BYTES_LITERAL("COMPLETED"));
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
    if (!find_open(scene, workflow, &task)) {
        return false;
    }
    struct human_update update = {read_id(task, "taskId"), ++scene->values};
    struct id_text name = id_text(read_id(workflow, "workflowId"));
    ledger_sent(scene->ledger, update.task, "COMPLETED", update.value);
    world_trace(scene->world, "client completes %s", id_text(update.task).text);
    buffer_clear(&scene->body);
    struct json_writer writer = json_writer(&scene->body);
    char path[160] = "/api/tasks";
    if (world_maybe(scene->world, 500)) {
        (void)snprintf(
            path,
            sizeof(path),
            "/api/tasks/%s/%.*s/COMPLETED",
            name.text,
            BYTES_ARG(read_text(task, "referenceTaskName", scene->scratch))
        );
        write_output(&writer, update.value);
    } else {
        write_result(&writer, name.text, &update);
    }
    struct question question = {"POST", path, "", buffer_bytes(&scene->body)};
    *out_update = update;
    (void)machine_ask(scene->machine, &question, answered, argument);
    return true;
}

void human_note(
    struct scene *scene, const struct human_update *update, const struct answer *answer
) {
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
