#include "tests/unit/node_raft/oracle.h"

#include "proto/base/check.h"
#include "storage/keys.h"

#include <stdarg.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void oracle_fail(struct oracle *oracle, const char *format, ...) {
    if (oracle->failure[0] == 0) {
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(oracle->failure, sizeof(oracle->failure), format, arguments);
        va_end(arguments);
    }
}

// Room for `count` items; new ones are zero.
static void *grown(void *items, size_t *capacity, size_t count, size_t item_bytes) {
    if (count <= *capacity) {
        return items;
    }
    size_t more = *capacity == 0 ? 64 : *capacity * 2;
    more = more < count ? count : more;
    uint8_t *bigger = calloc(more, item_bytes);
    check(bigger != NULL);
    if (*capacity > 0) {
        memcpy(bigger, items, *capacity * item_bytes);
    }
    free(items);
    *capacity = more;
    return bigger;
}

static void configs_push(struct oracle_configs *configs, const struct config *config) {
    configs->items =
        grown(configs->items, &configs->capacity, configs->count + 1, sizeof(*configs->items));
    configs->items[configs->count++] = *config;
}

// Those up to `index`.
static void configs_cut(struct oracle_configs *configs, log_index index) {
    while (configs->count > 0 && configs->items[configs->count - 1].index > index) {
        configs->count--;
    }
}

static const struct config *configs_last(const struct oracle_configs *configs) {
    check(configs->count > 0);
    return &configs->items[configs->count - 1];
}

void oracle_init(struct oracle *oracle, uint32_t group_count) {
    *oracle = (struct oracle){.group_count = group_count};
}

static void note_named(struct oracle *oracle, group_id id, const struct config *config);

void oracle_founded(struct oracle *oracle, group_id id, const struct config *config) {
    struct oracle_group *group = &oracle->groups[id];
    configs_push(&group->configs, config);
    note_named(oracle, id, config);
    for (node_id node = 0; node <= CLUSTER_NODES_MAX; node++) {
        configs_push(&group->logs[node].configs, config);
    }
}

const struct config *oracle_config(const struct oracle *oracle, group_id group) {
    return configs_last(&oracle->groups[group].configs);
}

void oracle_deinit(struct oracle *oracle) {
    for (uint32_t i = 0; i < oracle->group_count; i++) {
        struct oracle_group *group = &oracle->groups[i];
        for (uint32_t node = 0; node <= CLUSTER_NODES_MAX; node++) {
            free(group->logs[node].entries);
            free(group->logs[node].configs.items);
            free(group->votes[node]);
        }
        free(group->committed);
        free(group->configs.items);
        free(group->named);
        free(group->leaders);
        free(group->writes);
        free(group->reads);
    }
}

bytes oracle_key(uint32_t key) {
    static const char letters[] = "abcdefgh";
    _Static_assert(sizeof(letters) == ORACLE_KEYS + 1, "a letter a key");
    return bytes_of(letters + key, 1);
}

// --- the log of one node -------------------------------------------------------------------------

static struct oracle_entry entry_of(const struct store *store, group_id group, log_index index) {
    struct oracle_entry entry = {0};
    bool known = store_entry_term(store, group, index, &entry.term, &entry.chain);
    check(known);
    return entry;
}

static bool entry_equal(struct oracle_entry left, struct oracle_entry right) {
    return left.term == right.term && hash128_equal(left.chain, right.chain);
}

// --- members -------------------------------------------------------------------------------------

static uint32_t votes_of(const struct config *config, uint32_t nodes, uint8_t vote, bool all) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < config->count; i++) {
        const struct config_member *member = &config->members[i];
        bool among = all || (nodes >> member->node & 1) != 0;
        count += among && (member->votes & vote) != 0 ? 1 : 0;
    }
    return count;
}

// Whether the nodes, a bit each, are a majority of every set of voters.
static bool decides(const struct config *config, uint32_t nodes) {
    static const uint8_t sets[] = {CONFIG_NOW, CONFIG_NEXT};
    for (size_t i = 0; i < sizeof(sets); i++) {
        uint32_t all = votes_of(config, 0, sets[i], true);
        if (all > 0 && votes_of(config, nodes, sets[i], false) <= all / 2) {
            return false;
        }
    }
    return true;
}

// 13: no two groups of nodes without a node in both could decide, one by each config.
static void judge_change(
    struct oracle *oracle, group_id id, const struct config *before, const struct config *after
) {
    for (uint32_t nodes = 0; nodes < 1U << (CLUSTER_NODES_MAX + 1); nodes++) {
        if (decides(before, nodes) && decides(after, ~nodes)) {
            oracle_fail(
                oracle,
                "13: the configs %llu and %llu of group %u have majorities apart",
                (unsigned long long)before->index,
                (unsigned long long)after->index,
                id
            );
            return;
        }
    }
}

// A number is one replica's for ever: of one node, in one store.
static void note_named(struct oracle *oracle, group_id id, const struct config *config) {
    struct oracle_group *group = &oracle->groups[id];
    for (uint32_t i = 0; i < config->count; i++) {
        const struct config_member *member = &config->members[i];
        group->named = grown(
            group->named, &group->named_capacity, (size_t)member->replica + 1, sizeof(*group->named)
        );
        struct config_member *known = &group->named[member->replica];
        bool same_store = known->store == 0 || member->store == 0 || known->store == member->store;
        if (known->node != 0 && (known->node != member->node || !same_store)) {
            oracle_fail(
                oracle,
                "34: replica %llu of group %u is two",
                (unsigned long long)member->replica,
                id
            );
        }
        known->node = member->node;
        known->store = member->store != 0 ? member->store : known->store;
    }
}

static void configs_committed(struct oracle *oracle, group_id id, const struct config *config) {
    struct oracle_group *group = &oracle->groups[id];
    const struct config *before = configs_last(&group->configs);
    for (uint32_t i = 0; i < config->count; i++) {
        const struct config_member *member = &config->members[i];
        const struct config_member *was = config_find(before, member->node);
        bool is_new = was == NULL || was->replica != member->replica;
        if (is_new && member->replica < before->next_replica) {
            oracle_fail(
                oracle,
                "34: replica %llu of group %u is back",
                (unsigned long long)member->replica,
                id
            );
        }
    }
    note_named(oracle, id, config);
    configs_push(&group->configs, config);
    oracle->changes++;
}

// The config in an entry of a log, if there is one.
static void note_config(
    struct oracle *oracle, node_id node, group_id id, const struct store *store, log_index index
) {
    struct oracle_log *log = &oracle->groups[id].logs[node];
    struct store_entry entry;
    struct config config;
    if (err_is(store_entry_read(store, id, index, &entry))) {
        return;
    }
    struct key key = key_config();
    bytes value = store_payload_find(entry.payload, key_bytes(&key));
    if (value.data == NULL) {
        return;
    }
    if (err_is(config_take(value, &config)) || config.index != index) {
        oracle_fail(oracle, "13: node %u has a config that is none", node);
        return;
    }
    judge_change(oracle, id, configs_last(&log->configs), &config);
    configs_push(&log->configs, &config);
}

// What the log of a node stands for when its rows come from elsewhere.
static void
configs_begin_at(const struct oracle_group *group, struct oracle_log *log, log_index at) {
    log->configs.count = 0;
    for (size_t i = 0; i < group->configs.count; i++) {
        if (i == 0 || group->configs.items[i].index <= at) {
            configs_push(&log->configs, &group->configs.items[i]);
        }
    }
}

void oracle_wiped(struct oracle *oracle, node_id node) {
    for (uint32_t i = 0; i < oracle->group_count; i++) {
        struct oracle_group *group = &oracle->groups[i];
        struct oracle_log *log = &group->logs[node];
        struct oracle_configs configs = log->configs;
        free(log->entries);
        *log = (struct oracle_log){.configs = configs};
        configs_begin_at(group, log, 0);
        free(group->votes[node]);
        group->votes[node] = NULL;
        group->votes_capacity[node] = 0;
    }
}

// 34: what says a replica that is out, by a config committed here, changes nothing.
void oracle_frame_arrives(
    struct oracle *oracle, node_id node, const struct raft *raft, node_id from, bytes frame
) {
    struct frame_header header;
    struct message message;
    oracle->watches = !err_is(message_take_header(&frame, &header)) && frame.size > 0;
    while (frame.size > 0 && !err_is(message_take(&frame, &message))) {
        if (message.kind == MESSAGE_LIST || message.group >= oracle->group_count) {
            oracle->watches = false;
            continue;
        }
        const struct oracle_log *log = &oracle->groups[message.group].logs[node];
        size_t at = log->configs.count;
        while (at > 1 && log->configs.items[at - 1].index > log->commit) {
            at--;
        }
        const struct config *settled = &log->configs.items[at - 1];
        bool is_out = message.from != 0 && config_is_removed(settled, from, message.from) &&
                      raft_status(raft, message.group).configured && !log->installing;
        oracle->watches = oracle->watches && is_out;
    }
    for (uint32_t i = 0; i < oracle->group_count; i++) {
        struct raft_group_status status = raft_status(raft, (group_id)i);
        oracle->watched[i][0] = status.term;
        oracle->watched[i][1] = status.vote;
        oracle->watched[i][2] = status.last;
    }
}

void oracle_frame_taken(struct oracle *oracle, node_id node, const struct raft *raft) {
    for (uint32_t i = 0; i < oracle->group_count && oracle->watches; i++) {
        struct raft_group_status status = raft_status(raft, (group_id)i);
        if (oracle->watched[i][0] != status.term || oracle->watched[i][1] != status.vote ||
            oracle->watched[i][2] != status.last) {
            oracle_fail(oracle, "34: a removed replica changes group %u of node %u", i, node);
        }
    }
}

// 3: equal index and term, equal chain, on all nodes.
static void
judge_entry(struct oracle *oracle, group_id id, log_index index, struct oracle_entry entry) {
    struct oracle_group *group = &oracle->groups[id];
    for (node_id node = 1; node <= CLUSTER_NODES_MAX; node++) {
        const struct oracle_log *log = &group->logs[node];
        if (index <= log->last && log->entries[index].term == entry.term &&
            !entry_equal(log->entries[index], entry)) {
            oracle_fail(
                oracle,
                "3: group %u index %llu has two chains in term %llu",
                id,
                (unsigned long long)index,
                (unsigned long long)entry.term
            );
        }
    }
}

static void values_at(const struct oracle_group *group, log_index index, uint64_t *values) {
    memset(values, 0, sizeof(*values) * ORACLE_KEYS);
    for (size_t i = 0; i < group->writes_count; i++) {
        const struct oracle_write *write = &group->writes[i];
        if (write->index <= index && group->committed[write->index].term == write->term) {
            values[write->key] = write->value;
        }
    }
}

// Who has an entry in a log that counts, a bit each.
static uint32_t copies_of(const struct oracle_group *group, log_index index) {
    uint32_t copies = 0;
    for (node_id node = 1; node <= CLUSTER_NODES_MAX; node++) {
        const struct oracle_log *log = &group->logs[node];
        bool has = !log->installing && index <= log->durable && index < log->capacity &&
                   entry_equal(log->entries[index], group->committed[index]);
        copies |= has ? 1U << node : 0;
    }
    return copies;
}

// R4: who is given rows is not one of those on whom the newest commit rests.
static void judge_drop(struct oracle *oracle, node_id node, group_id id) {
    const struct oracle_group *group = &oracle->groups[id];
    uint32_t copies = group->commit == 0 ? 0 : copies_of(group, group->commit);
    bool has = (copies >> node & 1) != 0;
    if (has && !decides(configs_last(&group->configs), copies & ~(1U << node))) {
        oracle_fail(
            oracle,
            "R4: node %u drops entry %llu of group %u, others with it: %x",
            node,
            (unsigned long long)group->commit,
            id,
            copies & ~(1U << node)
        );
    }
}

// The log was dropped for a snapshot: what it stands for is what the group committed.
static void begin_at(struct oracle *oracle, node_id node, group_id id, const struct store *store) {
    struct oracle_group *group = &oracle->groups[id];
    struct oracle_log *log = &group->logs[node];
    if (store_installing(store, id) == STORE_INSTALL_DROPPING) {
        judge_drop(oracle, node, id);
    }
    struct store_group known = store_group(store, id);
    log_index at = known.commit_index;
    if (at > group->commit) {
        oracle_fail(oracle, "4: node %u is given what is not committed", node);
        return;
    }
    log->entries = grown(log->entries, &log->capacity, at + 1, sizeof(*log->entries));
    memcpy(log->entries, group->committed, (at + 1) * sizeof(*log->entries));
    log->epoch = store_log_epoch(store, id);
    log->last = at;
    log->commit = at;
    log->durable = 0;
    log->batch_last = 0;
    configs_begin_at(group, log, at);
    values_at(group, at, log->values);
}

// Takes over what changed: from above what is committed, nothing below can have.
static void follow_log(
    struct oracle *oracle, node_id node, group_id id, const struct store *store, log_index last
) {
    struct oracle_log *log = &oracle->groups[id].logs[node];
    log->entries = grown(log->entries, &log->capacity, last + 1, sizeof(*log->entries));
    log_index kept = log->last < last ? log->last : last;
    log_index applied = store_group(store, id).applied_index;
    log_index from = log->commit > applied ? log->commit : applied;
    for (log_index i = from + 1; i <= kept; i++) {
        if (!entry_equal(log->entries[i], entry_of(store, id, i))) {
            kept = i - 1;
        }
    }
    if (kept < log->last) {
        if (log->leading_term != 0 && log->leading_term == store_group(store, id).term) {
            oracle_fail(oracle, "2: node %u drops of its own log as leader", node);
        }
        if (kept < log->commit) {
            oracle_fail(oracle, "4: node %u drops what is committed", node);
        }
        log->durable = log->durable < kept ? log->durable : kept;
        log->batch_last = log->batch_last < kept ? log->batch_last : kept;
        log->last = kept;
        configs_cut(&log->configs, kept);
    }
    for (log_index i = log->last + 1; i <= last; i++) {
        struct oracle_entry entry = entry_of(store, id, i);
        judge_entry(oracle, id, i, entry);
        log->entries[i] = entry;
        log->last = i;
        note_config(oracle, node, id, store, i);
    }
}

// 1: one leader a term. 4: a leader has everything that was committed in an earlier one.
static void judge_leader(struct oracle *oracle, node_id node, group_id id, uint64_t term) {
    struct oracle_group *group = &oracle->groups[id];
    const struct oracle_log *log = &group->logs[node];
    group->leaders =
        grown(group->leaders, &group->leaders_capacity, term + 1, sizeof(*group->leaders));
    if (group->leaders[term] != 0 && group->leaders[term] != node) {
        oracle_fail(
            oracle,
            "1: nodes %u and %u lead group %u in term %llu",
            group->leaders[term],
            node,
            id,
            (unsigned long long)term
        );
    }
    group->leaders[term] = node;
    for (log_index i = 1; i <= group->commit; i++) {
        bool earlier = group->committed[i].committed_in < term;
        bool has = i <= log->last && entry_equal(log->entries[i], group->committed[i]);
        if (earlier && !has) {
            oracle_fail(
                oracle,
                "4: node %u leads group %u without the committed entry %llu",
                node,
                id,
                (unsigned long long)i
            );
            return;
        }
    }
}

void oracle_observe(
    struct oracle *oracle,
    node_id node,
    group_id group,
    const struct store *store,
    const struct raft *raft
) {
    struct oracle_log *log = &oracle->groups[group].logs[node];
    struct store_group known = store_group(store, group);
    if (store_log_epoch(store, group) != log->epoch) {
        begin_at(oracle, node, group, store);
    }
    log->installing = raft_is_installing(raft, group);
    follow_log(oracle, node, group, store, known.last_index);
    struct raft_group_status status = raft_status(raft, group);
    if (known.term < log->term || known.commit_index < log->commit) {
        oracle_fail(oracle, "6: term or commit of node %u went back", node);
    }
    log->term = known.term;
    log->vote = known.vote;
    bool leads = status.role == RAFT_LEADER;
    if (leads && log->leading_term != status.term) {
        judge_leader(oracle, node, group, status.term);
    }
    log->leading_term = leads ? status.term : 0;
}

void oracle_input_ends(struct oracle *oracle, node_id node, group_id group) {
    struct oracle_log *log = &oracle->groups[group].logs[node];
    log->in_force = *configs_last(&log->configs);
}

// --- disks ---------------------------------------------------------------------------------------

void oracle_batch_began(struct oracle *oracle, node_id node) {
    for (uint32_t i = 0; i < oracle->group_count; i++) {
        struct oracle_log *log = &oracle->groups[i].logs[node];
        log->batch_out = true;
        log->batch_last = log->last;
        log->batch_term = log->term;
        log->batch_epoch = log->epoch;
        log->batch_vote = log->vote;
    }
}

void oracle_batch_synced(struct oracle *oracle, node_id node) {
    for (uint32_t i = 0; i < oracle->group_count; i++) {
        struct oracle_log *log = &oracle->groups[i].logs[node];
        log->batch_out = false;
        log->durable_epoch = log->batch_epoch;
        log->durable = log->batch_last > log->durable ? log->batch_last : log->durable;
        log->durable_term = log->batch_term;
        log->durable_vote = log->batch_vote;
    }
}

void oracle_crashed(struct oracle *oracle, node_id node) {
    for (uint32_t i = 0; i < oracle->group_count; i++) {
        struct oracle_log *log = &oracle->groups[i].logs[node];
        log->batch_out = false;
        log->last = log->durable;
        configs_cut(&log->configs, log->last);
        log->term = log->durable_term;
        log->vote = log->durable_vote;
        log->leading_term = 0;
    }
}

void oracle_started(
    struct oracle *oracle, node_id node, group_id group, const struct store *store
) {
    struct oracle_log *log = &oracle->groups[group].logs[node];
    struct store_group known = store_group(store, group);
    uint64_t epoch = store_log_epoch(store, group);
    log->installing = store_installing(store, group) != STORE_INSTALL_NONE;
    if (epoch != log->durable_epoch) {
        oracle_fail(oracle, "6: the log epoch of node %u went back by its restart", node);
        return;
    }
    if (epoch != log->epoch || log->installing) {
        log->last = 0;
        begin_at(oracle, node, group, store);
    }
    if (known.last_index < log->durable || known.commit_index > known.last_index) {
        oracle_fail(oracle, "8: node %u lost entries of group %u it had synced", node, group);
        return;
    }
    bool same = known.term == log->durable_term && known.vote == log->durable_vote;
    if (known.term < log->durable_term || (known.term == log->durable_term && !same)) {
        oracle_fail(oracle, "6: term or vote of node %u went back by its restart", node);
    }
    log_index first = known.commit_index < log->commit ? known.commit_index : log->commit;
    log->commit = first;
    log_index from = first > known.applied_index ? first : known.applied_index;
    for (log_index i = from + 1; i <= log->durable; i++) {
        if (!entry_equal(log->entries[i], entry_of(store, group, i))) {
            oracle_fail(oracle, "8: node %u has other entries than it had synced", node);
        }
    }
    follow_log(oracle, node, group, store, known.last_index);
    if (known.commit_index > oracle->groups[group].commit) {
        oracle_fail(oracle, "4: node %u takes more for committed than is", node);
        return;
    }
    log->commit = known.commit_index;
    log->durable = known.last_index;
    log->term = known.term;
    log->vote = known.vote;
    log->durable_term = known.term;
    log->durable_vote = known.vote;
    oracle_input_ends(oracle, node, group);
    values_at(&oracle->groups[group], log->commit, log->values);
}

// --- frames --------------------------------------------------------------------------------------

// 7: one vote a term, whatever happened in between.
static void
judge_vote(struct oracle *oracle, node_id node, const struct message *message, node_id candidate) {
    struct oracle_group *group = &oracle->groups[message->group];
    group->votes[node] =
        grown(group->votes[node], &group->votes_capacity[node], message->term + 1, sizeof(node_id));
    node_id *vote = &group->votes[node][message->term];
    if (*vote != 0 && *vote != candidate) {
        oracle_fail(
            oracle,
            "7: node %u gives two votes of group %u in term %llu",
            node,
            message->group,
            (unsigned long long)message->term
        );
    }
    *vote = candidate;
    const struct oracle_log *log = &group->logs[node];
    if (log->durable_term != message->term || log->durable_vote != candidate) {
        oracle_fail(oracle, "7: node %u tells a vote that is not durable", node);
    }
}

// R2: who is to end its install has, durably, the log of the leader that says so up to the entry
// that opened the term, or waits for one that is committed in the term; and its rows are of what is
// committed.
static void
judge_end(struct oracle *oracle, node_id leader, node_id to, const struct message *message) {
    const struct oracle_group *group = &oracle->groups[message->group];
    const struct oracle_log *led = &group->logs[leader];
    const struct oracle_log *log = &group->logs[to];
    if (led->leading_term != message->term || log->epoch != message->epoch) {
        return; // said before, or to what is gone
    }
    log_index opened = led->last;
    while (opened > 1 && led->entries[opened - 1].term == message->term) {
        opened--;
    }
    bool has = opened <= log->last && opened <= log->durable &&
               entry_equal(log->entries[opened], led->entries[opened]);
    if (message->index > group->commit || (message->index < opened && !has)) {
        oracle_fail(
            oracle,
            "R2: the install of node %u may end at %llu, its durable log at %llu, the term opened "
            "at %llu",
            to,
            (unsigned long long)message->index,
            (unsigned long long)log->durable,
            (unsigned long long)opened
        );
    }
}

static void
judge_message(struct oracle *oracle, node_id node, node_id to, const struct message *message) {
    if (message->kind == MESSAGE_LIST || message->kind == MESSAGE_PRE_VOTE) {
        return;
    }
    if (config_is_removed(oracle_config(oracle, message->group), node, message->from)) {
        return; // a last word, perhaps of a log that is forgotten by now: it counts nowhere
    }
    const struct oracle_log *log = &oracle->groups[message->group].logs[node];
    if (message->term > log->durable_term) {
        oracle_fail(
            oracle,
            "rule 1: node %u says %s in term %llu, which is not durable",
            node,
            message_name(message->kind),
            (unsigned long long)message->term
        );
    }
    if (message->kind == MESSAGE_INSTALL_END) {
        judge_end(oracle, node, to, message);
    } else if (message->kind == MESSAGE_VOTE) {
        judge_vote(oracle, node, message, node);
    } else if (message->kind == MESSAGE_VOTE_REPLY && message->granted == 1) {
        judge_vote(oracle, node, message, log->vote);
    } else if (message->kind == MESSAGE_ACK && message->state == STORE_INSTALL_NONE && message->index > log->durable) {
        oracle_fail(
            oracle,
            "8: node %u acknowledges %llu, durable is %llu",
            node,
            (unsigned long long)message->index,
            (unsigned long long)log->durable
        );
    }
}

void oracle_hear(struct oracle *oracle, node_id node, node_id to, bytes frame) {
    struct frame_header header;
    struct message message;
    if (err_is(message_take_header(&frame, &header))) {
        oracle_fail(oracle, "node %u sends a frame without a header", node);
        return;
    }
    while (frame.size > 0) {
        if (err_is(message_take(&frame, &message))) {
            oracle_fail(oracle, "node %u sends a malformed frame", node);
            return;
        }
        judge_message(oracle, node, to, &message);
    }
}

// --- clients -------------------------------------------------------------------------------------

void oracle_wrote(struct oracle *oracle, group_id id, const struct oracle_write *write) {
    struct oracle_group *group = &oracle->groups[id];
    group->writes = grown(
        group->writes, &group->writes_capacity, group->writes_count + 1, sizeof(*group->writes)
    );
    group->writes[group->writes_count++] = *write;
}

// 9: what is committed is durable on a majority of the config in force at who commits it.
static void judge_commit(struct oracle *oracle, node_id by, group_id id, log_index index) {
    struct oracle_group *group = &oracle->groups[id];
    uint32_t copies = copies_of(group, index);
    if (!decides(&group->logs[by].in_force, copies)) {
        oracle_fail(
            oracle,
            "9: entry %llu of group %u is committed with copies %x",
            (unsigned long long)index,
            id,
            copies
        );
    }
}

void oracle_committed(struct oracle *oracle, node_id node, group_id id, log_index index) {
    struct oracle_group *group = &oracle->groups[id];
    struct oracle_log *log = &group->logs[node];
    group->committed =
        grown(group->committed, &group->committed_capacity, index + 1, sizeof(*group->committed));
    if (index <= log->commit || index > log->last) {
        oracle_fail(oracle, "6: node %u commits out of order", node);
        return;
    }
    for (log_index i = log->commit + 1; i <= index; i++) {
        if (i > group->commit) {
            group->committed[i] = log->entries[i];
            group->committed[i].committed_in = log->term;
            group->commit = i;
            oracle->commits++;
            judge_commit(oracle, node, id, i);
            for (size_t c = 0; c < log->configs.count; c++) {
                if (log->configs.items[c].index == i) {
                    configs_committed(oracle, id, &log->configs.items[c]);
                }
            }
        } else if (!entry_equal(group->committed[i], log->entries[i])) {
            oracle_fail(
                oracle,
                "5: node %u commits another entry %llu of group %u",
                node,
                (unsigned long long)i,
                id
            );
        }
    }
    for (size_t i = 0; i < group->writes_count; i++) {
        const struct oracle_write *write = &group->writes[i];
        if (write->index > log->commit && write->index <= index &&
            group->committed[write->index].term == write->term) {
            log->values[write->key] = write->value;
        }
    }
    log->commit = index;
}

void oracle_installed(struct oracle *oracle, node_id node, group_id id, log_index index) {
    struct oracle_group *group = &oracle->groups[id];
    struct oracle_log *log = &group->logs[node];
    if (index > group->commit || index > log->last || index < log->commit) {
        oracle_fail(oracle, "6: node %u was installed out of order", node);
        return;
    }
    for (log_index i = log->commit + 1; i <= index; i++) {
        if (!entry_equal(group->committed[i], log->entries[i])) {
            oracle_fail(oracle, "5: node %u was installed with another entry", node);
        }
    }
    log->commit = index;
    log->installing = false;
    log->durable = log->durable > index ? log->durable : index;
    values_at(group, index, log->values);
}

void oracle_judge_state(struct oracle *oracle, node_id node, group_id id, struct store *store) {
    const struct oracle_log *log = &oracle->groups[id].logs[node];
    if (log->leading_term != 0 || log->installing) {
        return;
    }
    for (uint32_t key = 0; key < ORACLE_KEYS; key++) {
        bytes value = BYTES_EMPTY;
        err found = store_get(store, id, oracle_key(key), &value);
        uint64_t number = err_is(found) ? 0 : bytes_get_u64(value.data);
        if (number != log->values[key]) {
            oracle_fail(
                oracle,
                "10: node %u shows %llu of group %u, committed is %llu",
                node,
                (unsigned long long)number,
                id,
                (unsigned long long)log->values[key]
            );
        }
    }
}

void oracle_read_began(struct oracle *oracle, group_id id, const struct oracle_read *read) {
    struct oracle_group *group = &oracle->groups[id];
    group->reads =
        grown(group->reads, &group->reads_capacity, group->reads_count + 1, sizeof(*group->reads));
    struct oracle_read *began = &group->reads[group->reads_count++];
    *began = *read;
    began->required = group->commit;
}

// 18, for a read: what was committed anywhere when it began was seen by it.
void oracle_read_confirmed(struct oracle *oracle, node_id node, group_id id, uint64_t round) {
    struct oracle_group *group = &oracle->groups[id];
    size_t kept = 0;
    for (size_t i = 0; i < group->reads_count; i++) {
        struct oracle_read read = group->reads[i];
        if (read.node != node || read.round > round) {
            group->reads[kept++] = read;
            continue;
        }
        bool stands = read.term == group->logs[node].leading_term;
        oracle->reads_judged++;
        if (stands && read.evaluated < read.required) {
            oracle_fail(
                oracle,
                "18: a read of group %u at %llu is confirmed, %llu was committed before it",
                id,
                (unsigned long long)read.evaluated,
                (unsigned long long)read.required
            );
        }
    }
    group->reads_count = kept;
}
