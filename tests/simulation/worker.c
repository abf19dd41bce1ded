// A worker polls in a loop; each task it gets is a job that goes on by itself, so that a slow job
// does not keep its worker from polling. What a job does was drawn when it came: the plan in the
// task's input says how the work ends, the swarm's rates say how the worker behaves.

#include "tests/simulation/worker.h"

#include "proto/json/json.h"
#include "tests/simulation/checks.h"
#include "tests/simulation/read.h"

#include <stdio.h>
#include <string.h>

enum {
    OPEN_JOBS_MAX = 6
};

struct worker {
    struct scene *scene;
    struct arena *arena;
    char name[16];
    const struct task_type *type;
    const char *domain;
    uint64_t poll;       // number of the question that waits; 0: none
    uint64_t generation; // of the poll, for actions that outlive it
    uint64_t asked;      // the turn at which it was sent
    int64_t poll_since_ns;
    int64_t poll_timeout_ms;
    bool batch;
    uint32_t open_jobs;
};

struct job {
    struct worker *worker;
    id128 task;
    id128 workflow;
    const struct task_type *type; // that its limits and timeouts are of
    const char *status;           // that it will answer with
    int64_t value;
    int64_t callback_s;
    uint64_t extends_left;
    int64_t extend_every_ns;
    int64_t rest_ns; // of the work after the extensions
    bool repeats;    // answers once more with something else
    bool counted;    // in open_jobs
    uint32_t attempts;
    uint64_t asked; // the turn at which the newest update was sent
};

static void poll(void *argument, uint64_t token);

struct worker *worker_create(
    struct scene *scene,
    struct arena *arena,
    uint32_t number,
    const struct task_type *type,
    const char *domain
) {
    struct worker *worker = ARENA_NEW(arena, struct worker);
    worker->scene = scene;
    worker->arena = arena;
    worker->type = type;
    worker->domain = domain;
    (void)snprintf(worker->name, sizeof(worker->name), "worker_%u", number);
    return worker;
}

static void poll_later(struct worker *worker, int64_t ms) {
    world_after(worker->scene->world, ms * WORLD_MS, poll, worker, ++worker->generation);
}

void worker_begin(struct worker *worker) {
    poll_later(worker, world_draw(worker->scene->world, 0, 500));
}

void worker_check_poll(struct worker *worker) {
    if (worker->poll != 0) {
        int64_t waited_ns = world_mono(worker->scene->world).ns - worker->poll_since_ns;
        check_poll_is_not_idle(
            worker->scene, worker->type->name, worker->domain, waited_ns / WORLD_MS
        );
    }
}

// --- updates -------------------------------------------------------------------------------------

static void send_update(void *argument, uint64_t token);
static void extend(void *argument, uint64_t token);
static void take_tasks(struct worker *worker, bytes body, bool list, uint64_t asked);

static void end_job(struct job *job) {
    if (job->counted) {
        job->counted = false;
        job->worker->open_jobs--;
    }
}

static bool ends_task(const struct job *job) {
    return !bytes_equal_text(bytes_from_text(job->status), "IN_PROGRESS");
}

static void repeat(struct job *job) {
    struct world *world = job->worker->scene->world;
    job->repeats = false;
    if (world_maybe(world, 500)) {
        job->value = ++job->worker->scene->values;
    }
    world_after(world, world_draw(world, 0, 800) * WORLD_MS, send_update, job, 0);
}

static void update_answered(void *argument, const struct answer *answer) {
    struct job *job = argument;
    struct scene *scene = job->worker->scene;
    arena_reset(scene->scratch);
    if (!ends_task(job)) {
        ledger_returned(
            scene->ledger,
            job->task,
            answer->outcome == OUTCOME_ANSWERED ? answer->time_ms : INT64_MAX
        );
    }
    bool again = answer->outcome != OUTCOME_ANSWERED || answer->status == 503;
    if (again) {
        if (!scene->settling && world_maybe(scene->world, 30)) {
            end_job(job); // dies while trying
            return;
        }
        world_after(
            scene->world, world_draw(scene->world, 50, 1000) * WORLD_MS, send_update, job, 0
        );
        return;
    }
    bool gone = answer->status == 404 && ledger_may_vanish(scene->ledger, job->workflow);
    if (gone) {
        end_job(job);
        return;
    }
    if (answer->status != 200 && answer->status != 204) {
        world_fail(
            scene->world,
            "worker",
            "an update of task %s, which was handed out, was answered %u %.*s",
            id_text(job->task).text,
            answer->status,
            BYTES_ARG(answer->body)
        );
        return;
    }
    scene->updates++;
    struct ledger_task *known = ledger_task(scene->ledger, job->task);
    if (ends_task(job) && known->ended_turn == 0) {
        known->ended_turn = world_turns(scene->world);
        known->ended_ms = answer->time_ms;
    }
    if (job->repeats) {
        repeat(job);
    } else {
        end_job(job);
    }
    if (answer->status == 200 && answer->body.size > 0 && answer->body.data[0] == '{') {
        take_tasks(job->worker, answer->body, false, job->asked); // update-v2 gave the next task
    }
}

// As long as the value says, so that a repeated update is the same.
static void write_pad(const struct job *job, struct json_writer *writer) {
    struct scene *scene = job->worker->scene;
    int64_t bytes_max = scene->swarm.pad_bytes_max;
    if (bytes_max == 0) {
        return;
    }
    size_t size = (size_t)(job->value * 7919 % (bytes_max + 1));
    uint8_t *pad = arena_alloc(scene->scratch, size + 1);
    memset(pad, 'a' + (int)(job->value % 26), size);
    json_member_text(writer, "pad", bytes_of(pad, size));
}

static void write_update(struct job *job, const char *status, bool extends, struct buffer *body) {
    buffer_clear(body);
    struct json_writer writer = json_writer(body);
    json_object_begin(&writer);
    json_member_text(&writer, "taskId", bytes_from_text(id_text(job->task).text));
    json_member_text(&writer, "workflowInstanceId", bytes_from_text(id_text(job->workflow).text));
    json_member_text(&writer, "workerId", bytes_from_text(job->worker->name));
    json_member_text(&writer, "status", bytes_from_text(status));
    if (extends) {
        json_member_bool(&writer, "extendLease", true);
    } else {
        json_member_int(&writer, "callbackAfterSeconds", job->callback_s);
        json_key(&writer, "outputData");
        json_object_begin(&writer);
        json_member_int(&writer, "value", job->value);
        write_pad(job, &writer);
        json_object_end(&writer);
    }
    json_object_end(&writer);
}

static void send_update(void *argument, uint64_t token) {
    (void)token;
    struct job *job = argument;
    struct scene *scene = job->worker->scene;
    arena_reset(scene->scratch);
    bool next = world_maybe(scene->world, 300);
    write_update(job, job->status, false, &scene->body);
    ledger_sent(scene->ledger, job->task, job->status, job->value);
    if (!ends_task(job)) {
        ledger_returning(scene->ledger, job->task);
    }
    world_trace(
        scene->world,
        "%s says %s %s value=%lld%s",
        job->worker->name,
        id_text(job->task).text,
        job->status,
        (long long)job->value,
        job->attempts++ > 0 ? " again" : ""
    );
    struct question question = {
        .method = "POST",
        .path = next ? "/api/tasks/update-v2" : "/api/tasks",
        .query = "",
        .body = buffer_bytes(&scene->body),
    };
    job->asked = world_turns(scene->world);
    (void)fleet_ask(scene->fleet, &question, update_answered, job);
}

static void extend_answered(void *argument, const struct answer *answer) {
    (void)answer; // a lease that could not be extended ends, as any other
    struct job *job = argument;
    struct world *world = job->worker->scene->world;
    if (job->extends_left > 0) {
        world_after(world, job->extend_every_ns, extend, job, 0);
    } else {
        world_after(world, job->rest_ns, send_update, job, 0);
    }
}

static void extend(void *argument, uint64_t token) {
    (void)token;
    struct job *job = argument;
    struct scene *scene = job->worker->scene;
    job->extends_left--;
    write_update(job, "IN_PROGRESS", true, &scene->body);
    struct question question = {
        .method = "POST",
        .path = "/api/tasks",
        .query = "",
        .body = buffer_bytes(&scene->body),
    };
    (void)fleet_ask(scene->fleet, &question, extend_answered, job);
}

// --- jobs ----------------------------------------------------------------------------------------

static const char *planned_status(bytes task) {
    bytes input = read_value(task, "inputData");
    if (read_is(input, "plan", "terminal")) {
        return "FAILED_WITH_TERMINAL_ERROR";
    }
    if (read_is(input, "plan", "fail") ||
        (read_is(input, "plan", "flaky") && read_int(task, "retryCount") == 0)) {
        return "FAILED";
    }
    return "COMPLETED";
}

// Draws how the worker behaves with this job. False: it dies.
static bool draw_job(struct job *job, bytes task) {
    struct scene *scene = job->worker->scene;
    struct world *world = scene->world;
    const struct swarm *swarm = &scene->swarm;
    int64_t response_ms = (int64_t)job->type->response_s * 1000;
    job->status = planned_status(task);
    job->value = ++scene->values;
    job->rest_ns = world_draw(world, 1, response_ms / 4) * WORLD_MS;
    if (world_maybe(world, swarm->worker_dies)) {
        return false;
    }
    if (world_maybe(world, swarm->worker_fails)) {
        job->status = "FAILED";
    }
    if (world_maybe(world, swarm->worker_in_progress)) {
        job->status = "IN_PROGRESS";
        job->callback_s = world_draw(world, 0, 2);
    }
    if (world_maybe(world, swarm->worker_slow)) {
        job->rest_ns = (response_ms + world_draw(world, -50, 3000)) * WORLD_MS;
    } else if (world_maybe(world, swarm->worker_extends)) {
        job->extends_left = (uint64_t)world_draw(world, 1, 4);
        job->extend_every_ns = response_ms * world_draw(world, 30, 80) / 100 * WORLD_MS;
    }
    job->repeats = world_maybe(world, swarm->worker_repeats);
    return true;
}

static void take_task(struct worker *worker, bytes task, uint64_t asked) {
    struct scene *scene = worker->scene;
    check_handed_out(scene, task, asked);
    check_priority(scene, task);
    struct job *job = ARENA_NEW(worker->arena, struct job);
    job->worker = worker;
    job->type = flows_type_of(
        &scene->flows, read_value(task, "inputData"), read_text(task, "taskDefName", scene->scratch)
    );
    if (job->type == NULL) {
        world_fail(scene->world, "worker", "a task of no known definition: %.*s", BYTES_ARG(task));
        return;
    }
    check_rate(scene, job->type, task);
    job->task = read_id(task, "taskId");
    job->workflow = read_id(task, "workflowInstanceId");
    bool lives = draw_job(job, task);
    world_trace(
        scene->world,
        "%s got %s attempt %lld%s",
        worker->name,
        id_text(job->task).text,
        (long long)read_int(task, "retryCount"),
        lives ? "" : " and dies"
    );
    if (!lives) {
        return;
    }
    job->counted = true;
    worker->open_jobs++;
    if (job->extends_left > 0) {
        world_after(scene->world, job->extend_every_ns, extend, job, 0);
    } else {
        world_after(scene->world, job->rest_ns, send_update, job, 0);
    }
}

static void take_tasks(struct worker *worker, bytes body, bool list, uint64_t asked) {
    struct scene *scene = worker->scene;
    bytes value = BYTES_EMPTY;
    err valid = json_validate(body, scene->scratch, &value);
    if (err_is(valid)) {
        world_fail(scene->world, "worker", "a poll's answer is not JSON: %s", valid.text);
        return;
    }
    if (!list) {
        take_task(worker, value, asked);
        return;
    }
    struct json_iter iter = json_iter(value);
    bytes task = BYTES_EMPTY;
    while (json_next_element(&iter, &task)) {
        take_task(worker, task, asked);
    }
}

// Somebody else sees that the task of an answer that never came does not move, and puts it back.
static void put_back(struct worker *worker, bytes body) {
    struct scene *scene = worker->scene;
    bytes value = BYTES_EMPTY;
    if (body.size == 0 || !world_maybe(scene->world, scene->swarm.stranger) ||
        err_is(json_validate(body, scene->scratch, &value))) {
        return;
    }
    if (json_is_array(value)) {
        struct json_iter iter = json_iter(value);
        if (!json_next_element(&iter, &value)) {
            return;
        }
    }
    struct job *job = ARENA_NEW(worker->arena, struct job);
    job->worker = worker;
    job->task = read_id(value, "taskId");
    job->workflow = read_id(value, "workflowInstanceId");
    job->status = "IN_PROGRESS";
    job->value = ++scene->values;
    world_after(scene->world, world_draw(scene->world, 0, 800) * WORLD_MS, send_update, job, 0);
}

// --- polls ---------------------------------------------------------------------------------------

static void poll_answered(void *argument, const struct answer *answer) {
    struct worker *worker = argument;
    struct scene *scene = worker->scene;
    arena_reset(scene->scratch);
    worker->poll = 0;
    if (answer->outcome != OUTCOME_ANSWERED || answer->status == 503) {
        put_back(worker, answer->outcome == OUTCOME_LOST ? answer->body : BYTES_EMPTY);
        poll_later(worker, world_draw(scene->world, 50, 500));
        return;
    }
    scene->polls_answered++;
    int64_t waited_ms = (world_mono(scene->world).ns - worker->poll_since_ns) / WORLD_MS;
    if (scene->calm && waited_ms > worker->poll_timeout_ms + 1000) {
        world_fail(
            scene->world,
            "worker",
            "a poll of %lld ms was answered after %lld ms",
            (long long)worker->poll_timeout_ms,
            (long long)waited_ms
        );
    }
    bool empty = worker->batch ? answer->status == 200 && bytes_equal_text(answer->body, "[]")
                               : answer->status == 204;
    if (!empty && answer->status == 200) {
        take_tasks(worker, answer->body, worker->batch, worker->asked);
    } else if (!empty) {
        world_fail(
            scene->world,
            "worker",
            "a poll was answered %u %.*s",
            answer->status,
            BYTES_ARG(answer->body)
        );
    }
    poll_later(worker, world_draw(scene->world, 0, 100));
}

static void leave(void *argument, uint64_t token) {
    struct worker *worker = argument;
    if (worker->poll == 0 || worker->generation != token) {
        return;
    }
    fleet_leave(worker->scene->fleet, worker->poll);
    worker->poll = 0;
    poll_later(worker, world_draw(worker->scene->world, 0, 500));
}

static void poll(void *argument, uint64_t token) {
    struct worker *worker = argument;
    struct scene *scene = worker->scene;
    struct world *world = scene->world;
    if (token != worker->generation) {
        return;
    }
    if (worker->open_jobs >= OPEN_JOBS_MAX) {
        poll_later(worker, 100);
        return;
    }
    worker->batch = world_maybe(world, 600);
    worker->poll_timeout_ms = worker->batch ? world_draw(world, 0, 5000) : 100;
    char path[96];
    char query[128];
    (void)snprintf(
        path,
        sizeof(path),
        "/api/tasks/poll/%s%s",
        worker->batch ? "batch/" : "",
        worker->type->name
    );
    int size = snprintf(query, sizeof(query), "workerid=%s", worker->name);
    if (worker->domain[0] != 0) {
        size += snprintf(query + size, sizeof(query) - (size_t)size, "&domain=%s", worker->domain);
    }
    if (worker->batch) {
        (void)snprintf(
            query + size,
            sizeof(query) - (size_t)size,
            "&count=%lld&timeout=%lld",
            (long long)world_draw(world, 1, 5),
            (long long)worker->poll_timeout_ms
        );
    }
    struct question question = {.method = "GET", .path = path, .query = query};
    worker->poll_since_ns = world_mono(world).ns;
    worker->asked = world_turns(world);
    worker->poll = fleet_ask(scene->fleet, &question, poll_answered, worker);
    if (world_maybe(world, scene->swarm.poll_leaves)) {
        int64_t stay_ms = world_draw(world, 0, worker->poll_timeout_ms + 50);
        world_after(world, stay_ms * WORLD_MS, leave, worker, worker->generation);
    }
}
