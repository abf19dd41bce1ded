// A task to be called lies in a queue like a worker's, and this is the worker that serves it: same
// rows, same supply, same limits. It differs in what refuses a task: the tasks of all definitions
// share one queue, so a refused one is set aside by its limit and the others pass.
//
// The claim is an entry, the call leaves behind its gate, the answer is an entry. Answers may need
// scripts to go on; like messages they only record then, and a CONTINUE timer decides.
#include "node/core/calls.h"

#include "node/core/node_internal.h"
#include "node/core/timekeeping.h"
#include "proto/base/check.h"
#include "proto/limits.h"

#include <stdlib.h>
#include <string.h>

static const int64_t NS_PER_MS = 1000000;

// A call that was claimed and not told yet. Owned by calls->open by its number.
struct open_call {
    group_id group;
    struct call_claim claim;
    struct call_result result; // texts on the C heap
    bool told;                 // the answer waits for room in the store
    mono_time deadline;        // of its lease; nobody waits for it any longer
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
    size_t told_count;
    mono_time look_at; // no deadline is before it
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

static bytes text_keep(bytes text) {
    if (text.size == 0) {
        return BYTES_EMPTY;
    }
    uint8_t *copy = malloc(text.size);
    check(copy != NULL);
    memcpy(copy, text.data, text.size);
    return bytes_of(copy, text.size);
}

static void text_drop(bytes *text) {
    union {
        const uint8_t *borrowed;
        void *owned;
    } kept = {.borrowed = text->data};
    free(kept.owned);
    *text = BYTES_EMPTY;
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
    calls->told_count -= call->told ? 1u : 0u;
    text_drop(&call->result.headers);
    text_drop(&call->result.body);
    text_drop(&call->result.error);
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

// Runs a claim, or an answer into its task. ERR_LATER: it may not run scripts, so once more, only
// to record what happened.
struct work {
    const struct match_supply *supply; // a claim; NULL: an answer
    struct call_claim claim;
    const struct call_result *result;
    struct call call;
    bool wanted;
};

static err work_decide(struct decision *decision, struct work *work) {
    if (work->supply == NULL) {
        return complete_call(decision, &work->claim, work->result);
    }
    const struct key_queue_parts *parts = &work->supply->key;
    struct key key =
        key_queue(parts->queue_hash, parts->priority, parts->ready_ms, parts->sequence);
    return claim_call(decision, key_bytes(&key), &work->claim, &work->call, &work->wanted);
}

static err
work_do(struct node *node, group_id group, struct work *work, struct decision *out_decision) {
    TRY(node_decision_begin(node, group, out_decision));
    out_decision->evaluated.allowed = false;
    err done = work_decide(out_decision, work);
    if (done.code == ERR_LATER) {
        (void)node_decision_abort(node, out_decision);
        TRY(node_decision_begin(node, group, out_decision));
        out_decision->evaluated.allowed = false;
        out_decision->evaluated.record_only = true;
        done = work_decide(out_decision, work);
    }
    bool refused = done.code == ERR_UNAVAILABLE && work->claim.limit_hash != 0;
    if (err_is(done) && done.code != ERR_NOT_FOUND && !refused) {
        (void)node_decision_abort(node, out_decision);
    }
    return done;
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
    err claimed = work_do(node, supply->group, &work, &decision);
    if (claimed.code == ERR_UNAVAILABLE) {
        if (work.claim.limit_hash == 0) {
            match_add(node->match, supply);
            return false;
        }
        set_aside(node, supply, &work.claim);
        (void)node_decision_commit(node, &decision); // the group may have asked for a permit
        return true;
    }
    check(!err_is(claimed) || claimed.code == ERR_NOT_FOUND);
    struct gate gate = node_decision_commit(node, &decision);
    if (!err_is(claimed) && work.wanted) {
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

// False: the store has no room now.
static bool bring_in(struct node *node, struct open_call *call, const struct call_result *result) {
    struct work work = {.claim = call->claim, .result = result};
    struct decision decision;
    err done = work_do(node, call->group, &work, &decision);
    if (done.code == ERR_UNAVAILABLE) {
        return false;
    }
    check(!err_is(done));
    (void)node_decision_commit(node, &decision);
    call_drop(node->calls, call);
    return true;
}

void calls_told(struct node *node, uint64_t call_id, const struct call_result *result) {
    struct open_call *call = table_get(&node->calls->open, call_id);
    if (call == NULL || call->told) {
        return;
    }
    node->stats.calls_told++;
    if (bring_in(node, call, result)) {
        return;
    }
    call->result = *result;
    call->result.headers = text_keep(result->headers);
    call->result.body = text_keep(result->body);
    call->result.error = text_keep(result->error);
    call->told = true;
    node->calls->told_count++;
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

bool calls_next_look(const struct calls *calls, mono_time *out_at) {
    *out_at = calls->look_at;
    return calls->open_count >= calls->room;
}

void calls_lost(struct node *node, group_id group) {
    struct open_call *next = NULL;
    for (struct open_call *call = node->calls->first; call != NULL; call = next) {
        next = call->next;
        if (call->group == group) {
            call_drop(node->calls, call);
        }
    }
}

static void bring_in_late(struct node *node) {
    struct open_call *call = node->calls->first;
    while (call != NULL && node->calls->told_count > 0) {
        struct open_call *next = call->next;
        if (call->told && !bring_in(node, call, &call->result)) {
            node->more_to_do = true;
            return;
        }
        arena_reset(node->arena);
        call = next;
    }
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
    bring_in_late(node);
    forget_overdue(node);
    refused_end(node, node->time.ms);
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
