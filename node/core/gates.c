// An effect counts the conditions it still waits for; each condition stands in a list of its group,
// oldest first. A condition that comes late with an older wish waits as long as the one before it,
// so a list is in the order of what it waits for and opening a gate looks at no more than it lets
// out.
#include "node/core/gates.h"

#include "proto/base/check.h"
#include "proto/base/mutant.h"

#include <stdlib.h>

struct held {
    struct node_effect effect;
    size_t waits;
    bool lost;
    struct held *next; // in the queue of ready or lost ones
};

struct waiter {
    uint64_t wanted;
    struct held *held;
    struct waiter *next;
};

struct waiters {
    struct waiter *first;
    struct waiter *last;
};

struct queue {
    struct held *first;
    struct held *last;
};

struct group_gates {
    uint64_t losses;
    log_index committed;
    log_index committed_before; // when leadership was lost last
    uint64_t confirmed;
    struct waiters commits;
    struct waiters reads;
};

struct gates {
    struct group_gates *groups;
    uint32_t group_count;
    struct queue ready;
    struct queue lost;
    struct waiter *spare; // waiters to be used again
    size_t held;
};

struct gates *gates_create(uint32_t group_count) {
    struct gates *gates = calloc(1, sizeof(*gates));
    check(gates != NULL);
    gates->groups = calloc(group_count, sizeof(*gates->groups));
    check(gates->groups != NULL);
    gates->group_count = group_count;
    return gates;
}

// --- queues and lists
// -------------------------------------------------------------------------------------

static void queue_add(struct queue *queue, struct held *held) {
    held->next = NULL;
    if (queue->last != NULL) {
        queue->last->next = held;
    } else {
        queue->first = held;
    }
    queue->last = held;
}

static bool queue_take(struct gates *gates, struct queue *queue, struct node_effect *out_effect) {
    struct held *held = queue->first;
    if (held == NULL) {
        return false;
    }
    queue->first = held->next;
    if (queue->first == NULL) {
        queue->last = NULL;
    }
    *out_effect = held->effect;
    free(held);
    gates->held--;
    return true;
}

static void
waiter_add(struct gates *gates, struct waiters *waiters, uint64_t wanted, struct held *held) {
    struct waiter *waiter = gates->spare;
    if (waiter != NULL) {
        gates->spare = waiter->next;
    } else {
        waiter = malloc(sizeof(*waiter));
        check(waiter != NULL);
    }
    if (waiters->last != NULL && waiters->last->wanted > wanted) {
        wanted = waiters->last->wanted;
    }
    *waiter = (struct waiter){.wanted = wanted, .held = held};
    if (waiters->last != NULL) {
        waiters->last->next = waiter;
    } else {
        waiters->first = waiter;
    }
    waiters->last = waiter;
    held->waits++;
}

static void settle(struct gates *gates, struct held *held) {
    if (held->waits == 0) {
        queue_add(held->lost ? &gates->lost : &gates->ready, held);
    }
}

// Takes the first waiter when it wants no more than `reached`. False: it wants more, or is none.
static bool
waiter_let_go(struct gates *gates, struct waiters *waiters, uint64_t reached, bool lost) {
    struct waiter *waiter = waiters->first;
    if (waiter == NULL || waiter->wanted > reached) {
        return false;
    }
    waiters->first = waiter->next;
    if (waiters->first == NULL) {
        waiters->last = NULL;
    }
    struct held *held = waiter->held;
    waiter->next = gates->spare;
    gates->spare = waiter;
    held->waits--;
    held->lost = held->lost || lost;
    settle(gates, held);
    return true;
}

// --- holding
// ----------------------------------------------------------------------------------------------

static void wait_for(struct gates *gates, struct held *held, const struct gate *wanted) {
    check(wanted->group < gates->group_count);
    struct group_gates *group = &gates->groups[wanted->group];
    if (wanted->tenure != 0 && wanted->tenure != group->losses + 1) {
        // Another leader's entry may stand at that index by now.
        bool was_committed =
            wanted->tenure == group->losses && wanted->index <= group->committed_before;
        held->lost = held->lost || !was_committed;
        return;
    }
    if (wanted->index > group->committed && !mutant_is("reply_before_durable")) {
        waiter_add(gates, &group->commits, wanted->index, held);
    }
    if (wanted->read_round > group->confirmed && !mutant_is("read_gate_ignored")) {
        waiter_add(gates, &group->reads, wanted->read_round, held);
    }
}

void gates_hold(
    struct gates *gates,
    const struct node_effect *effect,
    const struct gate *wanted,
    size_t wanted_count
) {
    struct held *held = calloc(1, sizeof(*held));
    check(held != NULL);
    held->effect = *effect;
    gates->held++;
    for (size_t i = 0; i < wanted_count; i++) {
        wait_for(gates, held, &wanted[i]);
    }
    settle(gates, held);
} // NOLINT(clang-analyzer-unix.Malloc): the queue it is in holds it, or each of its waiters

// --- opening
// ----------------------------------------------------------------------------------------------

void gates_committed(struct gates *gates, group_id group, log_index index) {
    struct group_gates *gate = &gates->groups[group];
    if (index > gate->committed) {
        gate->committed = index;
    }
    while (waiter_let_go(gates, &gate->commits, gate->committed, false)) {
    }
}

void gates_read_confirmed(struct gates *gates, group_id group, uint64_t round) {
    struct group_gates *gate = &gates->groups[group];
    if (round > gate->confirmed) {
        gate->confirmed = round;
    }
    while (waiter_let_go(gates, &gate->reads, gate->confirmed, false)) {
    }
}

uint64_t gates_tenure(const struct gates *gates, group_id group) {
    return gates->groups[group].losses + 1;
}

void gates_lost(struct gates *gates, group_id group) {
    struct group_gates *gate = &gates->groups[group];
    bool lost = !mutant_is("lost_gate_opens");
    while (waiter_let_go(gates, &gate->commits, UINT64_MAX, lost)) {
    }
    while (waiter_let_go(gates, &gate->reads, UINT64_MAX, lost)) {
    }
    gate->losses++;
    gate->committed_before = gate->committed;
    gate->committed = 0;
    gate->confirmed = 0;
}

bool gates_take_ready(struct gates *gates, struct node_effect *out_effect) {
    return queue_take(gates, &gates->ready, out_effect);
}

bool gates_take_lost(struct gates *gates, struct node_effect *out_effect) {
    return queue_take(gates, &gates->lost, out_effect);
}

size_t gates_held(const struct gates *gates) {
    return gates->held;
}

// --- the end
// ----------------------------------------------------------------------------------------------

void gates_destroy(struct gates **gates) {
    if (*gates == NULL) {
        return;
    }
    for (uint32_t group = 0; group < (*gates)->group_count; group++) {
        gates_lost(*gates, (group_id)group);
    }
    struct node_effect effect;
    while (gates_take_ready(*gates, &effect) || gates_take_lost(*gates, &effect)) {
        node_effect_release(&effect);
    }
    while ((*gates)->spare != NULL) {
        struct waiter *waiter = (*gates)->spare;
        (*gates)->spare = waiter->next;
        free(waiter);
    }
    free((*gates)->groups);
    free(*gates);
    *gates = NULL;
}
