#include "tests/unit/node_raft/cluster.h"

#include "proto/base/check.h"
#include "proto/limits.h"

#include <stdarg.h>

#include <stdlib.h>
#include <string.h>

enum {
    SEGMENT_BYTES = 64 * 1024,
    STORY_BYTES_MAX = 64 * 1024,
    TICK_US_MAX = 3000,     // a loop that is busy
    STILL_STEPS_MAX = 20000 // steps in which no time passes: a livelock
};

struct flying {
    mono_time at;
    uint64_t number; // orders those of one time
    node_id from, to;
    bytes frame;
};

struct network {
    struct flying *frames;
    size_t count, capacity;
    uint64_t sent;
    bool cut[CLUSTER_NODES_MAX + 1][CLUSTER_NODES_MAX + 1];
};

struct shown {
    enum raft_role role;
    uint64_t term;
    bool leads;
};

struct cluster {
    struct cluster_options options;
    struct random random;
    struct weather weather;
    mono_time now;
    struct arena *arena;
    struct machine machines[CLUSTER_NODES_MAX + 1];
    mono_time ticks[CLUSTER_NODES_MAX + 1]; // when each looks at its clock next
    struct network network;
    struct oracle oracle;
    struct buffer frame;
    uint64_t values;                                // written so far
    struct raft_target targets[CLUSTER_GROUPS_MAX]; // without a voter: none
    node_id wiped;                                  // perhaps not replaced everywhere yet
    uint64_t still;                                 // steps since time passed
    bool tells, tells_time;
    bool (*drops)(struct cluster *cluster, node_id from, const struct message *message);
    struct buffer story;
    struct shown shown[CLUSTER_NODES_MAX + 1][CLUSTER_GROUPS_MAX];
};

// --- looking in ----------------------------------------------------------------------------------

struct weather *cluster_weather(struct cluster *cluster) {
    return &cluster->weather;
}

struct random *cluster_random(struct cluster *cluster) {
    return &cluster->random;
}

mono_time cluster_now(const struct cluster *cluster) {
    return cluster->now;
}

struct machine *cluster_machine(struct cluster *cluster, node_id node) {
    check(node >= 1 && node <= cluster->options.node_count);
    return &cluster->machines[node];
}

const struct oracle *cluster_oracle(const struct cluster *cluster) {
    return &cluster->oracle;
}

const char *cluster_failure(const struct cluster *cluster) {
    return cluster->oracle.failure[0] == 0 ? NULL : cluster->oracle.failure;
}

static struct raft_config config_of(const struct cluster *cluster, group_id group) {
    uint32_t nodes = cluster->options.node_count;
    uint32_t count = cluster->options.voter_count == 0 ? nodes : cluster->options.voter_count;
    struct raft_config config = {.voter_count = count};
    for (uint32_t i = 0; i < count; i++) {
        config.voters[i] = (node_id)(1 + (group + i) % nodes);
    }
    config.learner_count = cluster->options.learner_count;
    for (uint32_t i = 0; i < config.learner_count; i++) {
        config.learners[i] = (node_id)(1 + (group + count + i) % nodes);
    }
    return config;
}

static bool is_founder(const struct cluster *cluster, node_id node, group_id group) {
    struct raft_config config = config_of(cluster, group);
    struct config founders = config_initial(&config);
    return config_find(&founders, node) != NULL;
}

static bool has_replica(const struct cluster *cluster, node_id node, group_id group) {
    const struct machine *machine = &cluster->machines[node];
    return machine->up && raft_status(machine->raft, group).configured;
}

static bool is_member(const struct raft_group_status *status, node_id node) {
    for (uint32_t i = 0; i < RAFT_MEMBERS_MAX; i++) {
        bool is = (i < status->voter_count && status->voters[i] == node) ||
                  (i < status->incoming_count && status->incoming[i] == node) ||
                  (i < status->learner_count && status->learners[i] == node);
        if (is) {
            return true;
        }
    }
    return false;
}

// What the machine takes for the time: its clock stood still while it slept as a virtual machine.
static mono_time clock_of(const struct cluster *cluster, const struct machine *machine) {
    return (mono_time){cluster->now.ns - machine->lag_ns};
}

static bool runs(const struct cluster *cluster, node_id node) {
    const struct machine *machine = &cluster->machines[node];
    return machine->up && machine->paused_until.ns <= cluster->now.ns;
}

node_id cluster_leader(const struct cluster *cluster, group_id group) {
    node_id leader = 0;
    uint64_t term = 0;
    for (node_id node = 1; node <= cluster->options.node_count; node++) {
        const struct machine *machine = &cluster->machines[node];
        if (machine->up && raft_is_leader(machine->raft, group) &&
            raft_term(machine->raft, group) > term) {
            leader = node;
            term = raft_term(machine->raft, group);
        }
    }
    return leader;
}

static bool group_is_settled(struct cluster *cluster, group_id group) {
    node_id leader = cluster_leader(cluster, group);
    if (leader == 0) {
        return false;
    }
    struct raft_group_status led = raft_status(cluster->machines[leader].raft, group);
    if (led.joint || led.wants) {
        return false;
    }
    for (node_id node = 1; node <= cluster->options.node_count; node++) {
        if (has_replica(cluster, node, group) != is_member(&led, node)) {
            return false;
        }
        if (has_replica(cluster, node, group)) {
            struct raft_group_status own = raft_status(cluster->machines[node].raft, group);
            if (own.term != led.term || own.commit != led.last || own.last != led.last ||
                own.leader != leader || own.installing) {
                return false;
            }
        }
    }
    return true;
}

bool cluster_is_settled(struct cluster *cluster, void *argument) {
    (void)argument;
    for (node_id node = 1; node <= cluster->options.node_count; node++) {
        if (!runs(cluster, node)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < cluster->options.group_count; i++) {
        if (!group_is_settled(cluster, (group_id)i)) {
            return false;
        }
    }
    return true;
}

void cluster_describe(struct cluster *cluster, char *text, size_t size) {
    size_t used = (size_t)snprintf(text, size, "36: not settled:");
    for (uint32_t i = 0; i < cluster->options.group_count; i++) {
        if (group_is_settled(cluster, (group_id)i)) {
            continue;
        }
        for (node_id node = 1; node <= cluster->options.node_count && used < size; node++) {
            if (has_replica(cluster, node, (group_id)i)) {
                struct raft_group_status status =
                    raft_status(cluster->machines[node].raft, (group_id)i);
                used += (size_t)snprintf(
                    text + used,
                    size - used,
                    " g%u n%u r%llu c%llu%s %s t%llu v%u of n%u last %llu durable %llu commit %llu",
                    i,
                    node,
                    (unsigned long long)status.replica,
                    (unsigned long long)status.config_index,
                    status.joint ? " joint" : "",
                    raft_role_name(status.role),
                    (unsigned long long)status.term,
                    status.vote,
                    status.leader,
                    (unsigned long long)status.last,
                    (unsigned long long)status.durable,
                    (unsigned long long)status.commit
                );
                for (uint32_t k = 0; k < status.follower_count && used < size; k++) {
                    used += (size_t)snprintf(
                        text + used,
                        size - used,
                        " [n%u r%llu%s%s %s %llu]",
                        status.followers[k].node,
                        (unsigned long long)status.followers[k].replica,
                        status.followers[k].voter ? " votes" : "",
                        status.followers[k].lost ? " lost" : "",
                        raft_progress_name(status.followers[k].progress),
                        (unsigned long long)status.followers[k].match
                    );
                }
            }
        }
    }
}

// --- stories -------------------------------------------------------------------------------------

void cluster_tell_story(struct cluster *cluster, bool with_time) {
    cluster->tells = true;
    cluster->tells_time = with_time;
}

const char *cluster_story(const struct cluster *cluster) {
    return cluster->story.size == 0 ? "" : (const char *)cluster->story.data;
}

static void tell_line(struct cluster *cluster, const char *line) {
    if (cluster->story.size > 0) {
        cluster->story.size--; // the zero
    }
    int64_t ms = cluster->now.ns / 1000000;
    if (cluster->tells_time) {
        buffer_format(&cluster->story, "%3d.%03d ", (int)(ms / 1000), (int)(ms % 1000));
    }
    buffer_format(&cluster->story, "%s\n", line);
    buffer_append_byte(&cluster->story, 0);
}

void cluster_note(struct cluster *cluster, const char *format, ...) {
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    if (cluster->tells) {
        tell_line(cluster, line);
    }
}

static void show(struct cluster *cluster, node_id node, group_id group) {
    struct raft *raft = cluster->machines[node].raft;
    struct raft_group_status status = raft_status(raft, group);
    struct shown now = {status.role, status.term, raft_is_leader(raft, group)};
    struct shown *before = &cluster->shown[node][group];
    if (now.role != before->role || now.term != before->term || now.leads != before->leads) {
        cluster_note(
            cluster,
            "node %u group %u: %s, term %llu%s",
            node,
            group,
            raft_role_name(now.role),
            (unsigned long long)now.term,
            now.leads ? ", may decide" : ""
        );
        *before = now;
    }
}

// --- the network ---------------------------------------------------------------------------------

static int64_t draw(struct cluster *cluster, int64_t most) {
    return most <= 0 ? 0 : (int64_t)random_below(&cluster->random, (uint64_t)most + 1);
}

static bool happens(struct cluster *cluster, uint32_t percent) {
    return percent > 0 && random_below(&cluster->random, 100) < percent;
}

static void fly(struct cluster *cluster, node_id from, node_id to, bytes frame, int64_t us) {
    struct network *network = &cluster->network;
    if (network->count == network->capacity) {
        network->capacity = network->capacity == 0 ? 64 : network->capacity * 2;
        network->frames = realloc(network->frames, network->capacity * sizeof(*network->frames));
        check(network->frames != NULL);
    }
    uint8_t *copy = malloc(frame.size);
    check(copy != NULL);
    memcpy(copy, frame.data, frame.size);
    network->frames[network->count++] = (struct flying){
        .at = {cluster->now.ns + us * 1000},
        .number = network->sent++,
        .from = from,
        .to = to,
        .frame = bytes_of(copy, frame.size),
    };
}

static bool is_dropped(struct cluster *cluster, node_id from, node_id to, bytes frame) {
    struct frame_header header;
    struct message message;
    bool dropped = cluster->network.cut[from][to];
    if (cluster->drops != NULL && !err_is(message_take_header(&frame, &header))) {
        while (frame.size > 0 && !err_is(message_take(&frame, &message))) {
            dropped = dropped || cluster->drops(cluster, from, &message);
        }
    }
    return dropped;
}

void cluster_filter(
    struct cluster *cluster,
    bool (*drops)(struct cluster *cluster, node_id from, const struct message *message)
) {
    cluster->drops = drops;
}

static void send_frame(struct cluster *cluster, node_id from, node_id to, bytes frame) {
    struct weather *weather = &cluster->weather;
    oracle_hear(&cluster->oracle, from, to, frame);
    if (is_dropped(cluster, from, to, frame) || happens(cluster, weather->lose_percent)) {
        return;
    }
    fly(cluster, from, to, frame, 50 + draw(cluster, weather->delay_us_max));
    if (happens(cluster, weather->repeat_percent)) {
        fly(cluster, from, to, frame, 50 + draw(cluster, weather->delay_us_max * 4));
    }
    if (happens(cluster, weather->replay_percent)) {
        fly(cluster, from, to, frame, draw(cluster, 5000000));
    }
}

// The place of the next frame to arrive; count when there is none.
static size_t next_frame(const struct network *network) {
    size_t best = 0;
    for (size_t i = 1; i < network->count; i++) {
        const struct flying *left = &network->frames[i];
        const struct flying *right = &network->frames[best];
        if (left->at.ns < right->at.ns ||
            (left->at.ns == right->at.ns && left->number < right->number)) {
            best = i;
        }
    }
    return network->count == 0 ? 0 : best;
}

// --- a node's turn -------------------------------------------------------------------------------

// The caller's part of rule 8, with what only a test can know: the newest committed config.
static void
leave_group(struct cluster *cluster, struct machine *machine, const struct raft_event *event) {
    const struct config *config = oracle_config(&cluster->oracle, event->group);
    const struct config_member *member = config_find(config, machine->id);
    if (member != NULL && (member->replica == event->replica || event->replica == 0)) {
        if (event->replica != 0) {
            oracle_fail(&cluster->oracle, "34: node %u is told it is out, and is not", machine->id);
        }
        return;
    }
    cluster_note(cluster, "node %u forgets group %u", machine->id, event->group);
    raft_forget(machine->raft, event->group, event->replica);
}

static void add_nodes(char *line, size_t size, const char *name, const node_id *nodes, uint32_t n) {
    size_t used = strlen(line);
    for (uint32_t i = 0; i < n; i++) {
        const char *before = i == 0 ? name : "";
        used += (size_t)snprintf(line + used, size - used, "%s %u", before, nodes[i]);
    }
}

// Of a leader only: it made that entry.
static void tell_members(
    struct cluster *cluster, const struct machine *machine, const struct raft_event *event
) {
    struct raft_group_status status = raft_status(machine->raft, event->group);
    if (status.role != RAFT_LEADER || status.config_index != event->index) {
        return;
    }
    char line[200] = "";
    add_nodes(line, sizeof(line), " voters", status.voters, status.voter_count);
    add_nodes(line, sizeof(line), ", to be", status.incoming, status.incoming_count);
    add_nodes(line, sizeof(line), ", learners", status.learners, status.learner_count);
    cluster_note(
        cluster,
        "node %u group %u: entry %llu:%s",
        machine->id,
        event->group,
        (unsigned long long)event->index,
        line
    );
}

static void want(struct cluster *cluster, struct machine *machine, group_id group) {
    const struct raft_target *target = &cluster->targets[group];
    (void)raft_want(machine->raft, group, target->voter_count > 0 ? target : NULL);
}

static void take_events(struct cluster *cluster, struct machine *machine) {
    struct raft_event event;
    while (raft_take_event(machine->raft, &event)) {
        if (event.kind == RAFT_CONFIGURED) {
            tell_members(cluster, machine, &event);
        } else if (event.kind == RAFT_LEADING) {
            want(cluster, machine, event.group);
        } else if (event.kind == RAFT_OUTSIDE) {
            leave_group(cluster, machine, &event);
        } else if (event.kind == RAFT_FORGOTTEN) {
            oracle_observe(
                &cluster->oracle, machine->id, event.group, machine->store, machine->raft
            );
        } else if (event.kind == RAFT_COMMITTED) {
            oracle_committed(&cluster->oracle, machine->id, event.group, event.index);
        } else if (event.kind == RAFT_INSTALLED) {
            oracle_installed(&cluster->oracle, machine->id, event.group, event.index);
        } else if (event.kind == RAFT_READ_CONFIRMED) {
            oracle_read_confirmed(&cluster->oracle, machine->id, event.group, event.read);
        }
    }
}

// Not a thread here: done when it is due.
static void checkpoint(struct cluster *cluster, struct machine *machine, bool force) {
    struct store_checkpoint *checkpoint =
        store_checkpoint_begin(machine->store, cluster->now, force);
    if (checkpoint != NULL) {
        check(!err_is(store_checkpoint_write(checkpoint)));
        store_checkpoint_end(machine->store, &checkpoint);
    }
}

static void begin_batch(struct cluster *cluster, struct machine *machine) {
    if (machine->batch == NULL && store_batch_pending(machine->store)) {
        machine->batch = store_batch_begin(machine->store);
        oracle_batch_began(&cluster->oracle, machine->id);
        int64_t us = 100 + draw(cluster, cluster->weather.sync_us_max);
        machine->batch_done = (mono_time){cluster->now.ns + us * 1000};
        if (machine->batch_done.ns < machine->disk_stalls_until.ns) {
            machine->batch_done = machine->disk_stalls_until;
        }
    }
}

// What the caller of raft owes it after every input.
static void finish(struct cluster *cluster, struct machine *machine) {
    for (uint32_t i = 0; i < cluster->options.group_count; i++) {
        oracle_observe(&cluster->oracle, machine->id, (group_id)i, machine->store, machine->raft);
        show(cluster, machine->id, (group_id)i);
    }
    take_events(cluster, machine);
    for (uint32_t i = 0; i < cluster->options.group_count; i++) { // what a want appended
        oracle_observe(&cluster->oracle, machine->id, (group_id)i, machine->store, machine->raft);
        oracle_input_ends(&cluster->oracle, machine->id, (group_id)i);
    }
    node_id to = 0;
    bool urgent = false;
    while (raft_take_frame(machine->raft, &to, &urgent, &cluster->frame)) {
        send_frame(cluster, machine->id, to, buffer_bytes(&cluster->frame));
    }
    begin_batch(cluster, machine);
    checkpoint(cluster, machine, false);
    mono_time wakeup = raft_next_wakeup(machine->raft);
    wakeup.ns += wakeup.ns == INT64_MAX ? 0 : machine->lag_ns;
    mono_time late = {cluster->now.ns + draw(cluster, TICK_US_MAX) * 1000};
    cluster->ticks[machine->id] = wakeup.ns > late.ns ? wakeup : late;
}

static void sync_batch(struct cluster *cluster, struct machine *machine) {
    check(!err_is(store_batch_write(machine->batch)));
    oracle_batch_synced(&cluster->oracle, machine->id);
    log_lsn lsn = store_batch_end(machine->store, &machine->batch);
    raft_log_durable(machine->raft, lsn);
    finish(cluster, machine);
}

err cluster_forge(
    struct cluster *cluster,
    node_id from,
    node_id to,
    const struct frame_header *header,
    const struct message *message
) {
    struct machine *machine = cluster_machine(cluster, to);
    struct buffer frame;
    buffer_init(&frame, LIMIT_RAFT_FRAME_BYTES);
    message_put_header(&frame, header);
    if (message->kind != MESSAGE_NONE) {
        message_put(&frame, message);
    }
    err error = raft_receive(machine->raft, from, buffer_bytes(&frame));
    buffer_deinit(&frame);
    finish(cluster, machine);
    return error;
}

static void deliver(struct cluster *cluster, size_t place) {
    struct network *network = &cluster->network;
    struct flying flying = network->frames[place];
    struct machine *machine = &cluster->machines[flying.to];
    if (machine->up && machine->paused_until.ns > cluster->now.ns) {
        network->frames[place].at = machine->paused_until;
        return;
    }
    network->frames[place] = network->frames[--network->count];
    if (machine->up) {
        raft_tick(machine->raft, clock_of(cluster, machine));
        oracle_frame_arrives(
            &cluster->oracle, machine->id, machine->raft, flying.from, flying.frame
        );
        err error = raft_receive(machine->raft, flying.from, flying.frame);
        if (err_is(error)) {
            oracle_fail(&cluster->oracle, "node %u refuses: %s", flying.to, error.text);
        }
        oracle_frame_taken(&cluster->oracle, machine->id, machine->raft);
        finish(cluster, machine);
    }
    free((void *)(uintptr_t)flying.frame.data);
}

// --- time ----------------------------------------------------------------------------------------

struct happening {
    mono_time at;
    node_id node; // its batch or its tick
    bool is_batch;
    bool is_frame;
};

static void consider(struct happening *next, mono_time at, node_id node, bool is_batch) {
    if (at.ns < next->at.ns) {
        *next = (struct happening){.at = at, .node = node, .is_batch = is_batch};
    }
}

static struct happening next_happening(const struct cluster *cluster) {
    struct happening next = {.at = {INT64_MAX}};
    for (node_id node = 1; node <= cluster->options.node_count; node++) {
        const struct machine *machine = &cluster->machines[node];
        if (machine->up) {
            int64_t from = machine->paused_until.ns;
            mono_time tick = cluster->ticks[node];
            consider(&next, tick.ns > from ? tick : (mono_time){from}, node, false);
            if (machine->batch != NULL) {
                mono_time done = machine->batch_done;
                consider(&next, done.ns > from ? done : (mono_time){from}, node, true);
            }
        }
    }
    const struct network *network = &cluster->network;
    if (network->count > 0 && network->frames[next_frame(network)].at.ns < next.at.ns) {
        next = (struct happening){.at = network->frames[next_frame(network)].at, .is_frame = true};
    }
    return next;
}

// One thing happens, if one does before `until`.
static bool step(struct cluster *cluster, mono_time until) {
    struct happening next = next_happening(cluster);
    if (next.at.ns > until.ns || cluster_failure(cluster) != NULL) {
        cluster->now = until;
        return false;
    }
    cluster->still = next.at.ns > cluster->now.ns ? 0 : cluster->still + 1;
    if (cluster->still > STILL_STEPS_MAX) {
        oracle_fail(&cluster->oracle, "time stands still");
    }
    cluster->now = next.at.ns > cluster->now.ns ? next.at : cluster->now;
    if (next.is_frame) {
        deliver(cluster, next_frame(&cluster->network));
    } else if (next.is_batch) {
        sync_batch(cluster, &cluster->machines[next.node]);
    } else {
        struct machine *machine = &cluster->machines[next.node];
        raft_tick(machine->raft, clock_of(cluster, machine));
        finish(cluster, machine);
    }
    return true;
}

void cluster_run(struct cluster *cluster, int64_t ms) {
    mono_time until = {cluster->now.ns + ms * 1000000};
    while (step(cluster, until)) {
    }
}

bool cluster_run_until(
    struct cluster *cluster,
    bool (*holds)(struct cluster *cluster, void *argument),
    void *argument,
    int64_t ms
) {
    mono_time until = {cluster->now.ns + ms * 1000000};
    while (!holds(cluster, argument)) {
        if (!step(cluster, until)) {
            return false;
        }
    }
    return true;
}

// --- processes -----------------------------------------------------------------------------------

static void tell_connection(struct cluster *cluster, node_id node, node_id of, bool connected) {
    struct machine *machine = &cluster->machines[node];
    if (cluster->options.tells_of_connections && machine->up && node != of) {
        raft_tick(machine->raft, clock_of(cluster, machine));
        raft_peer_changed(machine->raft, of, connected);
        finish(cluster, machine);
    }
}

void cluster_start(struct cluster *cluster, node_id node) {
    struct machine *machine = cluster_machine(cluster, node);
    if (machine->up) {
        return;
    }
    machine->starts++;
    struct store_options options = {
        .disk = machine->disk,
        .map = machine->map,
        .group_count = cluster->options.group_count,
        .lane_count = 1,
        .segment_bytes = SEGMENT_BYTES,
        .overlay_bytes_max = 64 * 1024 * 1024,
        .checkpoint_bytes = 4 * 1024 * 1024,
        .checkpoint_ms = 250,
        .history_bytes = cluster->options.history_bytes,
        .cluster = "cluster",
        .random_seed = random_u64(&cluster->random),
    };
    err opened = store_open(&options, cluster->arena, &machine->store);
    if (err_is(opened)) {
        oracle_fail(&cluster->oracle, "node %u cannot open its store: %s", node, opened.text);
        return;
    }
    struct raft_options raft = {
        .store = machine->store,
        .self = node,
        .group_count = cluster->options.group_count,
        .random_seed = random_u64(&cluster->random),
        .incarnation = machine->starts,
        .now = clock_of(cluster, machine),
    };
    for (uint32_t i = 0; i < cluster->options.group_count; i++) {
        oracle_started(&cluster->oracle, node, (group_id)i, machine->store);
    }
    machine->raft = raft_create(&raft);
    machine->up = true;
    machine->paused_until = (mono_time){0};
    for (node_id other = 1; other <= cluster->options.node_count; other++) {
        raft_peer_add(machine->raft, other);
    }
    for (uint32_t i = 0; i < cluster->options.group_count; i++) {
        // Whatever became of the group since. But who founded it alone and lost its disk would do
        // so again, and nobody could tell: its operator must not let it.
        bool alone = cluster->options.voter_count == 1 && machine->was_wiped;
        if (is_founder(cluster, node, (group_id)i) && !alone) {
            struct raft_config config = config_of(cluster, (group_id)i);
            raft_configure(machine->raft, (group_id)i, &config);
        }
    }
    finish(cluster, machine);
    for (node_id other = 1; other <= cluster->options.node_count; other++) {
        tell_connection(cluster, other, node, true);
    }
}

void cluster_crash(struct cluster *cluster, node_id node) {
    if (node == 0 || !cluster->machines[node].up) {
        return;
    }
    struct machine *machine = &cluster->machines[node];
    machine->up = false;
    machine->batch = NULL;
    oracle_crashed(&cluster->oracle, node);
    raft_destroy(&machine->raft);
    store_close(&machine->store);
    memory_disk_crash(machine->disk);
    memory_map_crash(machine->map);
    for (node_id other = 1; other <= cluster->options.node_count; other++) {
        tell_connection(cluster, other, node, false);
    }
}

void cluster_wipe(struct cluster *cluster, node_id node) {
    struct machine *machine = cluster_machine(cluster, node);
    cluster_crash(cluster, node);
    memory_map_destroy(&machine->map);
    memory_disk_destroy(&machine->disk);
    machine->disk = memory_disk_create(&machine->faults);
    machine->map = memory_map_create(&machine->faults);
    machine->was_wiped = true;
    cluster->wiped = node;
    oracle_wiped(&cluster->oracle, node);
}

// Every member has been given what says who lives where, and who was wiped is none of before.
static bool is_replaced(struct cluster *cluster, group_id group) {
    node_id leader = cluster_leader(cluster, group);
    if (leader == 0) {
        return false;
    }
    struct raft_group_status led = raft_status(cluster->machines[leader].raft, group);
    for (uint32_t i = 0; i < led.follower_count; i++) {
        const struct raft_follower_status *follower = &led.followers[i];
        bool knows = follower->counts && follower->match >= led.config_index;
        if (follower->lost || !knows || follower->match == 0 || !follower->answers) {
            return false;
        }
    }
    const struct config *config = oracle_config(&cluster->oracle, group);
    const struct config_member *wiped = config_find(config, cluster->wiped);
    const struct machine *machine = &cluster->machines[cluster->wiped];
    bool same = wiped == NULL || (machine->up && wiped->store == raft_store_number(machine->store));
    return same && !led.joint && led.config_committed && led.commit == led.last;
}

bool cluster_is_replaced(struct cluster *cluster) {
    for (uint32_t i = 0; i < cluster->options.group_count; i++) {
        if (!is_replaced(cluster, (group_id)i)) {
            return false;
        }
    }
    cluster->wiped = 0;
    return true;
}

bool cluster_may_wipe(struct cluster *cluster, node_id node) {
    if (!cluster_is_replaced(cluster)) {
        return false;
    }
    for (uint32_t i = 0; i < cluster->options.group_count; i++) {
        const struct config *config = oracle_config(&cluster->oracle, (group_id)i);
        const struct config_member *member = config_find(config, node);
        bool counts = member != NULL && member->votes != 0;
        if (counts && (config_voter_count(config) < 3 || member->store == 0)) {
            return false;
        }
        if (cluster->targets[i].voter_count < 3) {
            return false;
        }
    }
    return true;
}

void cluster_want(struct cluster *cluster, group_id group, const struct raft_target *target) {
    bool bears = cluster->wiped == 0 || cluster_is_replaced(cluster);
    if (target->voter_count < 3 && !bears) {
        return; // who was wiped is needed
    }
    cluster->targets[group] = *target;
    node_id leader = cluster_leader(cluster, group);
    if (leader != 0 && runs(cluster, leader)) {
        struct machine *machine = &cluster->machines[leader];
        raft_tick(machine->raft, clock_of(cluster, machine));
        want(cluster, machine, group);
        finish(cluster, machine);
    }
}

void cluster_wake(struct cluster *cluster, node_id node, bool clock_stood) {
    struct machine *machine = cluster_machine(cluster, node);
    if (machine->up && clock_stood) {
        machine->lag_ns = cluster->now.ns - machine->slept_since.ns;
    }
    machine->paused_until = cluster->now;
}

void cluster_pause(struct cluster *cluster, node_id node, int64_t ms) {
    cluster_machine(cluster, node)->slept_since = clock_of(cluster, cluster_machine(cluster, node));
    cluster_machine(cluster, node)->paused_until = (mono_time){cluster->now.ns + ms * 1000000};
}

void cluster_stall_disk(struct cluster *cluster, node_id node, int64_t ms) {
    cluster_machine(cluster, node)->disk_stalls_until = (mono_time){cluster->now.ns + ms * 1000000};
}

void cluster_cut(struct cluster *cluster, node_id from, node_id to, bool is_cut) {
    cluster->network.cut[from][to] = is_cut;
}

void cluster_isolate(struct cluster *cluster, node_id node, bool is_cut) {
    for (node_id other = 1; other <= cluster->options.node_count; other++) {
        if (other != node) {
            cluster_cut(cluster, node, other, is_cut);
            cluster_cut(cluster, other, node, is_cut);
        }
    }
}

void cluster_heal(struct cluster *cluster) {
    memset(cluster->network.cut, 0, sizeof(cluster->network.cut));
    cluster->weather = (struct weather){.delay_us_max = 500, .sync_us_max = 500};
    for (node_id node = 1; node <= cluster->options.node_count; node++) {
        cluster->machines[node].paused_until = (mono_time){0};
        cluster_start(cluster, node);
    }
}

void cluster_checkpoint(struct cluster *cluster, node_id node) {
    struct machine *machine = cluster_machine(cluster, node);
    if (machine->up) {
        checkpoint(cluster, machine, true);
    }
}

// --- clients -------------------------------------------------------------------------------------

static bool may_decide(const struct cluster *cluster, node_id node, group_id group) {
    const struct machine *machine = &cluster->machines[node];
    return runs(cluster, node) && raft_is_leader(machine->raft, group) &&
           !raft_is_transferring(machine->raft, group);
}

bool cluster_propose(struct cluster *cluster, node_id node, group_id group) {
    size_t size = 8 + (size_t)draw(cluster, (int64_t)cluster->options.value_bytes_max);
    return cluster_write(cluster, node, group, size);
}

bool cluster_write(struct cluster *cluster, node_id node, group_id group, size_t size) {
    struct machine *machine = cluster_machine(cluster, node);
    if (!runs(cluster, node)) {
        return false;
    }
    raft_tick(machine->raft, clock_of(cluster, machine));
    finish(cluster, machine);
    struct store_txn *txn = NULL;
    if (!may_decide(cluster, node, group) || err_is(store_txn_begin(machine->store, group, &txn))) {
        return false;
    }
    uint8_t *value = calloc(1, size);
    check(value != NULL);
    struct oracle_write write = {
        .term = raft_term(machine->raft, group),
        .key = (uint32_t)random_below(&cluster->random, ORACLE_KEYS),
        .value = ++cluster->values,
    };
    bytes_put_u64(value, write.value);
    store_txn_put(txn, oracle_key(write.key), bytes_of(value, size));
    free(value);
    int64_t time_ms = store_group(machine->store, group).time_ms + 1;
    log_lsn lsn = 0;
    store_txn_commit(&txn, write.term, time_ms, &write.index, &lsn);
    oracle_wrote(&cluster->oracle, group, &write);
    raft_proposed(machine->raft, group, write.index, lsn);
    finish(cluster, machine);
    return true;
}

bool cluster_read(struct cluster *cluster, node_id node, group_id group) {
    struct machine *machine = cluster_machine(cluster, node);
    if (!runs(cluster, node) || !raft_is_leader(machine->raft, group)) {
        return false;
    }
    struct oracle_read read = {
        .node = node,
        .term = raft_term(machine->raft, group),
        .round = raft_read_begin(machine->raft, group),
        .evaluated = raft_status(machine->raft, group).last,
    };
    if (read.round != 0) {
        oracle_read_began(&cluster->oracle, group, &read);
    }
    finish(cluster, machine);
    return true;
}

bool cluster_transfer(struct cluster *cluster, node_id node, group_id group, node_id to) {
    if (node == 0 || !runs(cluster, node)) {
        return false;
    }
    struct machine *machine = cluster_machine(cluster, node);
    raft_tick(machine->raft, clock_of(cluster, machine));
    bool begun = raft_transfer(machine->raft, group, to);
    finish(cluster, machine);
    return begun;
}

void cluster_judge(struct cluster *cluster, node_id node) {
    for (uint32_t i = 0; i < cluster->options.group_count; i++) {
        if (has_replica(cluster, node, (group_id)i)) {
            oracle_judge_state(&cluster->oracle, node, (group_id)i, cluster->machines[node].store);
        }
    }
}

// --- life ----------------------------------------------------------------------------------------

struct cluster *cluster_create(const struct cluster_options *options) {
    check(options->node_count <= CLUSTER_NODES_MAX && options->group_count <= CLUSTER_GROUPS_MAX);
    struct cluster *cluster = calloc(1, sizeof(*cluster));
    check(cluster != NULL);
    cluster->options = *options;
    cluster->arena = arena_create(4096);
    cluster->weather = (struct weather){.delay_us_max = 500, .sync_us_max = 500};
    random_init(&cluster->random, options->seed);
    buffer_init(&cluster->frame, LIMIT_RAFT_FRAME_BYTES);
    buffer_init(&cluster->story, STORY_BYTES_MAX);
    oracle_init(&cluster->oracle, options->group_count);
    for (uint32_t i = 0; i < options->group_count; i++) {
        struct raft_config founders = config_of(cluster, (group_id)i);
        struct config config = config_initial(&founders);
        oracle_founded(&cluster->oracle, (group_id)i, &config);
    }
    for (node_id node = 1; node <= options->node_count; node++) {
        struct machine *machine = &cluster->machines[node];
        machine->id = node;
        memory_faults_init(&machine->faults, options->seed + node);
        machine->disk = memory_disk_create(&machine->faults);
        machine->map = memory_map_create(&machine->faults);
        cluster_start(cluster, node);
    }
    return cluster;
}

void cluster_destroy(struct cluster **cluster) {
    for (node_id node = 1; node <= (*cluster)->options.node_count; node++) {
        struct machine *machine = &(*cluster)->machines[node];
        raft_destroy(&machine->raft);
        store_close(&machine->store);
        memory_map_destroy(&machine->map);
        memory_disk_destroy(&machine->disk);
    }
    for (size_t i = 0; i < (*cluster)->network.count; i++) {
        free((void *)(uintptr_t)(*cluster)->network.frames[i].frame.data);
    }
    free((*cluster)->network.frames);
    oracle_deinit(&(*cluster)->oracle);
    buffer_deinit(&(*cluster)->frame);
    buffer_deinit(&(*cluster)->story);
    arena_destroy(&(*cluster)->arena);
    free(*cluster);
    *cluster = NULL;
}
