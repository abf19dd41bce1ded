// One record a queue, for both sides of it: who polls it elsewhere and whom we told, who has tasks
// elsewhere and when we were asked last.
#include "node/core/interest.h"

#include "node/core/node_internal.h"
#include "proto/base/check.h"
#include "proto/base/mutant.h"
#include "proto/limits.h"

#include <stdlib.h>

static const int64_t NS_PER_MS = 1000000;

// The queue as one other node knows it.
struct side {
    mono_time wanted_until; // it polls the queue; 0: it does not
    bool has_supply;        // it said so, and no claim came back empty since
};

struct interest {
    uint64_t queue;
    struct buffer type;
    struct buffer domain;
    bool has_domain;
    mono_time polled_at; // by a client here
    mono_time told_at;   // the others, of that
    size_t hinted;       // index + 1 of the node that was hinted last; 0: none is outstanding
    size_t hinted_last;  // where to go on
    mono_time hinted_at;
    struct interest *next;
    struct side sides[LIMIT_CLUSTER_NODES]; // by place of the peer
};

static struct interest *interest_of(struct node *node, uint64_t queue, bytes type, bytes domain) {
    struct interest *interest = table_get(&node->interests, queue);
    if (interest == NULL) {
        interest = calloc(1, sizeof(*interest));
        check(interest != NULL);
        interest->queue = queue;
        buffer_init(&interest->type, LIMIT_HTTP_HEAD_BYTES);
        buffer_init(&interest->domain, LIMIT_HTTP_HEAD_BYTES);
        buffer_append(&interest->type, type);
        buffer_append(&interest->domain, domain);
        interest->has_domain = domain.data != NULL;
        interest->next = node->interest_first;
        node->interest_first = interest;
        table_put(&node->interests, queue, interest);
    }
    return interest;
}

void interest_all_destroy(struct node *node) {
    while (node->interest_first != NULL) {
        struct interest *interest = node->interest_first;
        node->interest_first = interest->next;
        buffer_deinit(&interest->type);
        buffer_deinit(&interest->domain);
        free(interest);
    }
}

static bytes domain_of(const struct interest *interest) {
    return interest->has_domain ? buffer_bytes(&interest->domain) : BYTES_EMPTY;
}

static size_t index_of(const struct node *node, node_id peer) {
    size_t index = 0;
    while (index < node->peer_count && node->peers[index].id != peer) {
        index++;
    }
    return index;
}

static bool is_polled(const struct node *node, const struct interest *interest) {
    return interest->polled_at.ns != 0 &&
           node->mono.ns - interest->polled_at.ns < LIMIT_INTEREST_MS * NS_PER_MS;
}

// --- the gateway's side
// ------------------------------------------------------------------------------------

// `again`: what they heard lately holds for a while yet, so this may wait for company.
static void
tell(struct node *node, const struct interest *interest, node_id peer, bool wanted, bool again) {
    struct peer_interest told = {
        .type = buffer_bytes(&interest->type),
        .domain = domain_of(interest),
        .polls = wanted ? 1 : 0,
    };
    if (again) {
        riders_add(node, peer, PEER_INTEREST, &peer_interest_record, &told);
    } else {
        node_send(node, peer, LINK_URGENT, PEER_INTEREST, &peer_interest_record, &told);
    }
}

static void tell_all(struct node *node, struct interest *interest) {
    bool again = interest->told_at.ns != 0 &&
                 node->mono.ns - interest->told_at.ns < LIMIT_INTEREST_MS / 2 * NS_PER_MS;
    interest->told_at = node->mono;
    for (size_t i = 0; i < node->peer_count; i++) {
        if (node->peers[i].up && !mutant_is("interest_not_told")) {
            tell(node, interest, node->peers[i].id, true, again);
        }
    }
}

// Claims for waiting polls of the queue until they want as many tasks as the node said it has.
static void claim(struct node *node, struct interest *interest, size_t index, uint32_t count) {
    struct match_poll poll;
    uint64_t wanted = 0;
    while (wanted < count && match_take_oldest(node->match, interest->queue, &poll)) {
        wanted += poll.count;
        poll_claim_at(
            node, &poll, node->peers[index].id, buffer_bytes(&interest->type), domain_of(interest)
        );
    }
}

// For one waiting poll, at the first node that said it has tasks.
static void claim_anywhere(struct node *node, struct interest *interest) {
    for (size_t i = 0; i < node->peer_count; i++) {
        if (interest->sides[i].has_supply && node->peers[i].up) {
            claim(node, interest, i, 1);
            return;
        }
    }
}

void interest_polled(struct node *node, uint64_t queue, bytes type, bytes domain) {
    if (node->alone) {
        return;
    }
    struct interest *interest = interest_of(node, queue, type, domain);
    bool told = interest->told_at.ns != 0 &&
                node->mono.ns - interest->told_at.ns < LIMIT_INTEREST_TELL_MS * NS_PER_MS;
    interest->polled_at = node->mono;
    if (!told) {
        tell_all(node, interest);
    }
    if (match_ready_count(node->match, queue) == 0) {
        claim_anywhere(node, interest);
    }
}

void interest_hinted(struct node *node, node_id from, const struct peer_hint *hint) {
    struct interest *interest = table_get(&node->interests, hint->queue);
    size_t index = index_of(node, from);
    if (interest == NULL || index >= node->peer_count) {
        return;
    }
    interest->sides[index].has_supply = true;
    if (match_is_wanted(node->match, hint->queue)) {
        claim(node, interest, index, hint->count);
    } else {
        // Nobody waits now: another node may have a poll. The next one here claims at once, and
        // says that it is there.
        interest->told_at = (mono_time){0};
        tell(node, interest, from, false, false);
    }
}

void interest_waits(struct node *node, uint64_t queue) {
    struct interest *interest = table_get(&node->interests, queue);
    if (interest != NULL && interest->told_at.ns == 0) {
        tell_all(node, interest);
    }
}

void interest_exhausted(struct node *node, uint64_t queue, node_id from) {
    struct interest *interest = table_get(&node->interests, queue);
    size_t index = index_of(node, from);
    if (interest == NULL || index == node->peer_count) {
        return;
    }
    interest->sides[index].has_supply = false;
    claim_anywhere(node, interest);
}

void interest_peer_changed(struct node *node, node_id peer, bool up) {
    size_t index = index_of(node, peer);
    for (struct interest *interest = node->interest_first; interest != NULL;
         interest = interest->next) {
        interest->sides[index] = (struct side){0};
        if (interest->hinted == index + 1) {
            interest->hinted = 0;
        }
        if (up && is_polled(node, interest)) {
            tell(node, interest, peer, true, false);
        }
    }
    node->supply_changed = true;
}

// --- the side that has tasks
// -------------------------------------------------------------------------------

void interest_told(struct node *node, node_id from, const struct peer_interest *told) {
    bytes domain = told->domain.size > 0 ? told->domain : BYTES_EMPTY;
    uint64_t queue = queue_hash(queue_name(told->type, domain, node->arena));
    struct interest *interest = interest_of(node, queue, told->type, domain);
    size_t index = index_of(node, from);
    if (index < node->peer_count && told->polls == 0) {
        interest->sides[index].wanted_until = (mono_time){0};
        if (interest->hinted == index + 1) {
            interest->hinted = 0;
            node->supply_changed = true;
        }
    } else if (index < node->peer_count) {
        interest->sides[index].wanted_until.ns = node->mono.ns + LIMIT_INTEREST_MS * NS_PER_MS;
        supply_open(node, queue);
        node->supply_changed = true;
    }
}

void interest_claimed(struct node *node, uint64_t queue, node_id from) {
    struct interest *interest = table_get(&node->interests, queue);
    if (interest != NULL && interest->hinted == index_of(node, from) + 1) {
        interest->hinted = 0;
        node->supply_changed = true;
    }
}

// While nothing can be claimed here – a store without room, no lease of the definitions – tasks
// stay ready, and hinting at once again would go round as fast as messages do.
void interest_unserved(struct node *node, uint64_t queue, node_id from) {
    struct interest *interest = table_get(&node->interests, queue);
    if (interest != NULL && interest->hinted == 0 && match_ready_count(node->match, queue) > 0) {
        interest->hinted = index_of(node, from) + 1;
        interest->hinted_at = node->mono;
        node->supply_changed = true;
    }
}

static bool is_wanted_at(const struct node *node, const struct interest *interest, size_t index) {
    return node->peers[index].up && interest->sides[index].wanted_until.ns > node->mono.ns;
}

void interest_load(struct node *node) {
    for (struct interest *interest = node->interest_first; interest != NULL;
         interest = interest->next) {
        for (size_t i = 0; i < node->peer_count; i++) {
            if (is_wanted_at(node, interest, i)) {
                supply_open(node, interest->queue);
                break;
            }
        }
    }
    node->supply_changed = true;
}

// The next node, after the one hinted last, that polls the queue; peer_count when none does.
static size_t next_gateway(const struct node *node, const struct interest *interest) {
    for (size_t step = 1; step <= node->peer_count; step++) {
        size_t index = (interest->hinted_last + step) % node->peer_count;
        if (is_wanted_at(node, interest, index)) {
            return index;
        }
    }
    return node->peer_count;
}

// True: a hint is outstanding, and has to be looked at again.
static bool hint(struct node *node, struct interest *interest) {
    size_t ready = match_ready_count(node->match, interest->queue);
    if (ready == 0 || match_is_wanted(node->match, interest->queue)) {
        return false;
    }
    bool waits =
        interest->hinted != 0 && node->mono.ns - interest->hinted_at.ns < LIMIT_HINT_MS * NS_PER_MS;
    if (waits) {
        return true;
    }
    size_t index = next_gateway(node, interest);
    if (index == node->peer_count) {
        return false;
    }
    interest->hinted = index + 1;
    interest->hinted_last = index;
    interest->hinted_at = node->mono;
    struct peer_hint said = {
        .queue = interest->queue,
        .count = ready > LIMIT_HINT_TASKS ? LIMIT_HINT_TASKS : (uint32_t)ready,
    };
    node_send(node, node->peers[index].id, LINK_URGENT, PEER_HINT, &peer_hint_record, &said);
    return true;
}

void interest_pump(struct node *node) {
    bool due = node->hints_at.ns != 0 && node->hints_at.ns <= node->mono.ns;
    if (node->alone || (!node->supply_changed && !due)) {
        return;
    }
    node->supply_changed = false;
    bool outstanding = false;
    for (struct interest *interest = node->interest_first; interest != NULL;
         interest = interest->next) {
        outstanding = hint(node, interest) || outstanding;
    }
    node->hints_at.ns = outstanding ? node->mono.ns + LIMIT_HINT_MS * NS_PER_MS : 0;
}

bool interest_next_wakeup(const struct node *node, mono_time *out_at) {
    *out_at = node->hints_at;
    return node->hints_at.ns != 0;
}
