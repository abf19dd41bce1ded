// One structure a queue: a heap of supply, a ring of waiting polls. A queue that has both is linked
// into the list of pairs to make, so that making the next pair never looks at an idle queue.
//
// A poll's deadline lies in a heap of its own; an entry there whose poll is no longer parked is
// skipped when it comes up, which is cheaper than finding it when the poll is answered.
//
// A group may have more rows of a queue than are kept here (LIMIT_MATCH_LOAD a load). The first row
// left out is the horizon of that group: rows before it are added as they come, rows behind it are
// left to the next load, so that priority stays exact.
#include "node/match/match.h"

#include "proto/base/check.h"
#include "proto/base/heap.h"
#include "proto/base/table.h"

#include <stdlib.h>

struct parked {
    struct match_poll poll;
    struct parked *previous;
    struct parked *next;
};

struct horizon {
    struct match_supply next;
    size_t held; // supply of this group in the heap
    bool more;
};

// What a blocked group has of a queue, moved here when it comes up.
struct aside {
    group_id group;
    struct heap supply;
    struct aside *next;
};

struct queue {
    uint64_t hash;
    bool loaded;
    bool blocked;
    struct heap supply; // its top is never of a group in `asides`
    struct aside *asides;
    struct parked *first;
    struct parked *last;
    struct horizon *horizons;
    size_t horizon_count;
    struct queue *pair_previous; // the list of queues with both sides waiting
    struct queue *pair_next;
    bool paired;
    struct queue *all_next;
};

struct deadline {
    mono_time at;
    uint64_t request;
};

struct match {
    struct table queues;
    struct table parked;
    struct heap deadlines;
    struct queue *pairs;
    struct queue *all;
    size_t parked_count;
    size_t supply_count;
};

// --- order
// -----------------------------------------------------------------------------------------

static int number_order(uint64_t left, uint64_t right) {
    return left < right ? -1 : left > right;
}

static int supply_order(const void *left_item, const void *right_item) {
    const struct match_supply *left = left_item;
    const struct match_supply *right = right_item;
    if (left->key.priority != right->key.priority) {
        return left->key.priority > right->key.priority ? -1 : 1;
    }
    if (left->key.ready_ms != right->key.ready_ms) {
        return left->key.ready_ms < right->key.ready_ms ? -1 : 1;
    }
    int order = number_order(left->key.sequence, right->key.sequence);
    return order != 0 ? order : number_order(left->group, right->group);
}

static int deadline_order(const void *left_item, const void *right_item) {
    const struct deadline *left = left_item;
    const struct deadline *right = right_item;
    if (left->at.ns != right->at.ns) {
        return left->at.ns < right->at.ns ? -1 : 1;
    }
    return number_order(left->request, right->request);
}

// --- life
// -------------------------------------------------------------------------------------------

struct match *match_create(void) {
    struct match *match = calloc(1, sizeof(*match));
    check(match != NULL);
    table_init(&match->queues);
    table_init(&match->parked);
    heap_init(&match->deadlines, sizeof(struct deadline), deadline_order);
    return match;
}

static void queue_destroy(struct queue *queue) {
    while (queue->first != NULL) {
        struct parked *next = queue->first->next;
        free(queue->first);
        queue->first = next;
    }
    while (queue->asides != NULL) {
        struct aside *aside = queue->asides;
        queue->asides = aside->next;
        heap_deinit(&aside->supply);
        free(aside);
    }
    heap_deinit(&queue->supply);
    free(queue->horizons);
    free(queue);
}

void match_destroy(struct match **match) {
    if (*match == NULL) {
        return;
    }
    struct queue *queue = (*match)->all;
    while (queue != NULL) {
        struct queue *next = queue->all_next;
        queue_destroy(queue);
        queue = next;
    }
    table_deinit(&(*match)->queues);
    table_deinit(&(*match)->parked);
    heap_deinit(&(*match)->deadlines);
    free(*match);
    *match = NULL;
}

static struct queue *queue_of(struct match *match, uint64_t hash) {
    struct queue *queue = table_get(&match->queues, hash);
    if (queue == NULL) {
        queue = calloc(1, sizeof(*queue));
        check(queue != NULL);
        queue->hash = hash;
        heap_init(&queue->supply, sizeof(struct match_supply), supply_order);
        queue->all_next = match->all;
        match->all = queue;
        table_put(&match->queues, hash, queue);
    }
    return queue;
}

static struct aside *aside_of(const struct queue *queue, group_id group) {
    struct aside *aside = queue->asides;
    while (aside != NULL && aside->group != group) {
        aside = aside->next;
    }
    return aside;
}

// Moves what must not be handed out from the top of the heap.
static void queue_skim(struct queue *queue) {
    while (queue->asides != NULL && queue->supply.count > 0) {
        const struct match_supply *top = heap_top(&queue->supply);
        struct aside *aside = aside_of(queue, top->group);
        if (aside == NULL) {
            return;
        }
        struct match_supply moved;
        (void)heap_pop(&queue->supply, &moved);
        heap_push(&aside->supply, &moved);
    }
}

// Links the queue into the pairs, or takes it out, as its two sides demand.
static void queue_settle(struct match *match, struct queue *queue) {
    queue_skim(queue);
    bool paired = queue->first != NULL && queue->supply.count > 0 && !queue->blocked;
    if (paired == queue->paired) {
        return;
    }
    queue->paired = paired;
    if (paired) {
        queue->pair_previous = NULL;
        queue->pair_next = match->pairs;
        if (match->pairs != NULL) {
            match->pairs->pair_previous = queue;
        }
        match->pairs = queue;
        return;
    }
    if (queue->pair_previous != NULL) {
        queue->pair_previous->pair_next = queue->pair_next;
    } else {
        match->pairs = queue->pair_next;
    }
    if (queue->pair_next != NULL) {
        queue->pair_next->pair_previous = queue->pair_previous;
    }
}

// --- supply
// -----------------------------------------------------------------------------------------

bool match_is_loaded(const struct match *match, uint64_t queue) {
    const struct queue *found = table_get(&match->queues, queue);
    return found != NULL && found->loaded;
}

void match_set_loaded(struct match *match, uint64_t queue) {
    queue_of(match, queue)->loaded = true;
}

static struct horizon *horizon_of(const struct queue *queue, group_id group) {
    for (size_t i = 0; i < queue->horizon_count; i++) {
        if (queue->horizons[i].next.group == group) {
            return &queue->horizons[i];
        }
    }
    return NULL;
}

static size_t heap_count_of(const struct heap *supply, group_id group) {
    const struct match_supply *items = (const struct match_supply *)(const void *)supply->items;
    size_t count = 0;
    for (size_t i = 0; i < supply->count; i++) {
        count += items[i].group == group;
    }
    return count;
}

void match_set_more(struct match *match, const struct match_supply *next) {
    struct queue *queue = queue_of(match, next->key.queue_hash);
    struct horizon *horizon = horizon_of(queue, next->group);
    if (horizon == NULL) {
        queue->horizons =
            realloc(queue->horizons, (queue->horizon_count + 1) * sizeof(*queue->horizons));
        check(queue->horizons != NULL);
        horizon = &queue->horizons[queue->horizon_count++];
        *horizon = (struct horizon){.held = 0};
    }
    // What the heap holds of this group is counted anew: a load is rare, a count on each take is
    // not.
    horizon->held = heap_count_of(&queue->supply, next->group);
    const struct aside *aside = aside_of(queue, next->group);
    horizon->held += aside != NULL ? aside->supply.count : 0;
    horizon->next = *next;
    horizon->more = true;
}

bool match_take_more(struct match *match, struct match_supply *out_next) {
    for (struct queue *queue = match->all; queue != NULL; queue = queue->all_next) {
        for (size_t i = 0; i < queue->horizon_count; i++) {
            struct horizon *horizon = &queue->horizons[i];
            if (horizon->more && horizon->held == 0) {
                *out_next = horizon->next;
                *horizon = queue->horizons[--queue->horizon_count];
                return true;
            }
        }
    }
    return false;
}

void match_add(struct match *match, const struct match_supply *supply) {
    struct queue *queue = table_get(&match->queues, supply->key.queue_hash);
    if (queue == NULL || !queue->loaded) {
        return;
    }
    struct horizon *horizon = horizon_of(queue, supply->group);
    if (horizon != NULL) {
        if (supply_order(&horizon->next, supply) <= 0) {
            return;
        }
        horizon->held++;
    }
    heap_push(&queue->supply, supply);
    match->supply_count++;
    queue_settle(match, queue);
}

static void aside_begin(struct queue *queue, group_id group) {
    if (aside_of(queue, group) == NULL) {
        struct aside *aside = calloc(1, sizeof(*aside));
        check(aside != NULL);
        aside->group = group;
        heap_init(&aside->supply, sizeof(struct match_supply), supply_order);
        aside->next = queue->asides;
        queue->asides = aside;
    }
}

static void aside_end(struct queue *queue, group_id group) {
    struct aside **at = &queue->asides;
    while (*at != NULL && (*at)->group != group) {
        at = &(*at)->next;
    }
    struct aside *aside = *at;
    if (aside == NULL) {
        return;
    }
    *at = aside->next;
    struct match_supply back;
    while (heap_pop(&aside->supply, &back)) {
        heap_push(&queue->supply, &back);
    }
    heap_deinit(&aside->supply);
    free(aside);
}

void match_set_blocked(struct match *match, uint64_t hash, group_id group, bool blocked) {
    struct queue *queue = queue_of(match, hash);
    if (group == 0) {
        queue->blocked = blocked;
    } else if (blocked) {
        aside_begin(queue, group);
    } else {
        aside_end(queue, group);
    }
    queue_settle(match, queue);
}

// --- demand
// -----------------------------------------------------------------------------------------

static void queue_append(struct queue *queue, struct parked *parked) {
    parked->next = NULL;
    parked->previous = queue->last;
    if (queue->last != NULL) {
        queue->last->next = parked;
    } else {
        queue->first = parked;
    }
    queue->last = parked;
}

static void queue_remove(struct queue *queue, struct parked *parked) {
    if (parked->previous != NULL) {
        parked->previous->next = parked->next;
    } else {
        queue->first = parked->next;
    }
    if (parked->next != NULL) {
        parked->next->previous = parked->previous;
    } else {
        queue->last = parked->previous;
    }
}

void match_park(struct match *match, const struct match_poll *poll) {
    check(table_get(&match->parked, poll->request) == NULL);
    struct parked *parked = calloc(1, sizeof(*parked));
    check(parked != NULL);
    parked->poll = *poll;
    table_put(&match->parked, poll->request, parked);
    struct queue *queue = queue_of(match, poll->queue);
    queue_append(queue, parked);
    heap_push(&match->deadlines, &(struct deadline){poll->deadline, poll->request});
    match->parked_count++;
    queue_settle(match, queue);
}

bool match_unpark(struct match *match, uint64_t request) {
    struct parked *parked = table_take(&match->parked, request);
    if (parked == NULL) {
        return false;
    }
    struct queue *queue = queue_of(match, parked->poll.queue);
    queue_remove(queue, parked);
    free(parked);
    match->parked_count--;
    queue_settle(match, queue);
    return true;
}

// The best row of a queue that has one.
static void supply_take(struct match *match, struct queue *queue, struct match_supply *out_supply) {
    bool popped = heap_pop(&queue->supply, out_supply);
    check(popped);
    match->supply_count--;
    struct horizon *horizon = horizon_of(queue, out_supply->group);
    if (horizon != NULL && horizon->held > 0) {
        horizon->held--;
    }
}

bool match_take(struct match *match, uint64_t hash, struct match_supply *out_supply) {
    struct queue *queue = table_get(&match->queues, hash);
    if (queue == NULL || queue->blocked || queue->supply.count == 0) {
        return false;
    }
    supply_take(match, queue, out_supply);
    queue_settle(match, queue);
    return true;
}

bool match_next(struct match *match, struct match_supply *out_supply, struct match_poll *out_poll) {
    struct queue *queue = match->pairs;
    if (queue == NULL) {
        return false;
    }
    supply_take(match, queue, out_supply);
    struct parked *parked = queue->first;
    *out_poll = parked->poll;
    queue_remove(queue, parked);
    queue_append(queue, parked);
    queue_settle(match, queue);
    return true;
}

// Drops deadlines of polls that are no longer parked. The first one left, or NULL.
static const struct deadline *deadline_first(const struct match *match, struct heap *deadlines) {
    for (;;) {
        const struct deadline *first = heap_top(deadlines);
        if (first == NULL || table_get(&match->parked, first->request) != NULL) {
            return first;
        }
        struct deadline dropped;
        (void)heap_pop(deadlines, &dropped);
    }
}

bool match_expire(struct match *match, mono_time now, struct match_poll *out_poll) {
    const struct deadline *first = deadline_first(match, &match->deadlines);
    if (first == NULL || first->at.ns > now.ns) {
        return false;
    }
    uint64_t request = first->request;
    const struct parked *parked = table_get(&match->parked, request);
    *out_poll = parked->poll;
    return match_unpark(match, request);
}

bool match_next_deadline(const struct match *match, mono_time *out_deadline) {
    const struct deadline *first = heap_top(&match->deadlines);
    if (first == NULL) {
        return false;
    }
    *out_deadline = first->at;
    return true;
}

size_t match_parked_count(const struct match *match) {
    return match->parked_count;
}

size_t match_supply_count(const struct match *match) {
    return match->supply_count;
}

bool match_take_oldest(struct match *match, uint64_t hash, struct match_poll *out_poll) {
    const struct queue *queue = table_get(&match->queues, hash);
    if (queue == NULL || queue->first == NULL) {
        return false;
    }
    *out_poll = queue->first->poll;
    return match_unpark(match, out_poll->request);
}

size_t match_ready_count(const struct match *match, uint64_t hash) {
    const struct queue *queue = table_get(&match->queues, hash);
    return queue == NULL || queue->blocked ? 0 : queue->supply.count;
}

bool match_is_wanted(const struct match *match, uint64_t hash) {
    const struct queue *queue = table_get(&match->queues, hash);
    return queue != NULL && queue->first != NULL;
}

void match_each_wanted(
    const struct match *match, void (*visit)(void *argument, uint64_t queue), void *argument
) {
    for (const struct queue *queue = match->all; queue != NULL; queue = queue->all_next) {
        if (queue->first != NULL) {
            visit(argument, queue->hash);
        }
    }
}

void match_forget_supply(struct match *match) {
    for (struct queue *queue = match->all; queue != NULL; queue = queue->all_next) {
        match->supply_count -= queue->supply.count;
        heap_clear(&queue->supply);
        for (struct aside *aside = queue->asides; aside != NULL; aside = aside->next) {
            match->supply_count -= aside->supply.count;
            heap_clear(&aside->supply);
        }
        queue->horizon_count = 0;
        queue->loaded = false;
        queue_settle(match, queue);
    }
}
