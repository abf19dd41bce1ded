#include "proto/json/json.h"
#include "tests/simulation/checks.h"
#include "tests/simulation/read.h"

static void describe_task(struct scene *scene, bytes task) {
    world_trace(
        scene->world,
        "  %s %.*s (%.*s) attempt %lld%s %.*s scheduled %lld start %lld update %lld end %lld out "
        "%.*s %.*s",
        id_text(read_id(task, "taskId")).text,
        BYTES_ARG(read_text(task, "referenceTaskName", scene->scratch)),
        BYTES_ARG(read_text(task, "taskType", scene->scratch)),
        (long long)read_int(task, "retryCount"),
        read_bool(task, "retried") ? " retried" : "",
        BYTES_ARG(read_text(task, "status", scene->scratch)),
        (long long)read_int(task, "scheduledTime"),
        (long long)read_int(task, "startTime"),
        (long long)read_int(task, "updateTime"),
        (long long)read_int(task, "endTime"),
        BYTES_ARG(read_value(task, "outputData")),
        BYTES_ARG(read_text(task, "reasonForIncompletion", scene->scratch))
    );
}

void describe_execution(struct scene *scene, bytes workflow) {
    world_trace(
        scene->world,
        "execution %s %.*s %.*s created %lld ended %lld input %.*s output %.*s: %.*s",
        id_text(read_id(workflow, "workflowId")).text,
        BYTES_ARG(read_text(workflow, "workflowName", scene->scratch)),
        BYTES_ARG(read_text(workflow, "status", scene->scratch)),
        (long long)read_int(workflow, "createTime"),
        (long long)read_int(workflow, "endTime"),
        BYTES_ARG(read_value(workflow, "input")),
        BYTES_ARG(read_value(workflow, "output")),
        BYTES_ARG(read_text(workflow, "reasonForIncompletion", scene->scratch))
    );
    bytes tasks = read_value(workflow, "tasks");
    struct json_iter iter = json_iter(tasks.data == NULL ? JSON_EMPTY_ARRAY : tasks);
    bytes task = BYTES_EMPTY;
    while (json_next_element(&iter, &task)) {
        describe_task(scene, task);
    }
}
