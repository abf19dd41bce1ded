// All clocks are kept as offsets: what has to be added to this node's monotonic clock, in
// microseconds, to get theirs. So a clock that runs well is a constant, and a step a change of it.
//
// A clock that is right may still be LIMIT_TIME_ERROR_MS off the true time: wall clocks are kept by
// other programs, to milliseconds at best, while the way between two machines takes microseconds.
// Without that allowance no two intervals would ever meet.
//
// When most clocks do not agree nobody knows the time. Then it runs on as it did: late at worst by
// what the machine's oscillator drifts. A node that starts into such a quarrel takes the earliest
// clock it hears, after LIMIT_TIME_QUARREL_MS: partition times are never before those stored
// (node/core/group.h), so the earliest clock can make timers late, never early.
//
// Rejected: to agree on the nodes' cluster times instead of their wall clocks. Everybody would then
// follow everybody, and a drift of all would have no anchor.
#include "node/time/cluster_time.h"

#include "node/time/agreement.h"
#include "proto/base/check.h"
#include "proto/base/mutant.h"
#include "proto/limits.h"

#include <stdlib.h>

static const int64_t US_PER_MS = 1000;

enum {
    SLEW_PART = 20,      // of the time that passes: 5 %
    DRIFT_PART = 32,     // no two monotonic clocks drift apart faster
    STILL_US = 1000,     // wall clocks are read in whole milliseconds
    STAMP_EVERY_MS = 100 // to one node; frames are more frequent under load
};

// A node as its stamps show it.
struct clock_peer {
    uint64_t stamp_sent_us; // the newest stamp it sent, and when it came; 0: none
    int64_t stamp_came_us;
    int64_t told_us; // the last stamp to it
    bool heard;      // once, at least
    bool trusted;
    bool asks;
    int64_t at_us; // of what follows
    int64_t offset_us;
    int64_t error_us;
};

struct cluster_time {
    uint32_t node_count;
    uint32_t self;
    bool vouched;
    int64_t newest_us;
    int64_t mono_us;
    int64_t own_us; // offset of this node's wall clock
    int64_t offset_us;
    int64_t target_us; // drawn to it
    bool known;
    bool agreed;
    bool quarrel;
    bool trusted;
    bool sick;
    int64_t looked_us;
    int64_t step_since_us;   // most agree on a later time since then; -1: they do not
    int64_t step_us;         // that time
    int64_t quarrel_us;      // since when not known; -1: enough clocks were not even heard
    int64_t steady_since_us; // the start rule's
    int64_t leap_us;
    int64_t well_since_us; // a sick clock is right since then; -1: it is not
    uint64_t steps;
    uint64_t sick_count;
    struct clock_peer peers[LIMIT_CLUSTER_NODES];
};

static int64_t mono_us_of(mono_time mono) {
    return mono.ns / 1000;
}

static bool passed(const struct cluster_time *time, int64_t since_us, int64_t ms) {
    return time->mono_us - since_us >= ms * US_PER_MS;
}

struct cluster_time *cluster_time_create(const struct cluster_time_options *options) {
    check(options->node_count >= 1 && options->self < LIMIT_CLUSTER_NODES);
    struct cluster_time *time = calloc(1, sizeof(*time));
    check(time != NULL);
    time->node_count = options->node_count;
    time->self = options->self;
    time->vouched = options->trusted;
    time->newest_us = options->newest.ms * US_PER_MS;
    time->mono_us = mono_us_of(options->mono);
    time->own_us = options->wall.ms * US_PER_MS - time->mono_us;
    time->offset_us = time->own_us;
    time->target_us = time->own_us;
    time->looked_us = INT64_MIN / 2;
    time->step_since_us = -1;
    time->quarrel_us = -1;
    time->well_since_us = -1;
    for (uint32_t i = 0; i < LIMIT_CLUSTER_NODES; i++) {
        time->peers[i].told_us = INT64_MIN / 2;
    }
    cluster_time_tick(time, options->mono, options->wall);
    return time;
}

void cluster_time_destroy(struct cluster_time **time) {
    free(*time);
    *time = NULL;
}

// --- what clocks show ----------------------------------------------------------------------------

static bool is_fresh(const struct cluster_time *time, const struct clock_peer *peer) {
    return peer->heard && !passed(time, peer->at_us, LIMIT_TIME_SAMPLE_MS);
}

static int64_t error_now_us(const struct cluster_time *time, const struct clock_peer *peer) {
    return peer->error_us + (time->mono_us - peer->at_us) / DRIFT_PART;
}

// The clocks that are known now, this node's own among them, each with what it may be off.
static size_t intervals_take(
    const struct cluster_time *time, struct clock_interval intervals[LIMIT_CLUSTER_NODES]
) {
    int64_t allowed_us = (int64_t)LIMIT_TIME_ERROR_MS * US_PER_MS;
    size_t count = 0;
    intervals[count++] =
        (struct clock_interval){time->own_us - allowed_us, time->own_us + allowed_us};
    for (uint32_t i = 0; i < LIMIT_CLUSTER_NODES; i++) {
        const struct clock_peer *peer = &time->peers[i];
        if (i != time->self && is_fresh(time, peer)) {
            int64_t error_us = error_now_us(time, peer) + allowed_us;
            intervals[count++] =
                (struct clock_interval){peer->offset_us - error_us, peer->offset_us + error_us};
        }
    }
    return count;
}

// --- being drawn, stepping -----------------------------------------------------------------------

static void begin_steadiness(struct cluster_time *time) {
    time->steady_since_us = time->mono_us;
    time->leap_us = time->mono_us + time->offset_us - time->newest_us;
    bool leaps = time->newest_us != 0 && time->leap_us > (int64_t)LIMIT_TIME_LEAP_MS * US_PER_MS;
    time->trusted = !leaps || time->vouched || mutant_is("start_rule_missing");
}

static void become_known(struct cluster_time *time, int64_t offset_us) {
    time->known = true;
    time->offset_us = offset_us;
    time->target_us = offset_us;
    begin_steadiness(time);
}

// Most agree on a time that is later by more than slewing should make up for.
static void step_perhaps(struct cluster_time *time) {
    int64_t sick_us = (int64_t)LIMIT_TIME_SICK_MS * US_PER_MS;
    if (time->target_us <= time->offset_us + sick_us) {
        time->step_since_us = -1;
        return;
    }
    int64_t moved_us = llabs(time->target_us - time->step_us);
    if (time->step_since_us < 0 || moved_us > sick_us) {
        time->step_since_us = time->mono_us;
        time->step_us = time->target_us;
    }
    if (passed(time, time->step_since_us, LIMIT_TIME_STEP_MS) || mutant_is("step_at_once")) {
        time->offset_us = time->target_us;
        time->step_since_us = -1;
        time->steps++;
        time->steady_since_us = time->mono_us;
    }
}

// Until something fired by it a time that turns out to be too late may be taken back.
static void take_back_perhaps(struct cluster_time *time) {
    if (!time->trusted &&
        time->target_us < time->offset_us - (int64_t)LIMIT_TIME_SICK_MS * US_PER_MS) {
        time->offset_us = time->target_us;
        begin_steadiness(time);
    }
}

static void slew(struct cluster_time *time, int64_t elapsed_us) {
    int64_t most_us = elapsed_us / SLEW_PART;
    int64_t rest_us = time->target_us - time->offset_us;
    if (llabs(rest_us) <= STILL_US) {
        return;
    }
    time->offset_us += rest_us > most_us ? most_us : rest_us < -most_us ? -most_us : rest_us;
}

// --- is this node's own clock right? -------------------------------------------------------------

static void judge_own(struct cluster_time *time, const struct clock_interval *shared) {
    int64_t over_us = time->own_us - shared->high_us;
    int64_t under_us = shared->low_us - time->own_us;
    int64_t outside_us = over_us > under_us ? over_us : under_us;
    if (outside_us > (int64_t)LIMIT_TIME_SICK_MS * US_PER_MS) {
        time->sick_count += time->sick ? 0 : 1;
        time->sick = true;
        time->well_since_us = -1;
    } else if (time->sick && outside_us <= 0) {
        time->well_since_us = time->well_since_us < 0 ? time->mono_us : time->well_since_us;
        time->sick = !passed(time, time->well_since_us, LIMIT_TIME_WELL_MS);
    } else {
        time->well_since_us = -1;
    }
}

// --- looking -------------------------------------------------------------------------------------

static void look_agreed(struct cluster_time *time, const struct clock_interval *shared) {
    time->target_us = shared->low_us + (shared->high_us - shared->low_us) / 2;
    time->quarrel_us = -1;
    if (!time->known) {
        become_known(time, time->target_us);
    }
    judge_own(time, shared);
    step_perhaps(time);
    take_back_perhaps(time);
}

// Enough clocks are heard, and they do not agree.
static void
look_quarrel(struct cluster_time *time, const struct clock_interval *intervals, size_t count) {
    time->quarrel_us = time->quarrel_us < 0 ? time->mono_us : time->quarrel_us;
    if (!passed(time, time->quarrel_us, LIMIT_TIME_QUARREL_MS)) {
        return;
    }
    int64_t earliest_us = INT64_MAX;
    for (size_t i = 0; i < count; i++) {
        earliest_us = intervals[i].high_us < earliest_us ? intervals[i].high_us : earliest_us;
    }
    become_known(time, earliest_us - (int64_t)LIMIT_TIME_ERROR_MS * US_PER_MS);
}

// A node that fires by the time this one has vouches for it.
static bool somebody_vouches(const struct cluster_time *time) {
    for (uint32_t i = 0; i < LIMIT_CLUSTER_NODES; i++) {
        const struct clock_peer *peer = &time->peers[i];
        if (i != time->self && is_fresh(time, peer) && peer->trusted) {
            return true;
        }
    }
    return false;
}

static void look(struct cluster_time *time) {
    time->looked_us = time->mono_us;
    struct clock_interval intervals[LIMIT_CLUSTER_NODES];
    struct clock_interval shared;
    size_t count = intervals_take(time, intervals);
    size_t majority = time->node_count / 2 + 1;
    time->agreed = clocks_agree(intervals, count, majority, &shared);
    time->quarrel = !time->agreed && count >= majority;
    if (time->agreed) {
        look_agreed(time, &shared);
    } else {
        time->step_since_us = -1;
        time->target_us = time->offset_us;
        if (!time->known && time->quarrel) {
            look_quarrel(time, intervals, count);
        }
    }
    if (time->known && !time->trusted) {
        time->trusted = passed(time, time->steady_since_us, LIMIT_TIME_STEADY_MS) ||
                        (time->agreed && somebody_vouches(time));
    }
}

void cluster_time_tick(struct cluster_time *time, mono_time mono, wall_time wall) {
    int64_t elapsed_us = mono_us_of(mono) - time->mono_us;
    check(elapsed_us >= 0);
    time->mono_us += elapsed_us;
    time->own_us = wall.ms * US_PER_MS - time->mono_us;
    if (passed(time, time->looked_us, LIMIT_TIME_LOOK_MS)) {
        look(time);
    }
    if (time->known) {
        slew(time, elapsed_us);
    }
}

void cluster_time_resize(struct cluster_time *time, uint32_t node_count) {
    check(node_count >= 1);
    time->node_count = node_count;
}

// --- stamps --------------------------------------------------------------------------------------

bool cluster_time_stamp(struct cluster_time *time, uint32_t node, struct stamp *out_stamp) {
    struct clock_peer *peer = &time->peers[node];
    if (time->known && !peer->asks && !passed(time, peer->told_us, STAMP_EVERY_MS)) {
        return false;
    }
    peer->told_us = time->mono_us;
    peer->asks = false;
    *out_stamp = (struct stamp){
        .sent_us = (uint64_t)time->mono_us,
        .wall_us = time->own_us + time->mono_us,
        .trusted = time->known && time->trusted && !time->sick,
        .asks = !time->known,
    };
    bool echoes =
        peer->stamp_sent_us != 0 && !passed(time, peer->stamp_came_us, LIMIT_TIME_SAMPLE_MS);
    if (echoes) {
        out_stamp->echo_us = peer->stamp_sent_us;
        out_stamp->held_us = (uint64_t)(time->mono_us - peer->stamp_came_us);
    }
    return true;
}

void cluster_time_heard(struct cluster_time *time, uint32_t node, const struct stamp *stamp) {
    struct clock_peer *peer = &time->peers[node];
    peer->stamp_sent_us = stamp->sent_us;
    peer->stamp_came_us = time->mono_us;
    peer->trusted = stamp->trusted;
    peer->asks = stamp->asks;
    if (stamp->echo_us == 0) {
        return;
    }
    int64_t held_us = (int64_t)stamp->held_us;
    int64_t way_us = time->mono_us - (int64_t)stamp->echo_us - held_us; // there and back
    int64_t drift_us = held_us / DRIFT_PART + US_PER_MS;
    bool possible = way_us >= -drift_us && way_us <= (int64_t)LIMIT_TIME_WAY_MS * US_PER_MS;
    if (!possible) {
        return; // an answer to another life of this node, or of no use
    }
    way_us = way_us < 0 ? 0 : way_us;
    peer->heard = true;
    peer->at_us = time->mono_us;
    peer->offset_us = stamp->wall_us + way_us / 2 - time->mono_us;
    peer->error_us = way_us / 2 + drift_us;
    if (!time->known) {
        look(time);
    }
}

void cluster_time_forget(struct cluster_time *time, uint32_t node) {
    time->peers[node] = (struct clock_peer){.told_us = INT64_MIN / 2};
}

// --- questions -----------------------------------------------------------------------------------

wall_time cluster_time_now(const struct cluster_time *time) {
    return (wall_time){(time->mono_us + time->offset_us) / US_PER_MS};
}

bool cluster_time_is_known(const struct cluster_time *time) {
    return time->known;
}

bool cluster_time_may_fire(const struct cluster_time *time) {
    return time->known && time->trusted && !time->sick;
}

bool cluster_time_next_wakeup(const struct cluster_time *time, mono_time *out_at) {
    bool waits = !cluster_time_may_fire(time) || time->step_since_us >= 0;
    *out_at = (mono_time){(time->looked_us + (int64_t)LIMIT_TIME_WAIT_MS * US_PER_MS) * 1000};
    return waits;
}

struct cluster_time_status cluster_time_status(const struct cluster_time *time) {
    struct cluster_time_status status = {
        .known = time->known,
        .agreed = time->agreed,
        .quarrel = time->quarrel,
        .trusted = time->known && time->trusted,
        .sick = time->sick,
        .off_ms = (time->own_us - time->offset_us) / US_PER_MS,
        .steps = time->steps,
        .sick_count = time->sick_count,
    };
    if (time->known && !time->trusted) {
        int64_t passed_ms = (time->mono_us - time->steady_since_us) / US_PER_MS;
        status.wait_ms = LIMIT_TIME_STEADY_MS - passed_ms;
        status.leap_ms = time->leap_us / US_PER_MS;
    }
    return status;
}

struct cluster_time_peer cluster_time_peer(const struct cluster_time *time, uint32_t node) {
    const struct clock_peer *peer = &time->peers[node];
    if (node == time->self || !is_fresh(time, peer)) {
        return (struct cluster_time_peer){.heard = false};
    }
    return (struct cluster_time_peer){
        .heard = true,
        .off_ms = (peer->offset_us - time->offset_us) / US_PER_MS,
        .error_ms = error_now_us(time, peer) / US_PER_MS + 1,
    };
}
