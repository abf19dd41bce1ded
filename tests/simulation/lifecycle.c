// An operation is drawn first, then an execution that it may suit: mostly one that was seen ended.
// What is refused is refused with the contract's status; what is done tells the ledger that old
// promises about this family are off.

#include "tests/simulation/lifecycle.h"

#include "proto/json/json.h"
#include "tests/simulation/read.h"

#include <stdio.h>

enum {
    TRIES = 8
};

static bool wants_end(enum lifecycle_operation operation) {
    return operation != LIFECYCLE_SKIP && operation != LIFECYCLE_RESET_CALLBACKS;
}

// Retries are what people do most.
static enum lifecycle_operation draw_operation(struct scene *scene) {
    int64_t drawn = world_draw(scene->world, 0, LIFECYCLE_OPERATION_COUNT + 3);
    return drawn < LIFECYCLE_OPERATION_COUNT ? (enum lifecycle_operation)drawn : LIFECYCLE_RETRY;
}

static bool revives(enum lifecycle_operation operation) {
    return operation <= LIFECYCLE_RERUN_TASK;
}

static struct ledger_workflow *draw_workflow(struct scene *scene, bool ended) {
    struct ledger_workflow *known = NULL;
    size_t count = ledger_workflow_count(scene->ledger);
    for (int try = 0; try < TRIES && count > 0; try++) {
        known = ledger_workflow_at(
            scene->ledger, (size_t)world_draw(scene->world, 0, (int64_t)count - 1)
        );
        bool is_completed = bytes_equal_text(bytes_from_text(known->seen_status), "COMPLETED");
        bool suits = ended ? known->seen_turn != 0 && (!is_completed || try > TRIES / 2)
                           : known->seen_turn == 0 && known->flow != NULL;
        if (suits && !known->remove_sent) {
            return known;
        }
    }
    return known != NULL && known->flow != NULL && !known->remove_sent ? known : NULL;
}

// Some task of the execution that a client has seen; zero: none.
static id128 draw_task(struct scene *scene, id128 workflow) {
    id128 chosen = {{0}};
    int64_t seen = 0;
    for (size_t i = 0; i < ledger_task_count(scene->ledger); i++) {
        const struct ledger_task *task = ledger_task_at(scene->ledger, i);
        if (id_equal(task->workflow, workflow) && world_draw(scene->world, 0, seen++) == 0) {
            chosen = task->id;
        }
    }
    return chosen;
}

// A worker task of the definition's outermost list: what stands inside may be named otherwise.
static const char *draw_reference(struct scene *scene, const struct flow *flow) {
    const struct flow_list *list = &flow->list;
    const struct flow_task *task =
        &list->tasks[world_draw(scene->world, 0, (int64_t)list->count - 1)];
    return task->kind == FLOW_SIMPLE || task->kind == FLOW_DYNAMIC ? task->reference : NULL;
}

static bool write_body(struct scene *scene, const struct lifecycle_wish *wish) {
    buffer_clear(&scene->body);
    struct json_writer writer = json_writer(&scene->body);
    json_object_begin(&writer);
    if (wish->operation == LIFECYCLE_RERUN_TASK) {
        id128 task = draw_task(scene, wish->workflow);
        if (id_is_zero(task)) {
            return false;
        }
        json_member_text(&writer, "reRunFromTaskId", bytes_from_text(id_text(task).text));
    }
    json_object_end(&writer);
    return true;
}

bool lifecycle_ask(
    struct scene *scene, machine_answered answered, void *argument, struct lifecycle_wish *out_wish
) {
    static const char *const paths[] = {
        "retry",
        "retry",
        "restart",
        "rerun",
        "rerun",
        "skiptask",
        "resetcallbacks",
        "remove",
        "remove"};
    struct lifecycle_wish wish = {.operation = draw_operation(scene)};
    struct ledger_workflow *known = draw_workflow(scene, wants_end(wish.operation));
    if (known == NULL) {
        return false;
    }
    wish.workflow = known->id;
    const char *reference = "";
    if (wish.operation == LIFECYCLE_SKIP) {
        reference = draw_reference(scene, known->flow);
    }
    if (reference == NULL || !write_body(scene, &wish)) {
        return false;
    }
    bool skips = wish.operation == LIFECYCLE_SKIP;
    bool removes = wish.operation == LIFECYCLE_ARCHIVE || wish.operation == LIFECYCLE_REMOVE;
    char path[160];
    (void)snprintf(
        path,
        sizeof(path),
        "/api/workflow/%s/%s%s%s",
        id_text(wish.workflow).text,
        paths[wish.operation],
        skips ? "/" : "",
        reference
    );
    const char *query = wish.operation == LIFECYCLE_RESUME_CHILDREN ? "resumeSubworkflowTasks=true"
                        : wish.operation == LIFECYCLE_REMOVE        ? "archiveWorkflow=false"
                                                                    : "";
    const struct question question = {
        .method = skips     ? "PUT"
                  : removes ? "DELETE"
                            : "POST",
        .path = path,
        .query = query,
        .body =
            removes || wish.operation < LIFECYCLE_RERUN ? BYTES_EMPTY : buffer_bytes(&scene->body),
    };
    if (revives(wish.operation)) {
        ledger_revive(scene->ledger, wish.workflow);
    }
    known->callbacks_reset |= wish.operation == LIFECYCLE_RESET_CALLBACKS;
    known->remove_sent |= wish.operation == LIFECYCLE_REMOVE;
    *out_wish = wish;
    (void)fleet_ask(scene->fleet, &question, answered, argument);
    return true;
}

void lifecycle_note(
    struct scene *scene, const struct lifecycle_wish *wish, const struct answer *answer
) {
    struct ledger_workflow *known = ledger_workflow(scene->ledger, wish->workflow);
    if (answer->outcome != OUTCOME_ANSWERED || answer->status == 503) {
        return;
    }
    if (answer->status == 200 && wish->operation == LIFECYCLE_REMOVE) {
        known->removed_turn = world_turns(scene->world);
    }
    bool done = answer->status == 200 || answer->status == 204;
    bool refused = answer->status == 404 || answer->status == 409;
    refused |= answer->status == 400 &&
               (wish->operation == LIFECYCLE_RERUN_TASK || wish->operation == LIFECYCLE_ARCHIVE);
    refused |= answer->status == 500 && wish->operation == LIFECYCLE_SKIP;
    if (!done && !refused) {
        world_fail(
            scene->world,
            "lifecycle",
            "operation %d of %s was answered %u %.*s",
            (int)wish->operation,
            id_text(wish->workflow).text,
            answer->status,
            BYTES_ARG(answer->body)
        );
    }
}
