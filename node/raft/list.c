// Lists: the groups that a node leads and another one votes in, with their terms (pair.c says what
// they are for). A list is held whole or not at all; groups of it that the receiver does not follow
// are exceptions of its statement.
#include "node/raft/raft_internal.h"

void pair_relist(struct pair *pair) {
    pair->lead_version++;
    pair->list_owed = true;
}

bool pair_covers(const struct pair *pair, const struct follower *follower) {
    return pair->held_version != 0 && pair->held_version >= follower->listed_version &&
           follower->excepted_by != pair->snapshot && !heed_is_lost(follower);
}

static bool agrees(const struct replica *replica) {
    return replica->configured && replica->role == RAFT_FOLLOWER &&
           replica->install_state == STORE_INSTALL_NONE && replica->leader == replica->listed_by &&
           replica->term == replica->listed_term;
}

void pair_refresh(struct raft *raft, struct replica *replica) {
    if (replica->listed_by == 0 || replica->excepted == !agrees(replica)) {
        return;
    }
    struct pair *pair = raft_pair(raft, replica->listed_by);
    replica->excepted = !replica->excepted;
    pair->exceptions = replica->excepted ? pair->exceptions + 1 : pair->exceptions - 1;
}

// A group of the pair's list that another claims since, or that is claimed in a term that is over.
static void refuse(struct pair *pair, group_id group) {
    if (pair->refused_count < FRAME_EXCEPTIONS_MAX) {
        pair->refused[pair->refused_count] = group;
    }
    pair->refused_count++; // beyond the bound the list as a whole is not held
}

void pair_unlist(struct raft *raft, struct replica *replica) {
    if (replica->listed_by != 0 && replica->excepted) {
        raft_pair(raft, replica->listed_by)->exceptions--;
    }
    replica->listed_by = 0;
    replica->listed_term = 0;
    replica->excepted = false;
}

void list_put(const struct raft *raft, const struct pair *pair, struct buffer *frame) {
    struct message list = {.kind = MESSAGE_LIST, .version = pair->lead_version};
    size_t place = message_begin_body(frame, &list);
    for (uint32_t i = 0; i < raft->group_count; i++) {
        const struct replica *replica = &raft->replicas[i];
        const struct follower *follower = replica_follower(replica, pair->node);
        if (replica->role == RAFT_LEADER && follower != NULL && follower->speaks_from == 0) {
            message_put_listed(frame, replica->id, replica->term);
        }
    }
    message_end_body(frame, place);
}

// One row of a list: the sender leads the group in that term.
MUST_USE static err
take_listed(struct raft *raft, struct pair *pair, struct replica *replica, uint64_t term) {
    const struct follower *known = replica_follower(replica, pair->node);
    bool fits = replica->configured && (known == NULL || !heed_is_lost(known));
    if (!fits || term < replica->term) {
        refuse(pair, replica->id);
        if (fits && replica_hard_durable(raft, replica)) {
            struct message stale = {
                .kind = MESSAGE_STALE, .group = replica->id, .term = replica->term};
            pair_say(raft, pair, &stale);
        }
        return ERR_NONE;
    }
    bool is_other = replica->leader != 0 && replica->leader != pair->node;
    if (term == replica->term && is_other) {
        return err_make(ERR_INVALID, "a second leader of one term in a list");
    }
    if (term > replica->term || replica->leader != pair->node) {
        election_follow(raft, replica, term, pair->node);
    }
    pair->list_lsn = replica->hard_lsn > pair->list_lsn ? replica->hard_lsn : pair->list_lsn;
    if (replica->listed_by != 0 && replica->listed_by != pair->node) {
        refuse(raft_pair(raft, replica->listed_by), replica->id);
    }
    pair_unlist(raft, replica);
    replica->listed_by = pair->node;
    replica->listed_term = term;
    replica->excepted = false;
    pair_refresh(raft, replica);
    return ERR_NONE;
}

// Groups of the old list that are not in the new one have lost this leader.
static void forget_list(struct raft *raft, struct pair *pair, uint64_t version) {
    for (uint32_t i = 0; i < raft->group_count; i++) {
        struct replica *replica = &raft->replicas[i];
        if (replica->listed_by == pair->node && replica->list_seen != version) {
            bool lost = !replica->excepted;
            pair_unlist(raft, replica);
            if (lost) {
                election_follow(raft, replica, replica->term, 0);
            }
        }
    }
}

err list_take(
    struct raft *raft,
    struct pair *pair,
    const struct frame_header *header,
    const struct message *message
) {
    if (message->version != header->lead_version || message->version == 0) {
        return err_make(ERR_INVALID, "a list that is not of its frame");
    }
    if (message->version <= pair->list_version) {
        return ERR_NONE;
    }
    pair->list_version = 0; // held again only when all of it is taken
    pair->refused_count = 0;
    bytes rest = message->body;
    while (rest.size > 0) {
        group_id group = 0;
        uint64_t term = 0;
        TRY(message_take_listed(&rest, &group, &term));
        if (group >= raft->group_count) {
            return err_make(ERR_INVALID, "a list with a group that does not exist");
        }
        struct replica *replica = &raft->replicas[group];
        TRY(take_listed(raft, pair, replica, term));
        replica->list_seen = message->version;
    }
    forget_list(raft, pair, message->version);
    pair->list_version = message->version;
    pair->heard_held = raft->now;
    return ERR_NONE;
}
