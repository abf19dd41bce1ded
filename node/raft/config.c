// Configs as values: bytes, majorities, and the next step towards a target. No step here depends on
// who leads or what is committed; change.c knows when one may be taken.
#include "node/raft/config.h"

#include "proto/base/check.h"
#include "proto/base/mutant.h"

enum {
    CONFIG_VERSION = 1
};

// --- values --------------------------------------------------------------------------------------

// Numbers follow the order of node ids, so that the order of the list is each founder's own matter.
struct config config_initial(const struct raft_config *founders) {
    struct config config = {.preferred = founders->voters[0], .next_replica = 1};
    uint32_t total = founders->voter_count + founders->learner_count;
    check(founders->voter_count <= RAFT_VOTERS_MAX);
    check(founders->learner_count <= RAFT_LEARNERS_MAX);
    for (uint32_t i = 0; i < total; i++) {
        bool votes = i < founders->voter_count;
        node_id node = votes ? founders->voters[i] : founders->learners[i - founders->voter_count];
        check(node != 0 && config_find(&config, node) == NULL);
        uint32_t at = config.count++;
        for (; at > 0 && config.members[at - 1].node > node; at--) {
            config.members[at] = config.members[at - 1];
        }
        config.members[at] =
            (struct config_member){.node = node, .votes = votes ? CONFIG_VOTER : 0};
    }
    for (uint32_t i = 0; i < config.count; i++) {
        config.members[i].replica = config.next_replica++;
    }
    return config;
}

const struct config_member *config_find(const struct config *config, node_id node) {
    for (uint32_t i = 0; i < config->count; i++) {
        if (config->members[i].node == node) {
            return &config->members[i];
        }
    }
    return NULL;
}

bool config_is_joint(const struct config *config) {
    for (uint32_t i = 0; i < config->count; i++) {
        uint8_t votes = config->members[i].votes;
        if (votes == CONFIG_NOW || votes == CONFIG_NEXT) {
            return true;
        }
    }
    return false;
}

uint32_t config_voter_count(const struct config *config) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < config->count; i++) {
        count += config->members[i].votes != 0 ? 1 : 0;
    }
    return count;
}

bool config_is_removed(const struct config *config, node_id node, uint64_t replica) {
    const struct config_member *member = config_find(config, node);
    return replica < config->next_replica && (member == NULL || member->replica != replica);
}

// --- majorities ----------------------------------------------------------------------------------

// Of the members with the vote; INT64_MAX when there are none.
static int64_t
majority(const struct config *config, const int64_t values[RAFT_MEMBERS_MAX], uint8_t vote) {
    int64_t sorted[RAFT_MEMBERS_MAX]; // highest first
    uint32_t count = 0;
    for (uint32_t i = 0; i < config->count; i++) {
        bool votes = (config->members[i].votes & vote) != 0 || mutant_is("learner_counted");
        if (!votes) {
            continue;
        }
        uint32_t at = count++;
        for (; at > 0 && sorted[at - 1] < values[i]; at--) {
            sorted[at] = sorted[at - 1];
        }
        sorted[at] = values[i];
    }
    return count == 0 ? INT64_MAX : sorted[count / 2];
}

int64_t config_quorum(const struct config *config, const int64_t values[RAFT_MEMBERS_MAX]) {
    if (config_voter_count(config) == 0) {
        return INT64_MIN;
    }
    int64_t now = majority(config, values, CONFIG_NOW);
    int64_t next = majority(config, values, CONFIG_NEXT);
    if (mutant_is("joint_uses_one_majority")) {
        return next;
    }
    return now < next ? now : next;
}

// --- bytes ---------------------------------------------------------------------------------------

void config_put(const struct config *config, struct buffer *out) {
    uint8_t head[CONFIG_HEAD_BYTES] = {CONFIG_VERSION};
    bytes_put_u64(head + 1, config->index);
    bytes_put_u64(head + 9, config->next_replica);
    bytes_put_u16(head + 17, config->preferred);
    head[19] = (uint8_t)config->count;
    buffer_append(out, bytes_of(head, sizeof(head)));
    for (uint32_t i = 0; i < config->count; i++) {
        const struct config_member *member = &config->members[i];
        uint8_t row[CONFIG_MEMBER_BYTES];
        bytes_put_u16(row, member->node);
        bytes_put_u64(row + 2, member->replica);
        bytes_put_u64(row + 10, member->store);
        row[18] = member->votes;
        buffer_append(out, bytes_of(row, sizeof(row)));
    }
}

static bool member_could_be(const struct config *config, const struct config_member *member) {
    bool fresh = config_find(config, member->node) == NULL;
    return fresh && member->node != 0 && member->replica != 0 &&
           member->replica < config->next_replica && member->votes <= CONFIG_VOTER;
}

err config_take(bytes value, struct config *out_config) {
    err invalid = err_make(ERR_INVALID, "a value that is no list of a group's members");
    if (value.size < CONFIG_HEAD_BYTES || value.data[0] != CONFIG_VERSION) {
        return invalid;
    }
    uint32_t count = value.data[19];
    bool sized = value.size == CONFIG_HEAD_BYTES + (size_t)count * CONFIG_MEMBER_BYTES;
    if (!sized || count > RAFT_MEMBERS_MAX) {
        return invalid;
    }
    struct config config = {
        .index = bytes_get_u64(value.data + 1),
        .next_replica = bytes_get_u64(value.data + 9),
        .preferred = bytes_get_u16(value.data + 17),
    };
    if (config.next_replica > INT64_MAX) {
        return invalid; // messages carry less
    }
    uint8_t votes = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *row = value.data + CONFIG_HEAD_BYTES + (size_t)i * CONFIG_MEMBER_BYTES;
        struct config_member member = {
            .node = bytes_get_u16(row),
            .replica = bytes_get_u64(row + 2),
            .store = bytes_get_u64(row + 10),
            .votes = row[18],
        };
        if (!member_could_be(&config, &member)) {
            return invalid;
        }
        votes |= member.votes;
        config.members[config.count++] = member;
    }
    if (votes != CONFIG_VOTER) {
        return invalid; // nobody could ever agree
    }
    *out_config = config;
    return ERR_NONE;
}

// --- steps ---------------------------------------------------------------------------------------

static bool names(const node_id *nodes, uint32_t count, node_id node) {
    for (uint32_t i = 0; i < count; i++) {
        if (nodes[i] == node) {
            return true;
        }
    }
    return false;
}

static bool is_voter_of(const struct raft_target *target, node_id node) {
    return names(target->voters, target->voter_count, node);
}

static bool is_wanted(const struct raft_target *target, node_id node) {
    return is_voter_of(target, node) || names(target->learners, target->learner_count, node);
}

static uint64_t give_number(struct config *config) {
    return mutant_is("replica_id_reused") ? config->next_replica : config->next_replica++;
}

static uint64_t store_of(const struct config_facts *facts, node_id node) {
    for (uint32_t i = 0; i < facts->store_count; i++) {
        if (facts->stores[i].node == node) {
            return facts->stores[i].store;
        }
    }
    return 0;
}

// Stores that are known since, of members that had none.
static bool bind_stores(const struct config_facts *facts, struct config *next) {
    bool changed = false;
    for (uint32_t i = 0; i < next->count; i++) {
        struct config_member *member = &next->members[i];
        if (member->store == 0) {
            member->store = store_of(facts, member->node);
            changed = changed || member->store != 0;
        }
    }
    return changed;
}

// Learners that nobody wants go; one whose store is another is another replica.
static bool sort_learners(
    const struct config *now,
    const struct raft_target *target,
    const struct config_facts *facts,
    struct config *next
) {
    bool changed = false;
    struct config before = *next;
    next->count = 0;
    for (uint32_t i = 0; i < now->count; i++) {
        struct config_member member = before.members[i];
        if (member.votes == 0 && !is_wanted(target, member.node)) {
            changed = true;
            continue;
        }
        if (member.votes == 0 && facts->lost[i]) {
            member.replica = give_number(next);
            member.store = store_of(facts, member.node);
            changed = true;
        }
        next->members[next->count++] = member;
    }
    return changed;
}

static bool add_learners(
    const node_id *nodes, uint32_t count, const struct config_facts *facts, struct config *next
) {
    bool changed = false;
    for (uint32_t i = 0; i < count; i++) {
        if (config_find(next, nodes[i]) == NULL && next->count < RAFT_MEMBERS_MAX) {
            next->members[next->count++] = (struct config_member){
                .node = nodes[i],
                .replica = give_number(next),
                .store = store_of(facts, nodes[i]),
            };
            changed = true;
        }
    }
    return changed;
}

enum turnout {
    TURNOUT_SAME,
    TURNOUT_WAITS, // for a learner
    TURNOUT_JOINT  // `next` was made joint
};

// A voter that lost its store leaves first: it must not be asked to count. Else all come and go in
// one step, once those who come keep up. A majority of those who will vote has all that is
// committed then: else a leader that comes after might need them to commit, and have entries they
// need no more.
static enum turnout turn_voters(
    const struct raft_target *target, const struct config_facts *facts, struct config *next
) {
    bool someone_lost = false;
    for (uint32_t i = 0; i < next->count; i++) {
        someone_lost = someone_lost || (next->members[i].votes != 0 && facts->lost[i]);
    }
    uint8_t votes[RAFT_MEMBERS_MAX] = {0};
    uint32_t changes = 0;
    uint32_t stay = 0;
    uint32_t level = 0;
    for (uint32_t i = 0; i < next->count; i++) {
        const struct config_member *member = &next->members[i];
        bool was = member->votes != 0;
        bool wanted = someone_lost ? was && !facts->lost[i] : is_voter_of(target, member->node);
        bool ready = facts->ready[i] || mutant_is("promote_empty_learner");
        if (wanted && !was && !ready) {
            return TURNOUT_WAITS;
        }
        votes[i] = (uint8_t)((was ? CONFIG_NOW : 0) | (wanted ? CONFIG_NEXT : 0));
        changes += was != wanted ? 1 : 0;
        stay += wanted ? 1 : 0;
        level += wanted && facts->has_all[i] ? 1 : 0;
    }
    if (changes == 0 || stay == 0) {
        return TURNOUT_SAME;
    }
    if (level <= stay / 2) {
        return TURNOUT_WAITS;
    }
    for (uint32_t i = 0; i < next->count; i++) {
        next->members[i].votes = votes[i];
    }
    return TURNOUT_JOINT;
}

bool config_next(
    const struct config *now,
    const struct raft_target *target,
    const struct config_facts *facts,
    struct config *out_next
) {
    check(!config_is_joint(now));
    check(target->voter_count > 0);
    *out_next = *now;
    bool changed = bind_stores(facts, out_next);
    bool learners = sort_learners(now, target, facts, out_next);
    learners = add_learners(target->voters, target->voter_count, facts, out_next) || learners;
    learners = add_learners(target->learners, target->learner_count, facts, out_next) || learners;
    if (learners) {
        return true; // the places of facts are those of `now`: voters come next time
    }
    enum turnout turnout = turn_voters(target, facts, out_next);
    if (turnout == TURNOUT_WAITS) {
        return changed;
    }
    if (out_next->preferred != target->voters[0]) {
        out_next->preferred = target->voters[0];
        changed = true;
    }
    return changed || turnout == TURNOUT_JOINT;
}

bool config_is_reached(const struct config *now, const struct raft_target *target) {
    if (config_is_joint(now) || now->preferred != target->voters[0]) {
        return false;
    }
    uint32_t wanted = 0;
    for (uint32_t i = 0; i < now->count; i++) {
        const struct config_member *member = &now->members[i];
        bool votes = is_voter_of(target, member->node);
        if (!is_wanted(target, member->node) || votes != (member->votes != 0)) {
            return false;
        }
        wanted += votes ? 1 : 0;
    }
    return wanted == target->voter_count;
}

struct config config_leave(const struct config *joint) {
    struct config settled = *joint;
    for (uint32_t i = 0; i < settled.count; i++) {
        bool stays = (settled.members[i].votes & CONFIG_NEXT) != 0;
        settled.members[i].votes = stays ? CONFIG_VOTER : 0;
    }
    return settled;
}
