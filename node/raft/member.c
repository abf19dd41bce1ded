// Who the replicas of a group are: the configs of its log, and what follows from the one in force
// (rule 6 of distributed.md §4).
//
// Configs lie in a list by index. The last is in force from the moment its entry is appended; a cut
// takes away those above it, a commit lets go of those below the newest committed one. There is no
// "previous config". The base of the list is the group's row KEY_CONFIG, so snapshots and
// checkpoints carry it; a group at its beginning has none and begins with what it was founded with.
#include "node/raft/raft_internal.h"
#include "proto/base/check.h"
#include "proto/base/mutant.h"
#include "storage/keys.h"

#include <stdlib.h>
#include <string.h>

static const struct config nobody = {0};

// --- the list ------------------------------------------------------------------------------------

const struct config *member_settled(const struct replica *replica) {
    return replica->config_count == 0 ? &nobody : &replica->configs[0];
}

const struct config *member_config(const struct replica *replica) {
    if (mutant_is("config_used_on_commit_only")) {
        return member_settled(replica);
    }
    return replica->config_count == 0 ? &nobody : &replica->configs[replica->config_count - 1];
}

static void push(struct replica *replica, const struct config *config) {
    if (replica->config_count == replica->config_capacity) {
        replica->config_capacity = replica->config_capacity == 0 ? 2 : replica->config_capacity * 2;
        size_t size = replica->config_capacity * sizeof(*config);
        replica->configs = realloc(replica->configs, size);
        check(replica->configs != NULL);
    }
    replica->configs[replica->config_count++] = *config;
}

err member_parse(bytes payload, log_index index, bool *out_there, struct config *out_config) {
    *out_there = false;
    if (payload.size == 0 || payload.size > CONFIG_ENTRY_BYTES_MAX) {
        return ERR_NONE;
    }
    struct key key = key_config();
    bytes value = store_payload_find(payload, key_bytes(&key));
    if (value.data == NULL) {
        return ERR_NONE;
    }
    TRY(config_take(value, out_config));
    if (out_config->index != index) {
        return err_make(ERR_INVALID, "a list of members that is of another entry");
    }
    *out_there = true;
    return ERR_NONE;
}

// --- what follows from the config in force -------------------------------------------------------

static struct follower *
take_kept(struct follower **before, uint32_t count, const struct config_member *member) {
    for (uint32_t i = 0; i < count; i++) {
        struct follower *follower = before[i];
        bool same = follower != NULL && follower->node == member->node &&
                    follower->replica == member->replica;
        if (same) {
            before[i] = NULL;
            return follower;
        }
    }
    return NULL;
}

static struct follower *make_follower(struct raft *raft, const struct config_member *member) {
    struct follower *follower = calloc(1, sizeof(*follower));
    check(follower != NULL);
    struct pair *pair = raft_pair(raft, member->node);
    follower->pair = pair == NULL ? pair_add(raft, member->node) : pair;
    follower->node = member->node;
    follower->replica = member->replica;
    return follower;
}

// A member that no committed config names is not spoken to.
static void hush(const struct replica *replica, struct follower *follower) {
    const struct config_member *known = config_find(member_settled(replica), follower->node);
    bool is_known = known != NULL && known->replica == follower->replica;
    follower->speaks_from = is_known ? 0 : member_config(replica)->index;
}

static void end_follower(struct raft *raft, struct replica *replica, struct follower *follower) {
    lead_end_follower(raft, replica, follower);
    if (replica->transfer_to == follower->node) {
        replica->transfer_to = 0;
    }
    free(follower);
}

// Whether the member is the replica here, and not one that this node had before: a log from its
// beginning names those, too, and what they were is nothing that this one may do.
static bool
is_own(const struct raft *raft, const struct replica *replica, const struct config_member *member) {
    bool older = member->replica < replica->number ||
                 member->replica <= store_group(raft->store, replica->id).removed;
    return member->node == raft->self && (!older || mutant_is("old_replica_votes"));
}

// Those who stay keep what is known of them. Who goes, goes before anybody comes: a node may do
// both.
static void apply(struct raft *raft, struct replica *replica) {
    const struct config *config = member_config(replica);
    struct follower *before[RAFT_MEMBERS_MAX];
    struct follower *kept[RAFT_MEMBERS_MAX] = {NULL};
    uint32_t before_count = replica->follower_count;
    memcpy(before, replica->followers, sizeof(before));
    for (uint32_t i = 0; i < config->count; i++) {
        kept[i] = take_kept(before, before_count, &config->members[i]);
    }
    replica->follower_count = 0;
    for (uint32_t i = 0; i < before_count; i++) {
        if (before[i] != NULL) {
            end_follower(raft, replica, before[i]);
        }
    }
    replica->votes = 0;
    for (uint32_t i = 0; i < config->count; i++) {
        const struct config_member *member = &config->members[i];
        if (is_own(raft, replica, member)) {
            replica->votes = member->votes;
            replica->number = member->replica;
        }
        if (member->node == raft->self) {
            continue;
        }
        bool is_new = kept[i] == NULL;
        struct follower *follower = is_new ? make_follower(raft, member) : kept[i];
        follower->votes = member->votes;
        follower->store = member->store;
        hush(replica, follower);
        replica->followers[replica->follower_count++] = follower;
        if (is_new && replica->role == RAFT_LEADER) {
            lead_begin_follower(raft, replica, follower, replica->last + 1);
        }
    }
    if (replica->role == RAFT_LEADER && replica->follower_count > 0) {
        replica_wake(raft, replica, mono_after(raft->now, LIMIT_RAFT_RESEND_MS));
    }
}

void member_appended(struct raft *raft, struct replica *replica, const struct config *config) {
    push(replica, config);
    apply(raft, replica);
    raft_event(raft, replica, RAFT_CONFIGURED)->index = config->index;
}

void member_cut(struct raft *raft, struct replica *replica, log_index from) {
    uint32_t count = replica->config_count;
    while (replica->config_count > 1 && replica->configs[replica->config_count - 1].index >= from) {
        replica->config_count--;
    }
    if (replica->config_count != count) {
        apply(raft, replica);
        raft_event(raft, replica, RAFT_CONFIGURED)->index = member_config(replica)->index;
    }
}

// Those who were members of `before` and are none of `after` hear so, in a term that is durable
// (rule 1): a lone voter that was started leads before that. Who hears nothing now asks.
static void
say_farewell(struct raft *raft, const struct replica *replica, const struct config *before) {
    if (!replica_hard_durable(raft, replica)) {
        return;
    }
    const struct config *after = member_settled(replica);
    for (uint32_t i = 0; i < before->count; i++) {
        const struct config_member *member = &before->members[i];
        struct pair *pair = raft_pair(raft, member->node);
        if (pair != NULL && config_is_removed(after, member->node, member->replica)) {
            struct message removed = {
                .kind = MESSAGE_REMOVED,
                .group = replica->id,
                .term = replica->term,
                .to = member->replica,
            };
            pair_say(raft, pair, &removed);
        }
    }
}

// Who was made a member by what is committed now is spoken to.
static void greet(struct raft *raft, struct replica *replica) {
    for (uint32_t i = 0; i < replica->follower_count; i++) {
        struct follower *follower = replica->followers[i];
        bool was_hushed = follower->speaks_from != 0;
        hush(replica, follower);
        if (was_hushed && follower->speaks_from == 0) {
            if (replica->role == RAFT_LEADER) {
                pair_relist(follower->pair);
                follower->listed_version = follower->pair->lead_version;
                follower->probe_owed = true;
                lead_queue(raft, replica, follower);
            }
        }
    }
}

void member_committed(struct raft *raft, struct replica *replica) {
    bool settled = false;
    while (replica->config_count > 1 && replica->configs[1].index <= replica->commit) {
        struct config before = replica->configs[0];
        replica->config_count--;
        memmove(
            replica->configs, replica->configs + 1, replica->config_count * sizeof(struct config)
        );
        settled = true;
        if (replica->role == RAFT_LEADER) {
            say_farewell(raft, replica, &before);
        }
    }
    if (!settled) {
        return;
    }
    if (mutant_is("config_used_on_commit_only")) {
        apply(raft, replica);
    }
    greet(raft, replica);
    change_look(raft, replica);
}

// The log is gone for a snapshot; what was not committed of it was perhaps never true.
void member_dropped(struct raft *raft, struct replica *replica) {
    if (replica->config_count > 1) {
        replica->config_count = 1;
        apply(raft, replica);
    }
}

// --- from the store ------------------------------------------------------------------------------

static bool read_row(const struct raft *raft, group_id group, struct config *out_config) {
    struct key key = key_config();
    bytes value = BYTES_EMPTY;
    err got = store_get(raft->store, group, key_bytes(&key), &value);
    return !err_is(got) && !err_is(config_take(value, out_config));
}

// The row, if there is one, and the configs of the log after it.
static void load(const struct raft *raft, struct replica *replica) {
    struct config config;
    if (read_row(raft, replica->id, &config)) {
        replica->config_count = 0;
        push(replica, &config);
    }
    for (log_index i = replica->commit + 1; i <= replica->last; i++) {
        struct store_entry entry;
        bool there = false;
        bool read = !err_is(store_entry_read(raft->store, replica->id, i, &entry));
        if (read && !err_is(member_parse(entry.payload, i, &there, &config)) && there) {
            if (replica->config_count == 0) {
                push(replica, &nobody);
            }
            push(replica, &config);
        }
    }
}

void member_reload(struct raft *raft, struct replica *replica) {
    replica->config_count = replica->config_count > 1 ? 1 : replica->config_count;
    load(raft, replica);
    apply(raft, replica);
    raft_event(raft, replica, RAFT_CONFIGURED)->index = member_config(replica)->index;
}

static void take_up_store(const struct raft *raft, struct replica *replica) {
    struct store_group known = store_group(raft->store, replica->id);
    replica->term = known.term;
    replica->vote = known.vote;
    replica->last = known.last_index;
    replica->last_term = known.last_term;
    replica->durable = known.last_index;
    replica->commit = known.commit_index;
    replica->quarantined = store_is_distrusted(raft->store, replica->id);
}

void member_open(struct raft *raft, struct replica *replica, const struct config *founders) {
    take_up_store(raft, replica);
    if (founders != NULL) {
        push(replica, founders);
    }
    load(raft, replica);
    replica->configured = true;
    replica->outside_told = mono_after(raft->now, -LIMIT_RAFT_OUTSIDE_MS);
    apply(raft, replica);
    if (founders == NULL) {
        (void)raft_event(raft, replica, RAFT_CREATED);
    }
    // Rows that are on their way may say that others are members by now.
    bool is_whole = store_installing(raft->store, replica->id) == STORE_INSTALL_NONE;
    if (is_whole && member_is_alone(raft, replica) && replica->votes != 0) {
        election_alone(raft, replica);
        return;
    }
    install_open(raft, replica);
    election_rearm(raft, replica);
    if (replica->votes != 0 && member_config(replica)->preferred == raft->self) {
        election_hasten(raft, replica);
    }
}

void member_open_known(struct raft *raft) {
    for (uint32_t i = 0; i < raft->group_count; i++) {
        struct replica *replica = &raft->replicas[i];
        enum store_install install = store_installing(raft->store, replica->id);
        if (install != STORE_INSTALL_NONE && install != STORE_INSTALL_FOLLOWING) {
            continue;
        }
        struct config config;
        if (read_row(raft, replica->id, &config)) {
            member_open(raft, replica, NULL);
        }
    }
}

// A replica that was made for its leader and ended before it was named by what is committed.
void member_open_nameless(struct raft *raft) {
    for (uint32_t i = 0; i < raft->group_count; i++) {
        struct replica *replica = &raft->replicas[i];
        enum store_install install = store_installing(raft->store, replica->id);
        bool begun = store_group(raft->store, replica->id).last_index > 0 ||
                     install == STORE_INSTALL_DROPPING || install == STORE_INSTALL_LOADING;
        if (!replica->configured && begun) {
            member_open(raft, replica, NULL);
        }
    }
}

void raft_configure(struct raft *raft, group_id group, const struct raft_config *config) {
    check(group < raft->group_count);
    check(config->voter_count > 0 && config->voter_count <= RAFT_VOTERS_MAX);
    struct replica *replica = &raft->replicas[group];
    check(!raft->ticked);
    struct config founders = config_initial(config);
    check(config_find(&founders, raft->self) != NULL);
    bool forgotten = store_group(raft->store, group).removed != 0;
    if (!replica->configured && !forgotten) {
        member_open(raft, replica, &founders);
    }
}

// --- majorities ----------------------------------------------------------------------------------

int64_t member_quorum(
    const struct raft *raft,
    const struct replica *replica,
    int64_t own,
    int64_t (*of)(const struct replica *replica, const struct follower *follower)
) {
    const struct config *config = member_config(replica);
    int64_t values[RAFT_MEMBERS_MAX];
    uint32_t next = 0;
    for (uint32_t i = 0; i < config->count; i++) {
        bool is_self = config->members[i].node == raft->self;
        values[i] = is_self ? own : of(replica, replica->followers[next++]);
    }
    return config_quorum(config, values);
}

bool member_is_alone(const struct raft *raft, const struct replica *replica) {
    const struct config *config = member_config(replica);
    return config->count == 1 && config->members[0].node == raft->self;
}

bool member_decides_alone(const struct raft *raft, const struct replica *replica) {
    (void)raft;
    return replica->votes == CONFIG_VOTER && config_voter_count(member_config(replica)) == 1;
}

// A config that takes the vote away and is not committed may yet go away, and until then nobody
// else may have the entries that others need (thesis §4.2.2): such a replica stands, and counts for
// nothing if the config stays.
bool member_may_stand(const struct raft *raft, const struct replica *replica) {
    bool may = false;
    for (uint32_t i = 0; i < replica->config_count; i++) {
        const struct config_member *own = config_find(&replica->configs[i], raft->self);
        may = may || (own != NULL && own->votes != 0 && is_own(raft, replica, own));
    }
    return may;
}

// --- its end -------------------------------------------------------------------------------------

// What was told of the group and not taken is void.
static void void_events(struct raft *raft, group_id group) {
    for (size_t i = 0; i < raft->events_count; i++) {
        size_t at = (raft->events_taken + i) & (raft->events_capacity - 1);
        if (raft->events[at].group == group) {
            raft->events[at].kind = RAFT_FOLLOWING;
            raft->events[at].leader = 0;
        }
    }
}

void raft_forget(struct raft *raft, group_id group, uint64_t number) {
    struct replica *replica = raft_replica(raft, group);
    if (replica == NULL || replica->number != number) {
        return;
    }
    election_follow(raft, replica, replica->term, 0);
    replica->config_count = 0;
    apply(raft, replica);
    pair_unlist(raft, replica);
    ring_remove(&raft->readers, group);
    ring_remove(&raft->drives, group);
    void_events(raft, group);
    replica_free(replica);
    struct replica empty = {
        .id = group,
        .hard_lsn = replica->hard_lsn,
        .cut_lsn = store_forget(raft->store, group, replica->number),
        .touched = replica->touched,
    };
    *replica = empty;
    (void)raft_event(raft, replica, RAFT_FORGOTTEN);
}
