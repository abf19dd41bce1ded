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

void describe_execution(struct scene *scene, const struct execution *execution) {
    bytes head = execution->head;
    world_trace(
        scene->world,
        "execution %s %.*s %.*s created %lld ended %lld input %.*s output %.*s: %.*s",
        id_text(execution->id).text,
        BYTES_ARG(execution->name),
        BYTES_ARG(execution->status),
        (long long)read_int(head, "createTime"),
        (long long)read_int(head, "endTime"),
        BYTES_ARG(read_value(head, "input")),
        BYTES_ARG(read_value(head, "output")),
        BYTES_ARG(read_text(head, "reasonForIncompletion", scene->scratch))
    );
    for (uint32_t i = 0; i < execution->task_count; i++) {
        describe_task(scene, execution->tasks[i].json);
    }
}
