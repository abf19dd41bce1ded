// Executions are found by their rows (a start whose answer was lost has an id nobody knows, as has
// a child), read and moved through the API as any client would.

#include "tests/simulation/operator.h"

#include "proto/base/check.h"
#include "proto/base/hash.h"
#include "proto/json/json.h"
#include "storage/keys.h"
#include "tests/simulation/checks.h"
#include "tests/simulation/human.h"
#include "tests/simulation/read.h"

#include <stdio.h>

static const char *const CHECKER = "operator";

enum {
    ROUND_MS = 300,
    DESCRIBE_ROUNDS = 100
};

struct operator{
    struct scene *scene;
    bool done;
    // registering
    uint32_t registered; // 0: task types come next; n: flow n - 1
    bool lost;           // an earlier try may have been done
    // seeing through
    group_id group;
    id128 last; // workflow of the group that was read last; zero: none yet
    id128 id;   // that is being read
    uint64_t asked;
    uint64_t round_turn;
    uint32_t open;  // found in this round
    uint32_t fresh; // terminal ones that were not judged before
    uint32_t roots;
    uint32_t rounds;
    uint32_t total;
    struct human_update human;
    char state[200];
};

struct operator* operator_create(struct scene *scene, struct arena *arena) {
    struct operator* operator= ARENA_NEW(arena, struct operator);
    operator->scene = scene;
    return operator;
}

bool operator_is_done(const struct operator* operator) {
    return operator->done;
}

// Executions that clients started and removed.
static uint32_t removed_roots(const struct operator* operator) {
    struct ledger *ledger = operator->scene->ledger;
    uint32_t count = 0;
    for (size_t i = 0; i < ledger_workflow_count(ledger); i++) {
        const struct ledger_workflow *known = ledger_workflow_at(ledger, i);
        count += known->started_turn != 0 && known->remove_sent &&
                 known->read_turn < operator->round_turn;
    }
    return count;
}

// Executions that others say they started, and that nobody has found yet.
static uint32_t missing(const struct operator* operator) {
    struct ledger *ledger = operator->scene->ledger;
    uint32_t count = 0;
    for (size_t i = 0; i < ledger_workflow_count(ledger); i++) {
        const struct ledger_workflow *known = ledger_workflow_at(ledger, i);
        count += known->started_turn == 0 && !known->remove_sent &&
                 known->read_turn < operator->round_turn;
    }
    return count;
}

const char *operator_state(struct operator* operator) {
    (void)snprintf(
        operator->state,
        sizeof(operator->state),
        "%u of %u executions open, %u missing, last read %s",
        operator->open,
        operator->total,
        missing(operator),
        id_text(operator->id).text
    );
    return operator->state;
}

static bool is_answer(const struct answer *answer) {
    return answer->outcome == OUTCOME_ANSWERED && answer->status != 503;
}

static void unexpected(struct operator* operator, const char * what, const struct answer *answer) {
    world_fail(
        operator->scene->world,
        CHECKER,
        "%s was answered %u %.*s",
        what,
        answer->status,
        BYTES_ARG(answer->body)
    );
}

static void
later(struct operator* operator, int64_t ms, void (*action)(void *argument, uint64_t token)) {
    world_after(operator->scene->world, ms * WORLD_MS, action, operator, 0);
}

// --- registering ---------------------------------------------------------------------------------

static void register_next(void *argument, uint64_t token);

static void registered(void *argument, const struct answer *answer) {
    struct operator* operator= argument;
    if (!is_answer(answer)) {
        operator->lost |= answer_is_unknown(answer);
        later(operator, 100, register_next);
        return;
    }
    bool was_done = operator->lost && answer->status == 409;
    if (answer->status != 200 && !was_done) {
        unexpected(operator, "a definition", answer);
        return;
    }
    operator->lost = false;
    operator->registered++;
    register_next(operator, 0);
}

static void register_next(void *argument, uint64_t token) {
    (void)token;
    struct operator* operator= argument;
    struct scene *scene = operator->scene;
    if (operator->registered == scene->flows.count + 1) {
        operator->done = true;
        return;
    }
    buffer_clear(&scene->body);
    const char *path = "/api/metadata/taskdefs";
    if (operator->registered == 0) {
        flows_write_types(&scene->flows, &scene->body);
    } else {
        path = "/api/metadata/workflow";
        flow_write(&scene->flows, &scene->flows.flows[operator->registered - 1], &scene->body);
    }
    struct question question = {"POST", path, "", buffer_bytes(&scene->body)};
    (void)fleet_ask(scene->fleet, &question, registered, operator);
}

void operator_register(struct operator* operator) {
    operator->done = false;
    register_next(operator, 0);
}

// --- finding executions --------------------------------------------------------------------------

// The workflow after `last` in the group, in key order. False: no more.
static bool next_workflow(struct store *store, group_id group, id128 last, id128 *out_workflow) {
    struct key from = id_is_zero(last) ? key_kind_prefix(KEY_WORKFLOW) : key_workflow(last);
    struct store_cursor *cursor = store_cursor_open(store, NULL, group, key_bytes(&from));
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    bool found = false;
    while (!found && store_cursor_next(cursor, &key, &value) && key.data[0] == KEY_WORKFLOW) {
        id128 workflow = {{0}};
        found = key_workflow_parse(key, &workflow) && !id_equal(workflow, last);
        if (found) {
            *out_workflow = workflow;
        }
    }
    store_cursor_close(&cursor);
    return found;
}

// --- seeing through ------------------------------------------------------------------------------

static void see_next(void *argument, uint64_t token);

// Everything that was promised was read in the round that found all terminal.
static void check_all_read(struct operator* operator) {
    struct scene *scene = operator->scene;
    for (size_t i = 0; i < ledger_workflow_count(scene->ledger); i++) {
        const struct ledger_workflow *known = ledger_workflow_at(scene->ledger, i);
        if (known->read_turn < operator->round_turn && !known->remove_sent) {
            world_fail(scene->world, CHECKER, "workflow %s is lost", id_text(known->id).text);
        }
    }
    for (size_t i = 0; i < ledger_task_count(scene->ledger); i++) {
        const struct ledger_task *known = ledger_task_at(scene->ledger, i);
        const struct ledger_workflow *of = ledger_workflow_find(scene->ledger, known->workflow);
        bool unchanged = of != NULL && of->kin_judged;
        if (known->read_turn < (unchanged ? of->body_turn : operator->round_turn) &&
            !ledger_may_vanish(scene->ledger, known->workflow)) {
            world_fail(scene->world, CHECKER, "task %s is lost", id_text(known->id).text);
        }
    }
    uint32_t known = operator->roots + removed_roots(operator);
    if (operator->roots> scene->starts + scene->starts_unknown || known<scene->starts) {
        world_fail(
            scene->world,
            CHECKER,
            "%u executions were started by nobody's child, %u starts answered, %u unknown",
            operator->roots,
            scene->starts,
            scene->starts_unknown
        );
    }
}

static void begin_round(struct operator* operator) {
    operator->group = 0;
    operator->last =(id128){{0}};
    operator->open = 0;
    operator->fresh = 0;
    operator->roots = 0;
    operator->total = 0;
    operator->round_turn = world_turns(operator->scene->world);
}

static void moved(void *argument, const struct answer *answer) {
    struct operator* operator= argument;
    struct scene *scene = operator->scene;
    arena_reset(scene->scratch);
    if (!id_is_zero(operator->human.task)) {
        human_note(scene, &operator->human, answer);
    }
    see_next(operator, 0);
}

// Moves on what waits for a person. True: asked.
static bool move(struct operator* operator, bytes workflow) {
    struct scene *scene = operator->scene;
    operator->human =(struct human_update){0};
    if (!read_is(workflow, "status", "PAUSED")) {
        return human_ask(scene, workflow, moved, operator, & operator->human);
    }
    char path[128];
    (void)snprintf(path, sizeof(path), "/api/workflow/%s/resume", id_text(operator->id).text);
    ledger_workflow(scene->ledger, operator->id)->paused_turn = 0;
    struct question question = {.method = "PUT", .path = path, .query = ""};
    (void)fleet_ask(scene->fleet, &question, moved, operator);
    return true;
}

// The execution was terminal and judged, and says the same again: nothing to add.
static bool is_as_judged(struct operator* operator, bytes workflow) {
    struct ledger_workflow *known = ledger_workflow(operator->scene->ledger, operator->id);
    if (!known->kin_judged || known->judged_body != hash_sip64(workflow)) {
        return false;
    }
    known->read_turn = world_turns(operator->scene->world);
    operator->last = operator->id;
    operator->total++;
    operator->roots += known->is_root;
    return true;
}

// A terminal execution. Its children are looked at when it is read again: they were read meanwhile.
static void judge(struct operator* operator, struct ledger_workflow * known, bytes workflow) {
    struct scene *scene = operator->scene;
    uint64_t body = hash_sip64(workflow);
    if (known->judged_body != body) {
        known->judged_body = body;
        known->body_turn = world_turns(scene->world);
        known->kin_judged = false;
        operator->fresh++;
        check_result(scene, workflow);
    } else {
        known->kin_judged = true;
        check_children(scene, workflow);
    }
}

static void seen(void *argument, const struct answer *answer) {
    struct operator* operator= argument;
    struct scene *scene = operator->scene;
    arena_reset(scene->scratch);
    bytes workflow = BYTES_EMPTY;
    if (!is_answer(answer)) {
        later(operator, 100, see_next);
        return;
    }
    if (answer->status == 404 && ledger_workflow(scene->ledger, operator->id)->remove_sent) {
        operator->last = operator->id;
        see_next(operator, 0);
        return;
    }
    if (answer->status != 200 || err_is(json_validate(answer->body, scene->scratch, &workflow))) {
        unexpected(operator, "a read of an execution that has a row", answer);
        return;
    }
    workflow = read_execution(workflow, scene->scratch);
    if (is_as_judged(operator, workflow)) {
        see_next(operator, 0);
        return;
    }
    check_kin(scene, workflow);
    check_workflow_promises(scene, workflow, operator->asked);
    check_history(scene, workflow);
    operator->last = operator->id;
    operator->total++;
    bytes input = read_value(workflow, "input");
    struct ledger_workflow *known = ledger_workflow(scene->ledger, operator->id);
    known->is_root = id_is_zero(read_id(workflow, "parentWorkflowId")) &&
                     read_is(input, "by", "client") &&
                     read_value(input, "failureStatus").data == NULL;
    operator->roots += known->is_root;
    if (!status_is_terminal(read_text(workflow, "status", scene->scratch))) {
        operator->open++;
        if (operator->rounds % DESCRIBE_ROUNDS == DESCRIBE_ROUNDS - 1) {
            describe_execution(scene, workflow); // for the reader of a run that does not end
        }
        if (move(operator, workflow)) {
            return;
        }
    } else {
        judge(operator, known, workflow);
    }
    if (world_failed(scene->world)) {
        describe_execution(scene, workflow);
        return;
    }
    see_next(operator, 0);
}

static void end_round(struct operator* operator) {
    if (operator->open == 0 && operator->fresh == 0 && missing(operator) == 0) {
        check_all_read(operator);
        operator->done = true;
        return;
    }
    operator->rounds++;
    uint32_t open = operator->open;
    uint32_t total = operator->total;
    begin_round(operator);
    operator->open = open; // for operator_state until the next is found
    operator->total = total;
    later(operator, ROUND_MS, see_next);
}

static void see_next(void *argument, uint64_t token) {
    (void)token;
    struct operator* operator= argument;
    struct scene *scene = operator->scene;
    if (operator->group == 0 && id_is_zero(operator->last)) {
        begin_round(operator);
    }
    uint32_t groups = fleet_settings(scene->fleet)->group_count;
    struct store *store = NULL;
    while ((store = fleet_store(scene->fleet, operator->group)) == NULL ||
           !next_workflow(store, operator->group, operator->last, &operator->id)) {
        if (store == NULL) {
            later(operator, 100, see_next);
            return;
        }
        operator->group++;
        operator->last =(id128){{0}};
        if (operator->group == groups) {
            end_round(operator);
            return;
        }
    }
    char path[128];
    (void)snprintf(path, sizeof(path), "/api/workflow/%s", id_text(operator->id).text);
    struct question question = {.method = "GET", .path = path, .query = ""};
    operator->asked = world_turns(scene->world);
    (void)fleet_ask(scene->fleet, &question, seen, operator);
}

void operator_see_through(struct operator* operator) {
    operator->done = false;
    begin_round(operator);
    see_next(operator, 0);
}
