// Partition time is cluster time or later (group.h). A group that is ahead – an entry of it was
// once made by a clock that was wrong – catches up while it runs at 95 %; so what is due at a
// partition time is due, in cluster time, that much earlier, and never earlier than is thought now.
#include "node/core/timekeeping.h"

#include "node/core/members.h"
#include "node/core/node_internal.h"
#include "proto/base/check.h"
#include "proto/base/mutant.h"

// The newest partition time of all groups that are here.
static wall_time newest_time(const struct node *node) {
    int64_t newest_ms = 0;
    for (uint32_t group = 0; group < node->settings.group_count; group++) {
        int64_t time_ms = node->groups[group].time_ms;
        newest_ms = time_ms > newest_ms ? time_ms : newest_ms;
    }
    return (wall_time){newest_ms};
}

static uint32_t place_of(const struct node *node, const struct node_peer *peer) {
    return (uint32_t)(peer - node->peers);
}

void timekeeping_create(struct node *node, const struct node_options *options) {
    struct cluster_time_options clock = {
        .node_count = (uint32_t)members_count(node),
        .self = place_of(node, node_peer_of(node, node->self)),
        .trusted = options->clock_trusted,
        .newest = newest_time(node),
        .mono = options->mono,
        .wall = options->wall,
    };
    node->clock = cluster_time_create(&clock);
    node->time = cluster_time_now(node->clock);
}

static void time_take(struct node *node, wall_time time) {
    wall_time before = node->time;
    node->time = time;
    if (time.ms < before.ms) {
        alarms_reload(node);
    }
}

void timekeeping_tick(struct node *node, const struct node_event *event) {
    cluster_time_tick(node->clock, node->mono, event->wall);
    wall_time time = cluster_time_now(node->clock);
    time_take(node, mutant_is("wall_instead_of_cluster_time") ? event->wall : time);
}

void timekeeping_pump(struct node *node) {
    if (node->alone) {
        return;
    }
    cluster_time_resize(node->clock, (uint32_t)members_count(node));
    bool sick = cluster_time_status(node->clock).sick && !mutant_is("sick_leader_fires");
    if (sick != node->fitness.clock_sick) {
        node->fitness.clock_sick = sick;
        node->fitness_looked = (mono_time){0}; // told, and acted upon, at once
        raft_set_fit(node->raft, !sick);
    }
}

bool timekeeping_stamp(struct node *node, uint16_t to, struct stamp *out_stamp) {
    const struct node_peer *peer = node_peer_of(node, to);
    return peer != NULL && cluster_time_stamp(node->clock, place_of(node, peer), out_stamp);
}

err timekeeping_heard(struct node *node, const struct node_peer *from, bytes *frame) {
    struct stamp stamp;
    TRY(stamp_take(frame, &stamp));
    bool known = cluster_time_is_known(node->clock);
    cluster_time_heard(node->clock, place_of(node, from), &stamp);
    if (!known) { // this very step may decide by it
        time_take(node, cluster_time_now(node->clock));
    }
    return ERR_NONE;
}

void timekeeping_peer_up(struct node *node, const struct node_peer *peer) {
    cluster_time_forget(node->clock, place_of(node, peer));
}

int64_t timekeeping_ahead_ms(const struct node *node, group_id group) {
    return group_time(&node->groups[group], node->time, node->mono).ms - node->time.ms;
}

int64_t timekeeping_earliest_ms(const struct node *node, group_id group, int64_t time_ms) {
    return time_ms == 0 ? 0 : time_ms - timekeeping_ahead_ms(node, group);
}

struct cluster_time_peer timekeeping_peer(const struct node *node, const struct node_peer *peer) {
    return cluster_time_peer(node->clock, place_of(node, peer));
}

struct cluster_time_status node_clock(const struct node *node) {
    return cluster_time_status(node->clock);
}
