// Polls: parked until a task is there, their time is over, or the client leaves.
//
// A poll costs memory only. A queue's Q rows are loaded when somebody first polls it; from then on
// supply comes from the entries made here. Polls that got tasks are answered at the end of the
// turn, so that a batch takes what the same turn made ready.
#include "node/core/forward.h"
#include "node/core/interest.h"
#include "node/core/node_internal.h"
#include "node/core/timekeeping.h"
#include "proto/base/check.h"
#include "proto/limits.h"

#include <stdlib.h>

static const int64_t NS_PER_MS = 1000000;

// --- memory
// ----------------------------------------------------------------------------------------------

static void hand_outs_drop(struct hand_out *hand_out) {
    while (hand_out != NULL) {
        struct hand_out *next = hand_out->next;
        free(hand_out);
        hand_out = next;
    }
}

static void poll_destroy(struct poll *poll) {
    hand_outs_drop(poll->hand_outs);
    poll_text_drop(&poll->worker);
    poll_text_drop(&poll->domain);
    buffer_deinit(&poll->tasks);
    free(poll);
}

void poll_all_destroy(struct node *node) {
    mono_time end = {INT64_MAX};
    struct match_poll expired;
    while (match_expire(node->match, end, &expired)) {
        poll_destroy(table_take(&node->polls, expired.request));
    }
    for (size_t i = 0; i < node->polls.capacity; i++) {
        struct poll *poll = node->polls.slots[i].value;
        if (poll != NULL) {
            poll_destroy(poll);
        }
    }
    while (node->blocks != NULL) {
        struct block *block = node->blocks;
        node->blocks = block->next;
        free(block);
    }
    while (node->delivery_first != NULL) {
        struct delivery *delivery = node->delivery_first;
        node->delivery_first = delivery->next;
        hand_outs_drop(delivery->hand_outs);
        free(delivery);
    }
    poll_marks_destroy(node);
}

// --- supply from rows
// ----------------------------------------------------------------------------------------

// Adds rows of one queue and group from `from` on, at most LIMIT_MATCH_LOAD. The first row that was
// left becomes the group's horizon.
static void supply_load(struct node *node, group_id group, uint64_t hash, struct key from) {
    struct store_cursor *cursor = store_cursor_open(node->store, NULL, group, key_bytes(&from));
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    struct match_supply supply = {.group = group};
    for (int loaded = 0; store_cursor_next(cursor, &key, &value); loaded++) {
        if (!key_queue_parse(key, &supply.key) || supply.key.queue_hash != hash) {
            break;
        }
        if (loaded == LIMIT_MATCH_LOAD) {
            match_set_more(node->match, &supply);
            break;
        }
        match_add(node->match, &supply);
    }
    store_cursor_close(&cursor);
}

void supply_open(struct node *node, uint64_t queue) {
    if (match_is_loaded(node->match, queue)) {
        return;
    }
    match_set_loaded(node->match, queue);
    for (uint32_t group = 1; group < node->settings.group_count; group++) {
        if (node->groups[group].leading) {
            supply_load(node, (group_id)group, queue, key_queue_prefix(queue));
        }
    }
}

bool supply_refill(struct node *node) {
    struct match_supply next;
    if (!match_take_more(node->match, &next)) {
        return false;
    }
    struct key from =
        key_queue(next.key.queue_hash, next.key.priority, next.key.ready_ms, next.key.sequence);
    supply_load(node, next.group, next.key.queue_hash, from);
    return true;
}

// --- polls
// -----------------------------------------------------------------------------------------------------

void poll_begin(struct node *node, const struct poll_wish *wish) {
    uint64_t hash = queue_hash(queue_name(wish->type, wish->domain, node->arena));
    if (wish->claimed_by == 0) {
        poll_mark(node, wish);
    } else {
        interest_claimed(node, hash, wish->claimed_by);
    }
    supply_open(node, hash);
    struct poll *poll = calloc(1, sizeof(*poll));
    check(poll != NULL);
    poll->request_id = wish->request_id;
    poll->batch = wish->batch;
    poll->wanted = wish->count;
    poll->claimed_by = wish->claimed_by;
    poll->gate = wish->gate;
    if (poll->gate.index != 0) {
        poll->gate.tenure = gates_tenure(node->gates, poll->gate.group);
    }
    poll->worker = poll_text_keep(wish->worker);
    poll->domain = poll_text_keep(wish->domain);
    buffer_init(&poll->tasks, LIMIT_REPLY_BYTES);
    table_put(&node->polls, wish->request_id, poll);
    struct match_poll parked = {
        .request = wish->request_id,
        .queue = hash,
        .count = wish->count,
        .deadline = {node->mono.ns + wish->timeout_ms * NS_PER_MS},
    };
    poll->queue = hash;
    poll->deadline = parked.deadline;
    match_park(node->match, &parked);
    if (wish->claimed_by == 0) {
        interest_polled(node, hash, wish->type, wish->domain);
    }
}

// Takes over what was claimed for a poll until its answer has left.
static void delivery_add(struct node *node, struct poll *poll) {
    struct delivery *delivery = calloc(1, sizeof(*delivery));
    check(delivery != NULL);
    delivery->hand_outs = poll->hand_outs;
    poll->hand_outs = NULL;
    delivery->next = node->delivery_first;
    if (delivery->next != NULL) {
        delivery->next->previous = delivery;
    }
    node->delivery_first = delivery;
    table_put(&node->deliveries, poll->request_id, delivery);
}

// Ends a delivery and gives what was claimed for it; NULL when there is none.
static struct hand_out *delivery_take(struct node *node, uint64_t request_id) {
    struct delivery *delivery = table_take(&node->deliveries, request_id);
    if (delivery == NULL) {
        return NULL;
    }
    if (delivery->previous != NULL) {
        delivery->previous->next = delivery->next;
    } else {
        node->delivery_first = delivery->next;
    }
    if (delivery->next != NULL) {
        delivery->next->previous = delivery->previous;
    }
    struct hand_out *hand_outs = delivery->hand_outs;
    free(delivery);
    return hand_outs;
}

// Gives one task back. Without room in the store it stays handed out until its lease ends.
static void hand_out_return(struct node *node, const struct hand_out *hand_out) {
    struct decision decision;
    if (err_is(node_decision_begin(node, hand_out->gate.group, &decision))) {
        return;
    }
    if (err_is(return_task(&decision, &hand_out->claim))) {
        (void)node_decision_abort(node, &decision);
    } else {
        (void)node_decision_commit(node, &decision);
        node->stats.tasks_returned++;
    }
}

void poll_gone(struct node *node, uint64_t request_id) {
    const struct poll *poll = table_get(&node->polls, request_id);
    if (match_unpark(node->match, request_id) || (poll != NULL && poll->claims)) {
        poll_destroy(table_take(&node->polls, request_id));
        return;
    }
    struct hand_out *first = delivery_take(node, request_id);
    for (const struct hand_out *each = first; each != NULL; each = each->next) {
        hand_out_return(node, each);
        arena_reset(node->arena);
    }
    hand_outs_drop(first);
}

void poll_delivered(struct node *node, uint64_t request_id) {
    hand_outs_drop(delivery_take(node, request_id));
}

// The answer waits for the entry of each claim, whatever partition it is in.
static void
answer_with_tasks(struct node *node, const struct poll *poll, const struct reply *reply) {
    struct gate *gates = ARENA_ARRAY(node->arena, struct gate, (size_t)poll->given + 1);
    size_t count = 0;
    gates[count++] = poll->gate;
    for (const struct hand_out *each = poll->hand_outs; each != NULL; each = each->next) {
        gates[count++] = each->gate;
    }
    node_answer_with_tasks(node, poll->request_id, reply, gates, count);
}

// Answers a poll with what it has and forgets it. It is no longer parked.
static void poll_answer(struct node *node, struct poll *poll) {
    struct reply reply = {.status = 204, .kind = REPLY_VOID};
    struct buffer list;
    buffer_init(&list, LIMIT_REPLY_BYTES + 2);
    if (poll->batch) {
        buffer_append_byte(&list, '[');
        buffer_append(&list, buffer_bytes(&poll->tasks));
        buffer_append_byte(&list, ']');
        reply = (struct reply){.status = 200, .kind = REPLY_JSON, .body = buffer_bytes(&list)};
    } else if (poll->given > 0) {
        reply = (struct reply){
            .status = 200,
            .kind = REPLY_JSON,
            .body = buffer_bytes(&poll->tasks),
        };
    }
    if (poll->granted) {
        node_answer_with_tasks(node, poll->request_id, &reply, &poll->gate, 1);
    } else if (poll->hand_outs != NULL) {
        answer_with_tasks(node, poll, &reply);
        delivery_add(node, poll);
    } else {
        node_answer(node, poll->request_id, &reply, poll->gate);
        if (poll->claimed_by != 0) {
            interest_unserved(node, poll->queue, poll->claimed_by);
        }
    }
    buffer_deinit(&list);
    poll_destroy(table_take(&node->polls, poll->request_id));
}

static void poll_note(struct poll *poll, struct gate gate, const struct task_claim *claim) {
    struct hand_out *hand_out = malloc(sizeof(*hand_out));
    check(hand_out != NULL);
    *hand_out = (struct hand_out){.gate = gate, .claim = *claim, .next = poll->hand_outs};
    poll->hand_outs = hand_out;
}

static void poll_give(struct node *node, struct poll *poll, bytes task) {
    if (poll->given > 0) {
        buffer_append_byte(&poll->tasks, ',');
    }
    buffer_append(&poll->tasks, task);
    poll->given++;
    node->stats.tasks_claimed++;
    if (!poll->finishing) {
        poll->finishing = true;
        poll->next_finishing = node->finishing;
        node->finishing = poll;
    }
    if (poll->given == poll->wanted || poll->tasks.size > LIMIT_REPLY_BYTES / 2) {
        bool unparked = match_unpark(node->match, poll->request_id);
        check(unparked);
    }
}

// --- limits
// ---------------------------------------------------------------------------------------------

// Puts the row back and sets its queue aside, or what its group has of it.
static void
block_add(struct node *node, const struct match_supply *supply, const struct task_claim *refusal) {
    struct block *block = malloc(sizeof(*block));
    check(block != NULL);
    *block = (struct block){
        .queue = supply->key.queue_hash,
        .group = node->settings.permits_travel ? supply->group : 0,
        .limit = refusal->limit_hash,
        .until_ms = timekeeping_earliest_ms(node, supply->group, refusal->until_ms),
        .next = node->blocks,
    };
    node->blocks = block;
    match_add(node->match, supply);
    match_set_blocked(node->match, block->queue, block->group, true);
}

static void block_drop(struct node *node, struct block **at) {
    struct block *block = *at;
    *at = block->next;
    match_set_blocked(node->match, block->queue, block->group, false);
    node->supply_changed = true;
    free(block);
}

void poll_unblock(struct node *node, uint64_t limit, group_id group) {
    struct block **at = &node->blocks;
    while (*at != NULL) {
        if ((*at)->limit == limit && (*at)->group == group) {
            block_drop(node, at);
        } else {
            at = &(*at)->next;
        }
    }
}

static void blocks_end(struct node *node, int64_t due_ms) {
    struct block **at = &node->blocks;
    while (*at != NULL) {
        if ((*at)->until_ms != 0 && (*at)->until_ms <= due_ms) {
            block_drop(node, at);
        } else {
            at = &(*at)->next;
        }
    }
}

void poll_forget_blocks(struct node *node) {
    while (node->blocks != NULL) {
        block_drop(node, &node->blocks);
    }
}

bool poll_next_unblock(const struct node *node, wall_time *out_at) {
    int64_t first_ms = INT64_MAX;
    for (const struct block *block = node->blocks; block != NULL; block = block->next) {
        if (block->until_ms != 0 && block->until_ms < first_ms) {
            first_ms = block->until_ms;
        }
    }
    *out_at = (wall_time){first_ms};
    return first_ms != INT64_MAX;
}

// Claims one row for one poll. False: the store has no room now; the row stays supply.
static bool poll_claim(struct node *node, const struct match_supply *supply, struct poll *poll) {
    if (!node->groups[supply->group].leading) {
        return true; // its new leader finds the row
    }
    struct decision decision;
    if (err_is(node_decision_begin(node, supply->group, &decision))) {
        match_add(node->match, supply);
        return false;
    }
    struct key key = key_queue(
        supply->key.queue_hash, supply->key.priority, supply->key.ready_ms, supply->key.sequence
    );
    struct claim_task claim = {
        .queue_key = key_bytes(&key),
        .worker = poll->worker,
        .domain = poll->domain,
        .wanted = poll->wanted - poll->given,
    };
    struct reply reply = {0};
    struct task_claim made = {0};
    err claimed = claim_task(&decision, &claim, &reply, &made);
    if (!err_is(claimed)) {
        poll_note(poll, node_decision_commit(node, &decision), &made);
        poll_give(node, poll, reply.body);
    } else if (claimed.code == ERR_UNAVAILABLE) {
        block_add(node, supply, &made);
        (void)node_decision_commit(node, &decision); // its entry may lift the block
    } else if (claimed.code == ERR_NOT_FOUND) {
        (void)node_decision_commit(node, &decision);
    } else {
        (void)node_decision_abort(node, &decision);
    }
    return true;
}

static void finishing_answer(struct node *node) {
    while (node->finishing != NULL) {
        struct poll *poll = node->finishing;
        node->finishing = poll->next_finishing;
        (void)match_unpark(node->match, poll->request_id);
        poll_answer(node, poll);
    }
}

// --- tasks of other nodes
// ----------------------------------------------------------------------------------

void poll_claim_at(
    struct node *node, const struct match_poll *parked, node_id peer, bytes type, bytes domain
) {
    struct poll *poll = table_get(&node->polls, parked->request);
    poll->claims = true;
    poll->still_wanted = parked->count;
    const bytes segments[] = {
        BYTES_LITERAL("api"),
        BYTES_LITERAL("tasks"),
        BYTES_LITERAL("poll"),
        BYTES_LITERAL("batch"),
        type,
    };
    const struct api_parameter parameters[] = {
        {BYTES_LITERAL("count"), bytes_from_text(arena_format(node->arena, "%u", parked->count))},
        {BYTES_LITERAL("timeout"), BYTES_LITERAL("0")},
        {BYTES_LITERAL("workerid"), poll->worker.data != NULL ? poll->worker : BYTES_LITERAL("")},
        {BYTES_LITERAL("domain"), domain.data != NULL ? domain : BYTES_LITERAL("")},
    };
    struct node_request request = {
        .method = BYTES_LITERAL("GET"),
        .segments = segments,
        .segment_count = sizeof(segments) / sizeof(segments[0]),
        .parameters = {parameters, sizeof(parameters) / sizeof(parameters[0])},
    };
    struct forward_wish wish = {
        .purpose = FORWARD_CLAIM,
        .request_id = parked->request,
        .request = &request,
        .node = peer,
        .timeout_ms = LIMIT_CLAIM_MS,
    };
    forward_begin(node, &wish);
}

// Waits on where it left off, or answers when its time is over.
static void poll_wait_on(struct node *node, struct poll *poll) {
    poll->claims = false;
    struct match_poll parked = {
        .request = poll->request_id,
        .queue = poll->queue,
        .count = poll->still_wanted,
        .deadline = poll->deadline,
    };
    supply_open(node, poll->queue);
    match_park(node->match, &parked);
    interest_waits(node, poll->queue);
}

void poll_granted(struct node *node, uint64_t request_id, node_id from, bytes tasks) {
    struct poll *poll = table_get(&node->polls, request_id);
    if (poll == NULL || !poll->claims) {
        (void)forward_delivered(node, request_id, true); // the client left meanwhile
        return;
    }
    size_t count = tasks.size >= 2 && json_is_array(tasks) ? json_count(tasks) : 0;
    if (count == 0) {
        uint64_t queue = poll->queue;
        poll_wait_on(node, poll);
        interest_exhausted(node, queue, from);
        return;
    }
    buffer_append(&poll->tasks, bytes_slice(tasks, 1, tasks.size - 1));
    poll->given += (uint32_t)count;
    poll->granted = true;
    poll_answer(node, poll);
}

void poll_pump(struct node *node) {
    blocks_end(node, node->time.ms);
    struct match_supply supply;
    struct match_poll wish;
    int claims = 0;
    do {
        while (match_next(node->match, &supply, &wish)) {
            if (claims++ == LIMIT_CLAIMS_PER_TURN) {
                match_add(node->match, &supply);
                node->more_to_do = true;
                break;
            }
            if (!poll_claim(node, &supply, table_get(&node->polls, wish.request))) {
                node->more_to_do = true;
                break;
            }
            arena_reset(node->arena);
        }
    } while (!node->more_to_do && supply_refill(node));
    finishing_answer(node);
    while (match_expire(node->match, node->mono, &wish)) {
        poll_answer(node, table_get(&node->polls, wish.request));
    }
}
