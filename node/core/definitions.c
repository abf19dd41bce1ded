// Rejected: taking a link that is up for a lease. A link may be clogged for seconds while both ends
// hold it for up; and who was cut off for the time of one change would never learn that it lacks
// it.
#include "node/core/definitions.h"

#include "node/core/node_internal.h"
#include "proto/base/check.h"
#include "proto/base/mutant.h"
#include "proto/limits.h"

#include <stdlib.h>

static const int64_t NS_PER_MS = 1000000;

enum {
    ASK_MS = LIMIT_CATALOG_LEASE_MS * 2 / 5
};

// An answer that waits for other nodes to have the newest definitions.
struct catalog_wait {
    struct node_effect effect;
    mono_time deadline;
    struct catalog_wait *next;
};

void definitions_create(struct node *node) {
    node->lease_until = node->mono; // a new process holds none
}

void definitions_destroy(struct node *node) {
    while (node->catalog_waits != NULL) {
        struct catalog_wait *wait = node->catalog_waits;
        node->catalog_waits = wait->next;
        node_effect_release(&wait->effect);
        free(wait);
    }
}

static bool leads(const struct node *node) {
    return node->groups[CATALOG_GROUP].leading;
}

static mono_time after_ms(mono_time at, int64_t ms) {
    return (mono_time){at.ns + ms * NS_PER_MS};
}

// --- the system group's leader
// ------------------------------------------------------------------------------

// When a lease that is given out now has ended on any clock.
static mono_time lease_end(const struct node *node) {
    return after_ms(node->mono, LIMIT_CATALOG_LEASE_MS + LIMIT_CATALOG_LEASE_SLACK_MS);
}

void definitions_lead(struct node *node) {
    for (size_t i = 0; i < node->peer_count; i++) {
        if (node->peers[i].id != 0) {
            node->peers[i].catalog_applied = 0;
            node->peers[i].lease_end = lease_end(node);
        }
    }
}

static bool is_everywhere(const struct node *node, log_index index) {
    for (size_t i = 0; i < node->peer_count; i++) {
        const struct node_peer *peer = &node->peers[i];
        if (peer->id != node->self && peer->lease_end.ns > node->mono.ns &&
            peer->catalog_applied < index && !mutant_is("catalog_acked_without_peers")) {
            return false;
        }
    }
    return true;
}

bool definitions_hold(struct node *node, const struct node_effect *effect) {
    if (effect->catalog == 0 || node->alone || is_everywhere(node, effect->catalog)) {
        return false;
    }
    struct catalog_wait *wait = calloc(1, sizeof(*wait));
    check(wait != NULL);
    wait->effect = *effect;
    // Leases that are given out from now on are for nodes that have it.
    wait->deadline = lease_end(node);
    wait->next = node->catalog_waits;
    node->catalog_waits = wait;
    return true;
}

void definitions_asked(struct node *node, node_id from, const struct peer_applied *applied) {
    struct node_peer *peer = node_peer_of(node, from);
    if (peer == NULL || !leads(node)) {
        return;
    }
    peer->catalog_applied = applied->index;
    peer->lease_end = lease_end(node);
    struct peer_catalog catalog = {
        .index = raft_commit_index(node->raft, CATALOG_GROUP),
        .asked = applied->asked,
    };
    if (applied->calm) {
        riders_add(node, from, PEER_CATALOG, &peer_catalog_record, &catalog);
    } else {
        node_send(node, from, LINK_URGENT, PEER_CATALOG, &peer_catalog_record, &catalog);
    }
}

static void waits_let_go(struct node *node) {
    struct catalog_wait **at = &node->catalog_waits;
    while (*at != NULL) {
        struct catalog_wait *wait = *at;
        if (wait->deadline.ns <= node->mono.ns || is_everywhere(node, wait->effect.catalog)) {
            *at = wait->next;
            wait->effect.catalog = 0;
            node_effect_out(node, &wait->effect);
            free(wait);
        } else {
            at = &wait->next;
        }
    }
}

// --- the others
// ------------------------------------------------------------------------------------------------

static void ask(struct node *node, bool calm) {
    node_id leader = node_leader(node, CATALOG_GROUP);
    if (leads(node) || !node_peer_is_up(node, leader)) {
        return;
    }
    struct peer_applied applied = {
        .index = node->groups[CATALOG_GROUP].visited,
        .asked = (uint64_t)node->mono.ns,
        .calm = calm,
    };
    node->lease_ask_at = after_ms(node->mono, ASK_MS);
    if (calm) {
        riders_add(node, leader, PEER_APPLIED, &peer_applied_record, &applied);
    } else {
        node_send(node, leader, LINK_URGENT, PEER_APPLIED, &peer_applied_record, &applied);
    }
}

void definitions_ask(struct node *node) {
    ask(node, false);
}

void definitions_told(struct node *node, node_id from, const struct peer_catalog *catalog) {
    if (from != node_leader(node, CATALOG_GROUP) || catalog->asked > (uint64_t)node->mono.ns) {
        return;
    }
    mono_time until = after_ms((mono_time){(int64_t)catalog->asked}, LIMIT_CATALOG_LEASE_MS);
    if (until.ns > node->lease_until.ns) {
        node->lease_until = until;
    }
    if (catalog->index > node->lease_index) {
        node->lease_index = catalog->index;
    }
}

static bool holds_lease(const struct node *node) {
    return node->groups[CATALOG_GROUP].visited >= node->lease_index &&
           node->mono.ns < node->lease_until.ns;
}

static bool waited_for_lease(const struct node *node) {
    return node->mono.ns >= node->lease_until.ns + LIMIT_CATALOG_WAIT_MS * NS_PER_MS;
}

bool definitions_are_usable(const struct node *node) {
    if (node->alone || leads(node) || mutant_is("definitions_without_lease")) {
        return true;
    }
    return holds_lease(node) || waited_for_lease(node);
}

bool definitions_may_be_old(const struct node *node) {
    return !node->alone && !leads(node) && waited_for_lease(node);
}

bool definitions_are_newer(const struct node *node, mono_time than) {
    int64_t asked_ns = node->lease_until.ns - LIMIT_CATALOG_LEASE_MS * NS_PER_MS;
    return node->alone || leads(node) ||
           (asked_ns >= than.ns && node->groups[CATALOG_GROUP].visited >= node->lease_index);
}

// --- time
// ------------------------------------------------------------------------------------------------

void definitions_pump(struct node *node) {
    if (node->alone) {
        return;
    }
    waits_let_go(node);
    if (node->mono.ns >= node->lease_ask_at.ns) {
        node->lease_ask_at = after_ms(node->mono, ASK_MS);
        ask(node, node->mono.ns + 2LL * LIMIT_RIDE_MS * NS_PER_MS < node->lease_until.ns);
    }
}

bool definitions_next_wakeup(const struct node *node, mono_time *out_at) {
    *out_at = node->lease_ask_at;
    for (const struct catalog_wait *wait = node->catalog_waits; wait != NULL; wait = wait->next) {
        if (wait->deadline.ns < out_at->ns) {
            *out_at = wait->deadline;
        }
    }
    return !node->alone;
}
