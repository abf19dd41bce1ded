// A task to be called lies in a queue like a worker's, and this is the worker that serves it: same
// rows, same supply, same limits. It differs in what refuses a task: the tasks of all definitions
// share one queue, so a refused one is set aside by its limit and the others pass.
//
// The claim is an entry, the call leaves behind its gate, the answer is an entry. Answers may need
// scripts to go on; like messages they only record then, and a CONTINUE timer decides.
//
//   under way ──told──▶ kept ──hand_in──▶ asked ──taken──▶ gone
//       └─overdue─▶ gone  ▲───────later────┘
//
// A node that is alone brings an answer in itself, at once if the store has room.
#include "node/core/calls.h"

#include "node/core/call_report.h"
#include "node/core/node_internal.h"
#include "node/core/timekeeping.h"
#include "proto/base/check.h"
#include "proto/base/mutant.h"
#include "proto/limits.h"

#include <stdlib.h>
#include <string.h>

static const int64_t NS_PER_MS = 1000000;

// A claimed call until its answer is in the task. Owned by calls->open by its number.
struct open_call {
    group_id group;
    struct call_claim claim;
    bool told;          // it came to something
    bytes report;       // of that, while it is kept; on the C heap
    mono_time again_at; // a kept one is handed in
    mono_time deadline; // of its lease; nobody waits for it any longer
    struct open_call *previous;
    struct open_call *next;
};

// A row that a limit refused.
struct refused {
    struct match_supply supply;
    uint64_t limit;
    int64_t until_ms; // cluster time; 0: a permit must come back
    struct refused *next;
};

struct calls {
    uint32_t room;
    uint64_t executor;
    uint64_t queue;
    uint64_t number; // of the newest call
    struct table open;
    struct open_call *first;
    size_t open_count;
    size_t kept_count;      // with reports
    mono_time look_at;      // no deadline is before it
    mono_time hand_in_at;   // no kept one is due before it
    bool leaving;           // nothing is claimed
    mono_time give_back_at; // what is under way then, while leaving
    struct refused *refused;
};

// --- memory
// --------------------------------------------------------------------------------------

struct calls *calls_create(uint32_t room, uint64_t executor) {
    struct calls *calls = calloc(1, sizeof(*calls));
    check(calls != NULL);
    calls->room = room != 0 ? room : LIMIT_CALLS;
    calls->executor = executor != 0 ? executor : 1;
    calls->queue = queue_hash(CALL_QUEUE);
    table_init(&calls->open);
    return calls;
}

static bytes report_copy(bytes report) {
    uint8_t *copy = malloc(report.size + 1);
    check(copy != NULL);
    memcpy(copy, report.data, report.size);
    return bytes_of(copy, report.size);
}

static void report_drop(struct calls *calls, struct open_call *call) {
    calls->kept_count -= call->report.data != NULL ? 1u : 0u;
    free((void *)(uintptr_t)call->report.data);
    call->report = BYTES_EMPTY;
}

static void
call_add(struct calls *calls, group_id group, struct call_claim claim, mono_time deadline) {
    struct open_call *call = calloc(1, sizeof(*call));
    check(call != NULL);
    call->group = group;
    call->claim = claim;
    call->deadline = deadline;
    if (calls->open_count == 0 || deadline.ns < calls->look_at.ns) {
        calls->look_at = deadline;
    }
    call->next = calls->first;
    if (call->next != NULL) {
        call->next->previous = call;
    }
    calls->first = call;
    table_put(&calls->open, claim.number, call);
    calls->open_count++;
}

static void call_drop(struct calls *calls, struct open_call *call) {
    (void)table_take(&calls->open, call->claim.number);
    if (call->previous != NULL) {
        call->previous->next = call->next;
    } else {
        calls->first = call->next;
    }
    if (call->next != NULL) {
        call->next->previous = call->previous;
    }
    calls->open_count--;
    report_drop(calls, call);
    free(call);
}

void calls_destroy(struct calls **calls) {
    if (*calls == NULL) {
        return;
    }
    while ((*calls)->first != NULL) {
        call_drop(*calls, (*calls)->first);
    }
    calls_forget_refused(*calls);
    table_deinit(&(*calls)->open);
    free(*calls);
    *calls = NULL;
}

size_t calls_open(const struct calls *calls) {
    return calls->open_count;
}

// --- claiming
// ------------------------------------------------------------------------------------

// The effect owns its texts: one block behind `body`, the request's body last.
static void call_want(struct node *node, uint64_t id, const struct call *call, struct gate gate) {
    size_t size = call->method.size + call->uri.size + call->headers.size + call->body.size;
    uint8_t *block = malloc(size + 1);
    check(block != NULL);
    struct node_effect effect = {
        .kind = EFFECT_CALL,
        .call_id = id,
        .call = *call,
        .body = bytes_of(block, size),
    };
    bytes *texts[] = {
        &effect.call.method, &effect.call.uri, &effect.call.headers, &effect.call.body};
    size_t at = 0;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i]->size > 0) {
            memcpy(block + at, texts[i]->data, texts[i]->size);
        }
        *texts[i] = bytes_of(block + at, texts[i]->size);
        at += texts[i]->size;
    }
    node_hold(node, &effect, gate);
}

static void
set_aside(struct node *node, const struct match_supply *supply, const struct call_claim *refusal) {
    struct refused *refused = malloc(sizeof(*refused));
    check(refused != NULL);
    *refused = (struct refused){
        .supply = *supply,
        .limit = refusal->limit_hash,
        .until_ms = timekeeping_earliest_ms(node, supply->group, refusal->until_ms),
        .next = node->calls->refused,
    };
    node->calls->refused = refused;
}

struct work {
    const struct match_supply *supply;
    struct call_claim claim;
    struct call call;
    bool wanted;
    enum err_code refusal; // NOT_FOUND: nothing is there; UNAVAILABLE: a limit
};

// A refusal may have written, too: its decision is ended as any other.
static err decide_claim(struct decision *decision, void *argument) {
    struct work *work = argument;
    const struct key_queue_parts *parts = &work->supply->key;
    struct key key =
        key_queue(parts->queue_hash, parts->priority, parts->ready_ms, parts->sequence);
    work->claim.limit_hash = 0;
    err claimed = claim_call(decision, key_bytes(&key), &work->claim, &work->call, &work->wanted);
    bool limited = claimed.code == ERR_UNAVAILABLE && work->claim.limit_hash != 0;
    work->refusal = claimed.code;
    return claimed.code == ERR_NOT_FOUND || limited ? ERR_NONE : claimed;
}

// Claims one row. False: the store has no room now; the row stays supply.
static bool claim(struct node *node, const struct match_supply *supply) {
    struct calls *calls = node->calls;
    if (!node->groups[supply->group].leading) {
        return true; // its new leader finds the row
    }
    struct work work = {
        .supply = supply,
        .claim = {.executor = calls->executor, .number = ++calls->number},
    };
    struct decision decision;
    err decided = node_decide_to_record(node, supply->group, decide_claim, &work, &decision);
    if (decided.code == ERR_UNAVAILABLE) {
        match_add(node->match, supply);
        return false;
    }
    check(!err_is(decided));
    struct gate gate = node_decision_commit(node, &decision); // the group may ask for a permit
    if (work.refusal == ERR_UNAVAILABLE) {
        set_aside(node, supply, &work.claim);
    } else if (work.refusal == ERR_OK && work.wanted) {
        int64_t lease_ms = work.call.total_ms + LIMIT_CALL_GRACE_MS;
        mono_time deadline = {node->mono.ns + lease_ms * NS_PER_MS};
        call_add(calls, supply->group, work.claim, deadline);
        call_want(node, work.claim.number, &work.call, gate);
        node->stats.calls++;
    }
    return true;
}

// --- answers
// -------------------------------------------------------------------------------------

static void report_keep(struct node *node, struct open_call *call, bytes owned) {
    struct calls *calls = node->calls;
    if (calls->kept_count == 0 || call->again_at.ns < calls->hand_in_at.ns) {
        calls->hand_in_at = call->again_at;
    }
    call->report = owned;
    calls->kept_count++;
}

static void hand_in(struct node *node, struct open_call *call) {
    bytes report = call->report;
    call->report = BYTES_EMPTY;
    node->calls->kept_count--;
    // Whether the lease has ended is its leader's to say, whose time is not this node's.
    int64_t left_ms = (call->deadline.ns - node->mono.ns) / NS_PER_MS + LIMIT_FORWARD_MS;
    if (left_ms > 0) {
        call_report_send(node, call->group, call->claim.number, report, left_ms);
    } else {
        call_drop(node->calls, call);
    }
    free((void *)(uintptr_t)report.data);
}

// False: the store has no room now.
static bool bring_in(struct node *node, struct open_call *call, const struct call_result *result) {
    struct decision decision;
    if (!call_report_decide(node, call->group, &call->claim, result, &decision)) {
        return false;
    }
    if (err_is(stages_look(&decision, ERR_NONE))) {
        (void)node_decision_abort(node, &decision); // handed in as a report it can wait for that
        return false;
    }
    (void)node_decision_commit(node, &decision);
    call_drop(node->calls, call);
    return true;
}

static void came_to(struct node *node, struct open_call *call, const struct call_result *result) {
    call->told = true;
    if (node->alone && bring_in(node, call, result)) {
        return;
    }
    call->again_at = node->mono;
    report_keep(node, call, call_report_write(&call->claim, result));
    if (!node->alone) {
        hand_in(node, call);
    }
}

void calls_told(struct node *node, uint64_t call_id, const struct call_result *result) {
    struct open_call *call = table_get(&node->calls->open, call_id);
    if (call != NULL && !call->told) {
        node->stats.calls_told++;
        came_to(node, call, result);
    }
}

static void give_back(struct node *node, struct open_call *call) {
    const struct call_result released = {.outcome = CALL_RELEASED};
    came_to(node, call, &released);
}

void calls_unmade(struct node *node, uint64_t call_id) {
    struct open_call *call = table_get(&node->calls->open, call_id);
    if (call != NULL && !call->told) {
        give_back(node, call);
    }
}

bool calls_may_leave(struct node *node, uint64_t call_id, int64_t total_ms) {
    struct open_call *call = table_get(&node->calls->open, call_id);
    if (call == NULL || call->told) {
        return mutant_is("call_leaves_late");
    }
    bool late = node->mono.ns + total_ms * NS_PER_MS > call->deadline.ns;
    if (late && !mutant_is("call_leaves_late")) {
        give_back(node, call);
        return false;
    }
    return true;
}

void calls_reported(
    struct node *node, uint64_t call_id, enum report_outcome outcome, bytes report
) {
    struct open_call *call = table_get(&node->calls->open, call_id);
    if (call == NULL) {
        return;
    }
    if (outcome != REPORT_LATER) {
        call_drop(node->calls, call);
        return;
    }
    call->again_at.ns = node->mono.ns + LIMIT_FORWARD_RETRY_MS * NS_PER_MS;
    report_keep(node, call, report_copy(report));
}

// Nobody told about them: the effect was lost, or who made the call is. Their tasks are claimed
// anew, and their room is needed.
static void forget_overdue(struct node *node) {
    struct calls *calls = node->calls;
    if (calls->open_count == 0 || calls->look_at.ns > node->mono.ns) {
        return;
    }
    mono_time next = {INT64_MAX};
    for (struct open_call *call = calls->first; call != NULL;) {
        struct open_call *behind = call->next;
        if (!call->told && call->deadline.ns <= node->mono.ns) {
            call_drop(calls, call);
        } else if (!call->told && call->deadline.ns < next.ns) {
            next = call->deadline;
        }
        call = behind;
    }
    calls->look_at = next;
}

void calls_forget(struct node *node, group_id group) {
    struct open_call *next = NULL;
    for (struct open_call *call = node->calls->first; call != NULL; call = next) {
        next = call->next;
        if (call->group == group) {
            call_drop(node->calls, call);
        }
    }
}

static void hand_in_kept(struct node *node) {
    struct calls *calls = node->calls;
    if (calls->kept_count == 0 || node->mono.ns < calls->hand_in_at.ns) {
        return;
    }
    mono_time later = {INT64_MAX};
    struct open_call *next = NULL;
    for (struct open_call *call = calls->first; call != NULL; call = next) {
        next = call->next;
        if (call->report.data != NULL && call->again_at.ns <= node->mono.ns) {
            hand_in(node, call);
            arena_reset(node->arena);
        }
    }
    for (struct open_call *call = calls->first; call != NULL; call = call->next) {
        if (call->report.data != NULL && call->again_at.ns < later.ns) {
            later = call->again_at;
        }
    }
    calls->hand_in_at = later;
}

// --- leaving
// -------------------------------------------------------------------------------------

void calls_leave(struct node *node) {
    if (!node->calls->leaving) {
        node->calls->leaving = true;
        node->calls->give_back_at.ns = node->mono.ns + LIMIT_LEAVE_CALLS_MS * NS_PER_MS;
    }
}

static void give_all_back(struct node *node) {
    struct calls *calls = node->calls;
    if (!calls->leaving || node->mono.ns < calls->give_back_at.ns) {
        return;
    }
    calls->give_back_at.ns = INT64_MAX;
    struct open_call *next = NULL;
    for (struct open_call *call = calls->first; call != NULL; call = next) {
        next = call->next;
        if (!call->told) {
            give_back(node, call);
            arena_reset(node->arena);
        }
    }
}

bool calls_next_wakeup(const struct calls *calls, mono_time *out_at) {
    int64_t at_ns = INT64_MAX;
    if (calls->open_count >= calls->room) {
        at_ns = calls->look_at.ns;
    }
    if (calls->kept_count > 0 && calls->hand_in_at.ns < at_ns) {
        at_ns = calls->hand_in_at.ns;
    }
    if (calls->leaving && calls->open_count > 0 && calls->give_back_at.ns < at_ns) {
        at_ns = calls->give_back_at.ns;
    }
    *out_at = (mono_time){at_ns};
    return at_ns != INT64_MAX;
}

// --- limits
// --------------------------------------------------------------------------------------

static void put_back(struct node *node, struct refused **at) {
    struct refused *refused = *at;
    *at = refused->next;
    match_add(node->match, &refused->supply);
    free(refused);
}

void calls_unblock(struct node *node, uint64_t limit, group_id group) {
    struct refused **at = &node->calls->refused;
    while (*at != NULL) {
        if ((*at)->limit == limit && (group == 0 || (*at)->supply.group == group)) {
            put_back(node, at);
        } else {
            at = &(*at)->next;
        }
    }
}

static void refused_end(struct node *node, int64_t due_ms) {
    struct refused **at = &node->calls->refused;
    while (*at != NULL) {
        if ((*at)->until_ms != 0 && (*at)->until_ms <= due_ms) {
            put_back(node, at);
        } else {
            at = &(*at)->next;
        }
    }
}

void calls_forget_refused(struct calls *calls) {
    while (calls->refused != NULL) {
        struct refused *refused = calls->refused;
        calls->refused = refused->next;
        free(refused);
    }
}

bool calls_wait(const struct calls *calls) {
    return calls->refused != NULL;
}

bool calls_next_unblock(const struct calls *calls, wall_time *out_at) {
    int64_t first_ms = INT64_MAX;
    for (const struct refused *each = calls->refused; each != NULL; each = each->next) {
        if (each->until_ms != 0 && each->until_ms < first_ms) {
            first_ms = each->until_ms;
        }
    }
    *out_at = (wall_time){first_ms};
    return first_ms != INT64_MAX;
}

// --- the turn
// ------------------------------------------------------------------------------------

void calls_pump(struct node *node) {
    struct calls *calls = node->calls;
    give_all_back(node);
    hand_in_kept(node);
    forget_overdue(node);
    refused_end(node, node->time.ms);
    if (calls->leaving) {
        return;
    }
    supply_open(node, calls->queue);
    struct match_supply supply;
    int claims = 0;
    do {
        while (calls->open_count < calls->room && match_take(node->match, calls->queue, &supply)) {
            if (claims++ == LIMIT_CLAIMS_PER_TURN) {
                match_add(node->match, &supply);
                node->more_to_do = true;
                return;
            }
            if (!claim(node, &supply)) {
                node->more_to_do = true;
                return;
            }
            arena_reset(node->arena);
        }
    } while (calls->open_count < calls->room && supply_refill(node));
}
