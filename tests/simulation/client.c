// A client does one thing at a time: draw an operation, ask, look at the answer, think.
//
// A start whose answer was lost may have happened: it is counted, its workflow is found by the
// operator in the store's rows and judged as any other.

#include "tests/simulation/client.h"

#include "proto/base/check.h"
#include "proto/json/json.h"
#include "tests/simulation/checks.h"
#include "tests/simulation/human.h"
#include "tests/simulation/lifecycle.h"
#include "tests/simulation/read.h"

#include <stdio.h>

enum operation {
    OPERATION_START,
    OPERATION_READ,
    OPERATION_STATUS,
    OPERATION_READ_TASK,
    OPERATION_DECIDE,
    OPERATION_PAUSE,
    OPERATION_RESUME,
    OPERATION_TERMINATE,
    OPERATION_LIFECYCLE,
};

struct client {
    struct scene *scene;
    enum operation operation;
    id128 id;                  // of the workflow or task it asks about
    uint64_t asked;            // the turn
    bool promised;             // the workflow was known to exist when it asked
    bool resumes_done;         // … and nothing was open about a resume of it
    uint32_t resumes;          // … of which so many had been sent
    struct human_update human; // when it completes a task by hand
    struct lifecycle_wish wish;
};

static void act(void *argument, uint64_t token);

struct client *client_create(struct scene *scene, struct arena *arena) {
    struct client *client = ARENA_NEW(arena, struct client);
    client->scene = scene;
    return client;
}

static void think(struct client *client) {
    struct scene *scene = client->scene;
    int64_t ms = world_draw(scene->world, 1, scene->swarm.think_ms_max);
    world_after(scene->world, ms * WORLD_MS, act, client, 0);
}

void client_begin(struct client *client) {
    think(client);
}

static void unexpected(struct client *client, const char *what, const struct answer *answer) {
    world_fail(
        client->scene->world,
        "client",
        "%s of %s was answered %u %.*s",
        what,
        id_text(client->id).text,
        answer->status,
        BYTES_ARG(answer->body)
    );
}

static bool is_answer(const struct answer *answer) {
    return answer->outcome == OUTCOME_ANSWERED && answer->status != 503;
}

static void
ask(struct client *client,
    const char *method,
    const char *path,
    const char *query,
    machine_answered answered) {
    struct question question = {.method = method, .path = path, .query = query};
    client->asked = world_turns(client->scene->world);
    (void)fleet_ask(client->scene->fleet, &question, answered, client);
}

// --- starting ------------------------------------------------------------------------------------

static void started(void *argument, const struct answer *answer) {
    struct client *client = argument;
    struct scene *scene = client->scene;
    arena_reset(scene->scratch);
    if (answer_is_unknown(answer)) {
        scene->starts_unknown++;
    } else if (is_answer(answer) && answer->status == 404 && answer->old_definitions) {
        world_trace(scene->world, "a node that is cut off does not know the definition");
    } else if (is_answer(answer)) {
        id128 id = {{0}};
        if (answer->status != 200 || !id_parse(answer->body, &id)) {
            unexpected(client, "a start", answer);
            return;
        }
        struct ledger_workflow *known = ledger_workflow(scene->ledger, id);
        if (known->started_turn != 0) {
            unexpected(client, "a second start of the same id", answer);
        }
        known->started_turn = world_turns(scene->world);
        scene->starts++;
    }
    think(client);
}

static void write_input(struct scene *scene, struct json_writer *writer) {
    static const char *const choices[] = {"a", "b", "c"};
    json_object_begin(writer);
    json_member_int(writer, "seed", world_draw(scene->world, 0, 1000000));
    json_member_text(writer, "choice", bytes_from_text(choices[world_draw(scene->world, 0, 2)]));
    json_member_text(
        writer, "by", BYTES_LITERAL("client")
    ); // by whom, of executions by nobody's child
    json_object_end(writer);
}

static void write_domains(struct scene *scene, struct json_writer *writer) {
    if (scene->swarm.domain_count == 0 || world_maybe(scene->world, 500)) {
        return;
    }
    char domain[32];
    int64_t number = world_draw(scene->world, 0, (int64_t)scene->swarm.domain_count - 1);
    const char *fallback = world_maybe(scene->world, 500) ? ",NO_DOMAIN" : "";
    (void)snprintf(domain, sizeof(domain), "domain_%lld%s", (long long)number, fallback);
    json_key(writer, "taskToDomain");
    json_object_begin(writer);
    json_member_text(writer, scene->flows.types[0].name, bytes_from_text(domain));
    json_object_end(writer);
}

static void start(struct client *client) {
    struct scene *scene = client->scene;
    struct world *world = scene->world;
    const struct flow *flow =
        &scene->flows.flows[world_draw(world, 0, (int64_t)scene->flows.count - 1)];
    int64_t priority = world_maybe(world, 500) ? 0 : world_draw(world, 0, 99);
    buffer_clear(&scene->body);
    struct json_writer writer = json_writer(&scene->body);
    char path[96] = "/api/workflow";
    char query[96] = "";
    if (world_maybe(world, 300)) { // W-2
        (void)snprintf(path, sizeof(path), "/api/workflow/%s", flow->name);
        (void)snprintf(
            query, sizeof(query), "version=%d&priority=%lld", flow->version, (long long)priority
        );
        write_input(scene, &writer);
    } else {
        json_object_begin(&writer);
        json_member_text(&writer, "name", bytes_from_text(flow->name));
        if (world_maybe(world, 500)) {
            json_member_int(&writer, "version", flow->version);
        }
        json_member_int(&writer, "priority", priority);
        write_domains(scene, &writer);
        json_key(&writer, "input");
        write_input(scene, &writer);
        json_object_end(&writer);
    }
    struct question question = {"POST", path, query, buffer_bytes(&scene->body)};
    client->id = (id128){{0}};
    (void)fleet_ask(scene->fleet, &question, started, client);
}

// --- reading -------------------------------------------------------------------------------------

// The JSON of an answer, data NULL when it is none.
static bytes answer_json(struct client *client, const struct answer *answer) {
    bytes value = BYTES_EMPTY;
    if (err_is(json_validate(answer->body, client->scene->scratch, &value))) {
        unexpected(client, "a read, not in JSON,", answer);
        return BYTES_EMPTY;
    }
    return value;
}

static void completed(void *argument, const struct answer *answer) {
    struct client *client = argument;
    human_note(client->scene, &client->human, answer);
    think(client);
}

// Whether what it asked about may be removed, or dropped by a rerun.
static bool is_gone(const struct client *client) {
    struct ledger *ledger = client->scene->ledger;
    const struct ledger_task *task = ledger_task_find(ledger, client->id);
    const struct ledger_workflow *workflow = ledger_workflow_find(ledger, client->id);
    return task != NULL ? ledger_may_vanish(ledger, task->workflow)
                        : workflow != NULL && workflow->remove_sent;
}

// A read was answered with what it asked about. True: it led to another question.
static bool look(struct client *client, const struct answer *answer) {
    struct scene *scene = client->scene;
    if (client->operation == OPERATION_READ) {
        const struct execution *execution =
            check_execution(scene, client->id, answer->body, client->asked);
        return !world_failed(scene->world) && world_maybe(scene->world, 600) &&
               human_ask(scene, execution, completed, client, &client->human);
    }
    bytes json = answer_json(client, answer);
    if (json.data == NULL) {
        return true;
    }
    if (client->operation == OPERATION_STATUS) {
        const struct execution execution = execution_read(json, scene->scratch);
        check_workflow_promises(scene, &execution, client->asked);
    } else {
        check_task_promises(scene, json, client->asked);
    }
    return false;
}

static void read_answered(void *argument, const struct answer *answer) {
    struct client *client = argument;
    arena_reset(client->scene->scratch);
    if (is_answer(answer) && answer->status == 200) {
        if (look(client, answer)) {
            return;
        }
    } else if (is_answer(answer)) {
        bool may_be_gone = !client->promised || is_gone(client);
        if (!may_be_gone || answer->status != 404) {
            unexpected(client, "a read", answer);
        }
    }
    think(client);
}

// --- controlling ---------------------------------------------------------------------------------

// A resume that was under way at any moment of the pause may come after it.
static void note_pause(const struct client *client, struct ledger_workflow *known) {
    if (client->resumes_done && client->resumes == known->resumes) {
        known->paused_turn = world_turns(client->scene->world);
    }
}

static void control_answered(void *argument, const struct answer *answer) {
    struct client *client = argument;
    struct scene *scene = client->scene;
    struct ledger_workflow *known = ledger_workflow(scene->ledger, client->id);
    arena_reset(scene->scratch);
    known->resumes_settled += client->operation == OPERATION_RESUME && !answer_is_unknown(answer);
    if (is_answer(answer)) {
        bool refused = answer->status == 409 ||
                       (answer->status == 500 && client->operation == OPERATION_RESUME);
        if (answer->status == 200 && client->operation == OPERATION_TERMINATE) {
            known->terminated_turn = world_turns(scene->world);
        } else if (answer->status == 200 && client->operation == OPERATION_PAUSE) {
            note_pause(client, known);
        } else if (answer->status != 200 && !refused && ((client->promised && !known->remove_sent) || answer->status != 404)) {
            unexpected(client, "a control", answer);
        }
    }
    think(client);
}

static void control(struct client *client, const char *workflow) {
    struct scene *scene = client->scene;
    char path[128] = "";
    struct ledger_workflow *known = ledger_workflow(scene->ledger, client->id);
    const char *method = "PUT";
    switch (client->operation) {
    case OPERATION_PAUSE:
        client->resumes = known->resumes;
        client->resumes_done = known->resumes == known->resumes_settled;
        (void)snprintf(path, sizeof(path), "/api/workflow/%s/pause", workflow);
        break;
    case OPERATION_RESUME:
        (void)snprintf(path, sizeof(path), "/api/workflow/%s/resume", workflow);
        known->paused_turn = 0;
        known->resumes++;
        break;
    case OPERATION_DECIDE:
        (void)snprintf(path, sizeof(path), "/api/workflow/decide/%s", workflow);
        break;
    case OPERATION_TERMINATE:
        method = "DELETE";
        known->terminate_sent = true;
        (void)snprintf(path, sizeof(path), "/api/workflow/%s", workflow);
        break;
    case OPERATION_START:
    case OPERATION_READ:
    case OPERATION_STATUS:
    case OPERATION_READ_TASK:
    case OPERATION_LIFECYCLE:
        check(false);
    }
    ask(client, method, path, method[0] == 'D' ? "reason=because" : "", control_answered);
}

static void lifecycle_answered(void *argument, const struct answer *answer) {
    struct client *client = argument;
    lifecycle_note(client->scene, &client->wish, answer);
    think(client);
}

// --- an ordinary client --------------------------------------------------------------------------

static void draw_operation(struct client *client) {
    struct scene *scene = client->scene;
    struct world *world = scene->world;
    static const enum operation reads[] = {
        OPERATION_READ, OPERATION_READ, OPERATION_READ, OPERATION_STATUS, OPERATION_READ_TASK};
    static const enum operation controls[] = {
        OPERATION_PAUSE, OPERATION_RESUME, OPERATION_RESUME, OPERATION_TERMINATE, OPERATION_DECIDE};
    bool may_start =
        !scene->settling && scene->starts + scene->starts_unknown < scene->swarm.starts_max;
    if (ledger_workflow_count(scene->ledger) == 0 || (may_start && world_maybe(world, 500))) {
        client->operation = OPERATION_START;
    } else if (world_maybe(world, scene->swarm.lifecycle_per_mille)) {
        client->operation = OPERATION_LIFECYCLE;
    } else if (world_maybe(world, scene->swarm.control_per_mille)) {
        client->operation = controls[world_draw(world, 0, 4)];
    } else {
        client->operation = reads[world_draw(world, 0, 4)];
    }
}

static void ask_operation(struct client *client) {
    struct scene *scene = client->scene;
    char path[128];
    size_t count = ledger_workflow_count(scene->ledger);
    size_t recent = count > 12 && world_maybe(scene->world, 700) ? count - 12 : 0;
    struct ledger_workflow *workflow = ledger_workflow_at(
        scene->ledger, (size_t)world_draw(scene->world, (int64_t)recent, (int64_t)count - 1)
    );
    client->id = workflow->id;
    client->promised = workflow->started_turn != 0;
    struct id_text id = id_text(workflow->id);
    switch (client->operation) {
    case OPERATION_READ:
        (void)snprintf(path, sizeof(path), "/api/workflow/%s", id.text);
        ask(client, "GET", path, "", read_answered);
        break;
    case OPERATION_STATUS:
        (void)snprintf(path, sizeof(path), "/api/workflow/%s/status", id.text);
        ask(client, "GET", path, "includeOutput=true", read_answered);
        break;
    case OPERATION_READ_TASK: {
        size_t tasks = ledger_task_count(scene->ledger);
        if (tasks == 0) {
            think(client);
            return;
        }
        struct ledger_task *task =
            ledger_task_at(scene->ledger, (size_t)world_draw(scene->world, 0, (int64_t)tasks - 1));
        client->id = task->id;
        client->promised = true; // whatever the ledger knows of a task came from the server
        (void)snprintf(path, sizeof(path), "/api/tasks/%s", id_text(task->id).text);
        ask(client, "GET", path, "", read_answered);
        break;
    }
    case OPERATION_START:
    case OPERATION_DECIDE:
    case OPERATION_PAUSE:
    case OPERATION_RESUME:
    case OPERATION_TERMINATE:
        control(client, id.text);
        break;
    case OPERATION_LIFECYCLE:
        if (!lifecycle_ask(scene, lifecycle_answered, client, &client->wish)) {
            think(client);
        }
        break;
    }
}

static void act(void *argument, uint64_t token) {
    (void)token;
    struct client *client = argument;
    struct scene *scene = client->scene;
    arena_reset(scene->scratch);
    if (scene->settling && ledger_workflow_count(scene->ledger) == 0) {
        return;
    }
    draw_operation(client);
    if (client->operation == OPERATION_START) {
        start(client);
    } else {
        ask_operation(client);
    }
}
