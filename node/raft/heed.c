// Whose messages count (rule 8 of distributed.md §4).
//
// A message names the replica that speaks and the one spoken to. What is known by a *committed*
// config to be no member changes nothing and is told so: that can never become untrue, because
// numbers are not given twice. A config that is not committed may yet go away, and who it left out
// may lead: so it decides majorities, not who is heard. Who is newer than the config here, is heard
// as a leader or a candidate: it may know more; only answers are counted for members alone. And a
// replica lives in one store: what comes from another one on its node is not from it.
#include "node/raft/raft_internal.h"
#include "proto/base/mutant.h"

bool heed_is_lost(const struct follower *follower) {
    return follower->store != 0 && follower->pair->store != 0 &&
           follower->store != follower->pair->store && !mutant_is("lost_store_counted");
}

static bool is_of_leader(enum message_kind kind) {
    return kind == MESSAGE_APPEND || kind == MESSAGE_PART || kind == MESSAGE_COMMIT ||
           kind == MESSAGE_INSTALL || kind == MESSAGE_CHUNK || kind == MESSAGE_INSTALL_END;
}

static bool is_answer(enum message_kind kind) {
    return kind == MESSAGE_PRE_VOTE_REPLY || kind == MESSAGE_VOTE_REPLY || kind == MESSAGE_ACK ||
           kind == MESSAGE_REJECT || kind == MESSAGE_PART_ACK || kind == MESSAGE_INSTALL_ACK;
}

static bool create(
    struct raft *raft, struct replica *replica, struct pair *pair, const struct message *message
) {
    struct store_group known = store_group(raft->store, replica->id);
    bool begins = message->kind == MESSAGE_APPEND || message->kind == MESSAGE_PART ||
                  message->kind == MESSAGE_INSTALL || message->kind == MESSAGE_CHUNK;
    if (!begins || message->to <= known.removed || !raft->ticked) {
        return false;
    }
    member_open(raft, replica, NULL); // its number is in the message
    pair->list_version = 0;           // the group was refused: it is listed anew
    return true;
}

static void
say_removed(struct raft *raft, const struct replica *replica, struct pair *pair, uint64_t to) {
    struct message removed = {
        .kind = MESSAGE_REMOVED, .group = replica->id, .term = replica->term, .to = to};
    if (replica_hard_durable(raft, replica)) {
        pair_say(raft, pair, &removed);
    }
}

// By what is committed, so for ever. One that does not know its own number is no member when its
// node is none.
static bool
is_removed(const struct replica *replica, const struct pair *pair, const struct message *message) {
    const struct config *settled = member_settled(replica);
    if (settled->count == 0 || mutant_is("removed_replica_accepted")) {
        return false;
    }
    if (message->from == 0) {
        return message->kind == MESSAGE_ASK && settled->index > 0 &&
               config_find(settled, pair->node) == NULL;
    }
    return config_is_removed(settled, pair->node, message->from);
}

// The leader may know a newer replica of this node than the node itself.
static bool is_for_us(struct replica *replica, const struct message *message) {
    bool newer = message->to > replica->number;
    if (newer && is_of_leader(message->kind)) {
        bool is_current = message->term >= replica->term; // else it hears so
        replica->number = is_current ? message->to : replica->number;
        return true;
    }
    return message->to == 0 || message->to == replica->number;
}

struct replica *heed_message(struct raft *raft, struct pair *pair, const struct message *message) {
    if (message->group >= raft->group_count) {
        return NULL;
    }
    struct replica *replica = &raft->replicas[message->group];
    if (!replica->configured && !create(raft, replica, pair, message)) {
        return NULL;
    }
    if (message->kind == MESSAGE_REMOVED) {
        return replica;
    }
    if (is_removed(replica, pair, message)) {
        say_removed(raft, replica, pair, message->from);
        return NULL;
    }
    struct follower *sender = replica_follower(replica, pair->node);
    bool is_member = sender != NULL && sender->replica == message->from;
    if (is_member && heed_is_lost(sender)) {
        change_look(raft, replica);
        return NULL;
    }
    if (!is_for_us(replica, message) || (is_answer(message->kind) && !is_member)) {
        return NULL;
    }
    if (sender != NULL && message->from != 0) {
        sender->met = message->from;
    }
    return replica;
}

// Who asked is answered, whatever the config here calls it: it may be older, or one that goes.
void heed_address(const struct raft *raft, node_id to, struct message *message) {
    const struct replica *replica = &raft->replicas[message->group];
    const struct follower *follower = replica_follower(replica, to);
    message->from = replica->number;
    if (message->kind != MESSAGE_REMOVED) {
        bool answers = is_answer(message->kind) || message->kind == MESSAGE_STALE;
        bool met = answers && follower != NULL && follower->met != 0;
        uint64_t named = follower == NULL ? 0 : follower->replica;
        message->to = met ? follower->met : named;
    }
}

// --- being out -----------------------------------------------------------------------------------

void heed_removed(struct raft *raft, struct replica *replica, const struct message *message) {
    bool is_named = config_find(member_settled(replica), raft->self) != NULL;
    bool is_this = message->to == replica->number && (message->to != 0 || !is_named);
    if (is_this && replica->role != RAFT_LEADER &&
        mono_passed(raft, replica->outside_told, LIMIT_RAFT_OUTSIDE_MS)) {
        replica->outside_told = raft->now;
        raft_event(raft, replica, RAFT_OUTSIDE)->replica = replica->number;
    }
}

// The members known here may all be gone: any node with a replica can answer.
void heed_ask(struct raft *raft, struct replica *replica) {
    struct message ask = {.kind = MESSAGE_ASK, .group = replica->id, .term = replica->term};
    if (!replica_hard_durable(raft, replica)) {
        return;
    }
    for (uint32_t i = 0; i < raft->pair_count; i++) {
        pair_say(raft, raft->pairs[i], &ask);
    }
}
