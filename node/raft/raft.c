// All groups of a node: memory, time, durability, events. The rules live in the other files:
// election.c who leads, lead.c and follow.c how entries travel, pair.c what two nodes say to each
// other for all groups at once, read.c how a leader proves that it still is one.
//
// Work is in proportion to what happens: a group is looked at when a message names it, when the log
// became durable for it, or when its own wake-up comes, which is about once an election timeout for
// a quiet one. A group of one voter has no wake-up at all.
#include "node/raft/raft_internal.h"
#include "proto/base/check.h"
#include "proto/base/mutant.h"

#include <stdlib.h>

enum {
    RING_CAPACITY_FIRST = 64
};

static int wake_order(const void *left, const void *right) {
    const struct wake *a = left;
    const struct wake *b = right;
    if (a->at.ns != b->at.ns) {
        return a->at.ns < b->at.ns ? -1 : 1;
    }
    return (a->group > b->group) - (a->group < b->group);
}

static void *zeroed(size_t count, size_t size) {
    void *memory = calloc(count, size);
    check(memory != NULL);
    return memory;
}

// --- life ----------------------------------------------------------------------------------------

struct raft *raft_create(const struct raft_options *options) {
    check(options->self != 0);
    check(options->group_count > 0 && options->group_count <= UINT16_MAX);
    check(options->incarnation > 0 && options->incarnation <= INT64_MAX);
    struct raft *raft = zeroed(1, sizeof(*raft));
    raft->store = options->store;
    raft->store_number = raft_store_number(options->store);
    raft->self = options->self;
    raft->group_count = options->group_count;
    raft->incarnation = options->incarnation;
    raft->now = options->now;
    raft->round_begun = options->now;
    raft->offered = mono_after(options->now, -LIMIT_RAFT_ABANDON_MS);
    raft->round = 1;
    random_init(&raft->random, options->random_seed);
    raft->replicas = zeroed(raft->group_count, sizeof(*raft->replicas));
    for (uint32_t i = 0; i < raft->group_count; i++) {
        raft->replicas[i].id = (group_id)i;
    }
    heap_init(&raft->wakes, sizeof(struct wake), wake_order);
    raft->pending_capacity = RING_CAPACITY_FIRST;
    raft->pending = zeroed(raft->pending_capacity, sizeof(*raft->pending));
    raft->events_capacity = RING_CAPACITY_FIRST;
    raft->events = zeroed(raft->events_capacity, sizeof(*raft->events));
    raft->touched = zeroed(raft->group_count, sizeof(*raft->touched));
    ring_init(&raft->readers, raft->group_count);
    ring_init(&raft->drives, raft->group_count);
    for (uint32_t i = 0; i < LIMIT_RAFT_SNAPSHOTS; i++) {
        buffer_init(&raft->snapshots[i].rows, LIMIT_RAFT_ENTRY_BYTES);
        buffer_init(&raft->snapshots[i].next, LIMIT_RAFT_KEY_BYTES);
    }
    member_open_known(raft);
    return raft;
}

void replica_free(struct replica *replica) {
    if (replica->assembly != NULL) {
        buffer_deinit(&replica->assembly->payload);
        free(replica->assembly);
    }
    buffer_deinit(&replica->install_piece);
    for (uint32_t i = 0; i < replica->follower_count; i++) {
        free(replica->followers[i]);
    }
    free(replica->configs);
    free(replica->target);
}

void raft_destroy(struct raft **raft) {
    if (*raft == NULL) {
        return;
    }
    for (uint32_t i = 0; i < (*raft)->group_count; i++) {
        replica_free(&(*raft)->replicas[i]);
    }
    for (uint32_t i = 0; i < (*raft)->pair_count; i++) {
        pair_destroy((*raft)->pairs[i]);
    }
    free((*raft)->pairs);
    for (uint32_t i = 0; i < LIMIT_RAFT_SNAPSHOTS; i++) {
        buffer_deinit(&(*raft)->snapshots[i].rows);
        buffer_deinit(&(*raft)->snapshots[i].next);
    }
    heap_deinit(&(*raft)->wakes);
    free((*raft)->replicas);
    free((*raft)->pending);
    free((*raft)->events);
    free((*raft)->touched);
    free((*raft)->readers.items);
    free((*raft)->drives.items);
    free(*raft);
    *raft = NULL;
}

uint64_t raft_store_number(const struct store *store) {
    uint8_t uuid[16];
    store_identity(store, uuid);
    uint64_t number = bytes_get_u64(uuid) & INT64_MAX; // messages carry no more
    return number == 0 ? 1 : number;
}

void raft_peer_add(struct raft *raft, node_id node) {
    struct pair *pair = raft_pair(raft, node);
    if (node != raft->self) {
        pair = pair == NULL ? pair_add(raft, node) : pair;
        pair->gone = false;
        pair_drop_unused(raft);
    }
}

// Configs may name it still: it is kept until none does, and said nothing to.
void raft_peer_remove(struct raft *raft, node_id node) {
    struct pair *pair = raft_pair(raft, node);
    if (pair != NULL) {
        raft_peer_changed(raft, node, false);
        pair->gone = true;
        pair_drop_unused(raft);
    }
}

// --- inputs --------------------------------------------------------------------------------------

void raft_tick(struct raft *raft, mono_time now) {
    if (now.ns > raft->now.ns) {
        raft->now = now;
    }
    offer_look(raft);
    if (!raft->ticked) {
        member_open_nameless(raft);
    }
    raft->ticked = true;
    const struct wake *top = NULL;
    while ((top = heap_top(&raft->wakes)) != NULL && top->at.ns <= raft->now.ns) {
        struct wake wake = *top;
        (void)heap_pop(&raft->wakes, &wake);
        struct replica *replica = &raft->replicas[wake.group];
        if (replica->waking && replica->wake.ns == wake.at.ns) {
            replica->waking = false;
            election_wake(raft, replica);
        }
    }
    change_take_steps(raft);
}

static void replica_durable(struct raft *raft, struct replica *replica) {
    election_durable(raft, replica);
    install_durable(raft, replica);
    if (replica->role == RAFT_LEADER) {
        lead_count(raft, replica);
    } else {
        follow_durable(raft, replica);
    }
}

// Groups whose log is durable further are looked at once each, however many entries that is.
void raft_log_durable(struct raft *raft, log_lsn lsn) {
    if (lsn > raft->durable) {
        raft->durable = lsn;
        raft->pending_since = raft->now;
    }
    size_t touched_count = 0;
    while (raft->pending_count > 0 && raft->pending[raft->pending_first].lsn <= raft->durable) {
        struct durability done = raft->pending[raft->pending_first];
        raft->pending_first = (raft->pending_first + 1) & (raft->pending_capacity - 1);
        raft->pending_count--;
        struct replica *replica = &raft->replicas[done.group];
        // Older than a cut: its place may have been taken by another entry.
        bool counts = done.lsn >= replica->cut_lsn || mutant_is("cut_forgets_durable");
        if (counts && done.index > replica->durable) {
            replica->durable = done.index;
        }
        if (!replica->touched) {
            replica->touched = true;
            raft->touched[touched_count++] = done.group;
        }
    }
    for (size_t i = 0; i < touched_count; i++) {
        struct replica *replica = &raft->replicas[raft->touched[i]];
        replica->touched = false;
        if (replica->configured) {
            replica_durable(raft, replica);
        }
    }
    change_take_steps(raft);
}

void raft_proposed(struct raft *raft, group_id group, log_index index, log_lsn lsn) {
    struct replica *replica = raft_replica(raft, group);
    check(replica != NULL && replica->role == RAFT_LEADER);
    check(index == replica->last + 1);
    replica_appended(raft, replica, index, replica->term, lsn);
    lead_queue_all(raft, replica);
    if (mutant_is("count_self_before_sync")) {
        replica->durable = index;
        lead_count(raft, replica);
    }
}

void raft_peer_changed(struct raft *raft, node_id node, bool connected) {
    struct pair *pair = raft_pair(raft, node);
    if (pair == NULL || (pair->told && pair->closed == !connected)) {
        return;
    }
    pair->told = true;
    pair->closed = !connected;
    for (uint32_t i = 0; i < raft->group_count; i++) {
        struct replica *replica = &raft->replicas[i];
        struct follower *follower = replica_follower(replica, node);
        if (follower == NULL) {
            continue;
        }
        if (replica->role == RAFT_LEADER) {
            lead_lost(raft, replica, follower);
            continue;
        }
        bool is_lost = !connected && replica->leader == node;
        bool is_first = member_config(replica)->preferred == raft->self;
        bool may_begin = connected && replica->leader == 0 && is_first;
        if (is_lost || may_begin) {
            election_hasten(raft, replica);
        }
    }
}

// --- outputs -------------------------------------------------------------------------------------

bool raft_take_event(struct raft *raft, struct raft_event *out_event) {
    if (raft->events_count == 0) {
        return false;
    }
    *out_event = raft->events[raft->events_taken & (raft->events_capacity - 1)];
    struct replica *replica = &raft->replicas[out_event->group];
    raft->events_taken++;
    raft->events_count--;
    if (replica->commit_event == raft->events_taken) {
        replica->commit_event = 0;
    }
    return true;
}

static void events_grow(struct raft *raft) {
    struct raft_event *grown = zeroed(raft->events_capacity * 2, sizeof(*grown));
    for (size_t i = 0; i < raft->events_count; i++) {
        uint64_t place = raft->events_taken + i;
        grown[place & (raft->events_capacity * 2 - 1)] =
            raft->events[place & (raft->events_capacity - 1)];
    }
    free(raft->events);
    raft->events = grown;
    raft->events_capacity *= 2;
}

// A new event at the end, borrowed until the next one.
struct raft_event *
raft_event(struct raft *raft, struct replica *replica, enum raft_event_kind kind) {
    if (raft->events_count == raft->events_capacity) {
        events_grow(raft);
    }
    uint64_t place = raft->events_taken + raft->events_count++;
    struct raft_event *event = &raft->events[place & (raft->events_capacity - 1)];
    *event = (struct raft_event
    ){.group = replica->id, .kind = kind, .term = replica->term, .leader = replica->leader};
    replica->commit_event = kind == RAFT_COMMITTED ? place + 1 : 0;
    return event;
}

bool raft_transfer(struct raft *raft, group_id group, node_id to) {
    struct replica *replica = raft_replica(raft, group);
    return replica != NULL && replica->role == RAFT_LEADER &&
           election_start_transfer(raft, replica, to);
}

// --- questions -----------------------------------------------------------------------------------

bool raft_is_leader(const struct raft *raft, group_id group) {
    const struct replica *replica = raft_replica(raft, group);
    return replica != NULL && replica->role == RAFT_LEADER && replica->announced;
}

bool raft_is_transferring(const struct raft *raft, group_id group) {
    const struct replica *replica = raft_replica(raft, group);
    return replica != NULL && replica->transfer_to != 0;
}

bool raft_is_installing(const struct raft *raft, group_id group) {
    const struct replica *replica = raft_replica(raft, group);
    return replica != NULL &&
           (replica->install_state != STORE_INSTALL_NONE || replica->quarantined ||
            config_find(member_settled(replica), raft->self) == NULL);
}

node_id raft_leader(const struct raft *raft, group_id group) {
    const struct replica *replica = raft_replica(raft, group);
    return replica == NULL ? 0 : replica->leader;
}

int64_t raft_age_ms(const struct raft *raft, group_id group) {
    const struct replica *replica = raft_replica(raft, group);
    if (replica == NULL || replica->leader == 0) {
        return -1;
    }
    if (replica->leader == raft->self) {
        return 0;
    }
    // A quiet group is spoken for by the frames of its node.
    const struct pair *pair = raft_pair(raft, replica->leader);
    mono_time heard =
        pair != NULL && pair->heard.ns > replica->heard.ns ? pair->heard : replica->heard;
    return (raft->now.ns - heard.ns) / 1000000;
}

bool raft_has_replica(const struct raft *raft, group_id group, uint64_t *out_number) {
    const struct replica *replica = raft_replica(raft, group);
    *out_number = replica == NULL ? 0 : replica->number;
    return replica != NULL;
}

uint64_t raft_term(const struct raft *raft, group_id group) {
    const struct replica *replica = raft_replica(raft, group);
    return replica == NULL ? 0 : replica->term;
}

log_index raft_commit_index(const struct raft *raft, group_id group) {
    const struct replica *replica = raft_replica(raft, group);
    return replica == NULL ? 0 : replica->commit;
}

mono_time raft_next_wakeup(const struct raft *raft) {
    mono_time next = {INT64_MAX};
    const struct wake *top = heap_top(&raft->wakes);
    if (top != NULL) {
        next = top->at;
    }
    for (uint32_t i = 0; i < raft->pair_count; i++) {
        mono_time at = pair_due(raft, raft->pairs[i]);
        next = at.ns < next.ns ? at : next;
    }
    return next;
}

static void status_of_followers(
    const struct raft *raft, const struct replica *replica, struct raft_group_status *status
) {
    status->follower_count = replica->follower_count;
    for (uint32_t i = 0; i < status->follower_count; i++) {
        const struct follower *follower = replica->followers[i];
        bool joint = follower->votes == CONFIG_NOW || follower->votes == CONFIG_NEXT;
        status->followers[i] = (struct raft_follower_status){
            .node = follower->node,
            .replica = follower->replica,
            .voter = (follower->votes & CONFIG_NOW) != 0,
            .enters = joint && follower->votes == CONFIG_NEXT,
            .leaves = joint && follower->votes == CONFIG_NOW,
            .lost = heed_is_lost(follower),
            .ready = change_is_ready(raft, replica, follower),
            .lag = replica->last - follower->match,
            .snapshot_bytes = follower->snapshot_bytes,
            .progress = follower->progress,
            .match = follower->match,
            .log_epoch = follower->log_epoch,
            .counts = follower->counts,
            .answers = !mono_passed(raft, lead_heard(replica, follower), LIMIT_RAFT_ELECTION_MS),
        };
    }
}

static void status_of_members(const struct replica *replica, struct raft_group_status *status) {
    const struct config *config = member_config(replica);
    status->config_index = config->index;
    status->config_committed = config->index <= replica->commit;
    status->joint = config_is_joint(config);
    status->votes = replica->votes != 0;
    status->preferred = config->preferred;
    status->wants = replica->target != NULL && !config_is_reached(config, replica->target);
    for (uint32_t i = 0; i < config->count; i++) {
        const struct config_member *member = &config->members[i];
        if ((member->votes & CONFIG_NOW) != 0) {
            status->voters[status->voter_count++] = member->node;
        }
        if (status->joint && (member->votes & CONFIG_NEXT) != 0) {
            status->incoming[status->incoming_count++] = member->node;
        }
        if (member->votes == 0) {
            status->learners[status->learner_count++] = member->node;
        }
    }
}

struct raft_group_status raft_status(const struct raft *raft, group_id group) {
    struct raft_group_status status = {0};
    const struct replica *replica = raft_replica(raft, group);
    if (replica == NULL) {
        return status;
    }
    status = (struct raft_group_status){
        .configured = true,
        .role = replica->role,
        .term = replica->term,
        .vote = replica->vote,
        .leader = replica->leader,
        .first = store_first_index(raft->store, group),
        .last = replica->last,
        .durable = replica->durable,
        .commit = replica->commit,
        .elections = replica->elections,
        .installing = replica->install_state != STORE_INSTALL_NONE,
        .replica = replica->number,
    };
    status_of_members(replica, &status);
    if (replica->role == RAFT_LEADER) {
        status_of_followers(raft, replica, &status);
    }
    return status;
}

struct raft_stats raft_stats(const struct raft *raft) {
    return raft->stats;
}

// --- bookkeeping ---------------------------------------------------------------------------------

struct replica *raft_replica(const struct raft *raft, group_id group) {
    bool there = group < raft->group_count && raft->replicas[group].configured;
    return there ? &raft->replicas[group] : NULL;
}

struct pair *raft_pair(const struct raft *raft, node_id node) {
    for (uint32_t i = 0; i < raft->pair_count; i++) {
        if (raft->pairs[i]->node == node) {
            return raft->pairs[i];
        }
    }
    return NULL;
}

struct follower *replica_follower(const struct replica *replica, node_id node) {
    for (uint32_t i = 0; i < replica->follower_count; i++) {
        if (replica->followers[i]->node == node) {
            return replica->followers[i];
        }
    }
    return NULL;
}

void replica_hard_state(struct raft *raft, struct replica *replica, uint64_t term, node_id vote) {
    check(term >= replica->term);
    check(
        term > replica->term || replica->vote == 0 || replica->vote == vote ||
        mutant_is("vote_twice")
    );
    replica->term = term;
    replica->vote = vote;
    replica->hard_lsn = store_hard_state(raft->store, replica->id, term, vote);
    raft_pending(raft, replica->hard_lsn, replica->id, 0);
}

bool replica_hard_durable(const struct raft *raft, const struct replica *replica) {
    return replica->hard_lsn <= raft->durable || mutant_is("vote_before_sync");
}

void raft_pending(struct raft *raft, log_lsn lsn, group_id group, log_index index) {
    if (raft->pending_count == raft->pending_capacity) {
        struct durability *grown = zeroed(raft->pending_capacity * 2, sizeof(*grown));
        for (size_t i = 0; i < raft->pending_count; i++) {
            grown[i] = raft->pending[(raft->pending_first + i) & (raft->pending_capacity - 1)];
        }
        free(raft->pending);
        raft->pending = grown;
        raft->pending_capacity *= 2;
        raft->pending_first = 0;
    }
    if (raft->pending_count == 0) {
        raft->pending_since = raft->now;
    }
    size_t at = (raft->pending_first + raft->pending_count) & (raft->pending_capacity - 1);
    raft->pending[at] = (struct durability){lsn, group, index};
    raft->pending_count++;
}

void replica_appended(
    struct raft *raft, struct replica *replica, log_index index, uint64_t term, log_lsn lsn
) {
    replica->last = index;
    replica->last_term = term;
    raft_pending(raft, lsn, replica->id, index);
}

// The entries before `from` are durable when the cut's record is; see raft_log_durable.
void replica_cut(struct raft *raft, struct replica *replica, log_index from) {
    check(from > replica->commit);
    raft->stats.entries_cut += replica->last - from + 1;
    replica->cut_lsn = store_cut(raft->store, replica->id, from);
    struct store_group known = store_group(raft->store, replica->id);
    replica->last = known.last_index;
    replica->last_term = known.last_term;
    if (replica->durable >= from && !mutant_is("cut_forgets_durable")) {
        replica->durable = from - 1;
    }
    raft_pending(raft, replica->cut_lsn, replica->id, from - 1);
    member_cut(raft, replica, from);
}

void replica_wake(struct raft *raft, struct replica *replica, mono_time at) {
    if (replica->waking && replica->wake.ns <= at.ns) {
        return;
    }
    replica->waking = true;
    replica->wake = at;
    struct wake wake = {at, replica->id};
    heap_push(&raft->wakes, &wake);
}

void replica_committed(struct raft *raft, struct replica *replica, log_index index) {
    check(index > replica->commit && index <= replica->last);
    replica->commit = index;
    store_commit(raft->store, replica->id, index);
    member_committed(raft, replica);
    if (replica->install_state != STORE_INSTALL_NONE) {
        return; // told as a whole by RAFT_INSTALLED
    }
    struct raft_event *event = NULL;
    if (replica->commit_event != 0) {
        event = &raft->events[(replica->commit_event - 1) & (raft->events_capacity - 1)];
    } else {
        event = raft_event(raft, replica, RAFT_COMMITTED);
    }
    event->index = index;
}

void ring_init(struct group_ring *ring, uint32_t capacity) {
    *ring = (struct group_ring){.items = zeroed(capacity, sizeof(group_id)), .capacity = capacity};
}

void ring_push(struct group_ring *ring, group_id group) {
    check(ring->count < ring->capacity);
    ring->items[(ring->first + ring->count) % ring->capacity] = group;
    ring->count++;
}

group_id ring_pop(struct group_ring *ring) {
    check(ring->count > 0);
    group_id group = ring->items[ring->first];
    ring->first = (ring->first + 1) % ring->capacity;
    ring->count--;
    return group;
}

void ring_remove(struct group_ring *ring, group_id group) {
    for (uint32_t left = ring->count; left > 0; left--) {
        group_id next = ring_pop(ring);
        if (next != group) {
            ring_push(ring, next);
        }
    }
}
