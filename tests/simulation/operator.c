// Executions are found by their rows (a start whose answer was lost has an id nobody knows, as has
// a child), read and moved through the API as any client would.

#include "tests/simulation/operator.h"

#include "proto/base/check.h"
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
    bool whole;     // this round reads everything, others what is not judged yet
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

// Whether this round does without reading it.
static bool is_left_out(const struct operator* operator, const struct ledger_workflow * known) {
    return !operator->whole && known != NULL && known->kin_judged;
}

// Executions that others say they started, and that nobody has found yet; one of them, if any.
static uint32_t missing(const struct operator* operator, id128 * out_one) {
    struct ledger *ledger = operator->scene->ledger;
    uint32_t count = 0;
    for (size_t i = 0; i < ledger_workflow_count(ledger); i++) {
        const struct ledger_workflow *known = ledger_workflow_at(ledger, i);
        if (known->started_turn == 0 && !known->remove_sent &&
            known->read_turn < operator->round_turn && !is_left_out(operator, known)) {
            count++;
            *out_one = known->id;
        }
    }
    return count;
}

const char *operator_state(struct operator* operator) {
    id128 one = {{0}};
    uint32_t count = missing(operator, & one);
    (void)snprintf(
        operator->state,
        sizeof(operator->state),
        "%u of %u executions open, %u missing (%s), last read %s",
        operator->open,
        operator->total,
        count,
        id_text(one).text,
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

// Everything that was promised was read in the last round, which found all terminal and judged.
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
        if (known->read_turn < operator->round_turn && !ledger_may_vanish(
                                   scene->ledger, known->workflow
                               )) {
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
static bool move(struct operator* operator, const struct execution * execution) {
    struct scene *scene = operator->scene;
    operator->human =(struct human_update){0};
    if (!bytes_equal_text(execution->status, "PAUSED")) {
        return human_ask(scene, execution, moved, operator, & operator->human);
    }
    char path[128];
    (void)snprintf(path, sizeof(path), "/api/workflow/%s/resume", id_text(operator->id).text);
    struct ledger_workflow *known = ledger_workflow(scene->ledger, operator->id);
    known->paused_turn = 0;
    known->resumes++; // never settled: who sees through needs no pause
    struct question question = {.method = "PUT", .path = path, .query = ""};
    (void)fleet_ask(scene->fleet, &question, moved, operator);
    return true;
}

// A terminal execution. Its children are looked at when it says the same again: they were read
// meanwhile.
static void see_end(struct operator* operator, const struct execution * execution) {
    struct scene *scene = operator->scene;
    struct ledger_workflow *known = ledger_workflow(scene->ledger, execution->id);
    if (!known->operator_saw) {
        known->operator_saw = true;
        operator->fresh++;
    } else if (!known->kin_judged) {
        known->kin_judged = true;
        check_children(scene, execution);
    }
}

// Whether a client started it, and it is nobody's child.
static bool is_root(const struct execution *execution) {
    bytes input = read_value(execution->head, "input");
    return id_is_zero(execution->parent) && read_is(input, "by", "client") &&
           read_value(input, "failureStatus").data == NULL;
}

static void seen(void *argument, const struct answer *answer) {
    struct operator* operator= argument;
    struct scene *scene = operator->scene;
    arena_reset(scene->scratch);
    if (!is_answer(answer)) {
        later(operator, 100, see_next);
        return;
    }
    if (answer->status == 404 && ledger_workflow(scene->ledger, operator->id)->remove_sent) {
        operator->last = operator->id;
        see_next(operator, 0);
        return;
    }
    if (answer->status != 200) {
        unexpected(operator, "a read of an execution that has a row", answer);
        return;
    }
    const struct execution *execution =
        check_execution(scene, operator->id, answer->body, operator->asked);
    if (world_failed(scene->world)) {
        return;
    }
    operator->last = operator->id;
    operator->total++;
    operator->roots += is_root(execution);
    if (status_is_terminal(execution->status)) {
        see_end(operator, execution);
    } else {
        operator->open++;
        if (operator->rounds % DESCRIBE_ROUNDS == DESCRIBE_ROUNDS - 1) {
            describe_execution(scene, execution); // for the reader of a run that does not end
        }
        if (move(operator, execution)) {
            return;
        }
    }
    see_next(operator, 0);
}

static void end_round(struct operator* operator) {
    id128 one;
    bool all_is_well = operator->open == 0 && operator->fresh == 0 && missing(operator, & one) == 0;
    if (all_is_well && operator->whole) {
        check_all_read(operator);
        operator->done = true;
        return;
    }
    operator->rounds++;
    operator->whole = all_is_well;
    operator->group = 0; // see_next begins the round
    operator->last =(id128){{0}};
    later(operator, ROUND_MS, see_next);
}

// The next execution to read, in the order of groups and rows. False: that was the last of the
// round; nobody leads the group now.
static bool find_next(struct operator* operator, bool * out_end) {
    struct scene *scene = operator->scene;
    uint32_t groups = fleet_settings(scene->fleet)->group_count;
    *out_end = false;
    while (operator->group<groups) {
        struct store *store = fleet_store(scene->fleet, operator->group);
        if (store == NULL) {
            return false;
        }
        while (next_workflow(store, operator->group, operator->last, &operator->id)) {
            if (!is_left_out(operator, ledger_workflow_find(scene->ledger, operator->id))) {
                return true;
            }
            operator->last = operator->id;
            operator->total++;
        }
        operator->group++;
        operator->last =(id128){{0}};
    }
    *out_end = true;
    return false;
}

static void see_next(void *argument, uint64_t token) {
    (void)token;
    struct operator* operator= argument;
    struct scene *scene = operator->scene;
    if (operator->group == 0 && id_is_zero(operator->last)) {
        begin_round(operator);
    }
    bool end = false;
    if (!find_next(operator, & end)) {
        if (end) {
            end_round(operator);
        } else {
            later(operator, 100, see_next);
        }
        return;
    }
    char path[128];
    (void)snprintf(path, sizeof(path), "/api/workflow/%s", id_text(operator->id).text);
    struct question question = {.method = "GET", .path = path, .query = ""};
    operator->asked = world_turns(scene->world);
    (void)fleet_ask(scene->fleet, &question, seen, operator);
}

void operator_see_through(struct operator* operator) {
    operator->done = false;
    see_next(operator, 0);
}
