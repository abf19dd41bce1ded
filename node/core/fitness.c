// One node with a full disk must not stop a cluster. So a start is refused only where it would be
// decided – the leader's own disk – or where no majority of the copies has room; and new executions
// are given ids of groups that are led elsewhere meanwhile. A follower without room still follows:
// refusing entries would take a copy away from everybody's work in order to save one disk, which
// the process does anyhow when the disk is full to the last byte.
//
// Leadership moves away at the hard limit only: at the soft one the node can do all the work there
// is, just not more of it. It comes back when the group's first choice was well for a while
// (LIMIT_FITNESS_WELL_MS), a few groups a second.
//
// Rejected: counting the ballast as free. On a small disk the hard limit would then be reached when
// nothing is left.
#include "node/core/fitness.h"

#include "node/core/lead.h"
#include "node/core/node_internal.h"
#include "node/core/system_rows.h"
#include "proto/base/check.h"
#include "proto/base/mutant.h"
#include "proto/limits.h"

static const int64_t NS_PER_MS = 1000000;

const char *room_level_name(enum room_level level) {
    static const char *const names[] = {"enough", "soft", "hard"};
    return names[level];
}

// --- judging
// ----------------------------------------------------------------------------------------------

uint32_t disk_used_permille(const struct disk_measure *disk) {
    uint64_t total = disk->used_bytes + disk->free_bytes;
    uint64_t used = disk->used_bytes + (disk->ballast_held ? 0 : disk->ballast_bytes);
    if (total == 0 || used >= total) {
        return 1000;
    }
    return (uint32_t)(used * 1000 / total); // devices below 16 PiB
}

enum room_level room_judge(enum room_level before, uint32_t used_permille) {
    uint32_t hard = LIMIT_DISK_HARD_PERMILLE;
    uint32_t soft = LIMIT_DISK_SOFT_PERMILLE;
    hard -= before == ROOM_HARD ? LIMIT_DISK_RELIEF_PERMILLE : 0;
    soft -= before != ROOM_ENOUGH ? LIMIT_DISK_RELIEF_PERMILLE : 0;
    if (used_permille >= hard) {
        return ROOM_HARD;
    }
    return used_permille >= soft ? ROOM_SOFT : ROOM_ENOUGH;
}

void fitness_measured(struct node *node, const struct disk_measure *disk) {
    node->fitness.used_permille = disk_used_permille(disk);
    enum room_level level = room_judge(node->fitness.room, node->fitness.used_permille);
    if (level != node->fitness.room) {
        node->fitness.room = level;
        node->fitness_looked = (mono_time){0}; // told, and acted upon, at once
    }
}

// --- saying and hearing
// -----------------------------------------------------------------------------------

static bool is_well(const struct fitness *fitness) {
    return fitness->room != ROOM_HARD && !fitness->slow && !fitness->clock_sick;
}

void fitness_peer_up(struct node *node, struct node_peer *peer) {
    peer->well_since = node->mono;
}

void fitness_tell(struct node *node, struct node_peer *peer) {
    struct peer_fitness said = {
        .room = (uint8_t)node->fitness.room,
        .used_permille = (uint16_t)node->fitness.used_permille,
        .slow = node->fitness.slow,
        .clock_sick = node->fitness.clock_sick,
    };
    node_send(node, peer->id, LINK_URGENT, PEER_FITNESS, &peer_fitness_record, &said);
}

void fitness_told(struct node *node, struct node_peer *peer, const struct peer_fitness *said) {
    bool was_well = is_well(&peer->fitness);
    peer->fitness = (struct fitness){
        .room = said->room <= ROOM_HARD ? (enum room_level)said->room : ROOM_HARD,
        .used_permille = said->used_permille,
        .slow = said->slow,
        .clock_sick = said->clock_sick,
    };
    if (is_well(&peer->fitness) && !was_well) {
        peer->well_since = node->mono;
    }
}

// Small changes of how full it is are worth no message.
static void tell_all(struct node *node) {
    const struct fitness *now = &node->fitness;
    struct fitness *told = &node->fitness_told;
    uint32_t apart = now->used_permille > told->used_permille
                         ? now->used_permille - told->used_permille
                         : told->used_permille - now->used_permille;
    bool same =
        now->room == told->room && now->slow == told->slow && now->clock_sick == told->clock_sick;
    if (same && apart < LIMIT_FITNESS_STEP_PERMILLE) {
        return;
    }
    *told = *now;
    for (size_t i = 0; i < node->peer_count; i++) {
        if (node->peers[i].up) {
            fitness_tell(node, &node->peers[i]);
        }
    }
}

// --- leading
// ----------------------------------------------------------------------------------------------

bool fitness_peer_is_well(const struct node *node, node_id id) {
    const struct node_peer *peer = node_peer_of(node, id);
    return peer != NULL && peer->up && is_well(&peer->fitness);
}

static bool is_level(const struct raft_group_status *status, node_id id) {
    for (uint32_t i = 0; i < status->follower_count; i++) {
        const struct raft_follower_status *follower = &status->followers[i];
        if (follower->node == id) {
            return follower->voter && follower->answers && follower->progress == RAFT_REPLICATING &&
                   status->last - follower->match <= LIMIT_RAFT_WINDOW_MESSAGES;
        }
    }
    return false;
}

// Groups whose first choice is another node go back to it when it was well for a while.
static void go_home(struct node *node) {
    uint32_t moved = 0;
    for (uint32_t i = 0; i < node->settings.group_count && moved < LIMIT_FITNESS_HOME; i++) {
        const struct group *group = &node->groups[i];
        const struct node_peer *home = node_peer_of(node, group->home);
        if (!group->leading || group->home == node->self || home == NULL ||
            home->state == MEMBER_DRAINING || !fitness_peer_is_well(node, group->home) ||
            node->mono.ns - home->well_since.ns < LIMIT_FITNESS_WELL_MS * NS_PER_MS) {
            continue;
        }
        struct raft_group_status status = raft_status(node->raft, group->id);
        if (is_level(&status, group->home) && raft_transfer(node->raft, group->id, group->home)) {
            moved++;
        }
    }
}

static void look_at_log(struct node *node) {
    uint64_t offers = raft_stats(node->raft).offers;
    if (offers != node->offers_seen) {
        node->offers_seen = offers;
        node->slow_until.ns = node->mono.ns + LIMIT_FITNESS_SLOW_MS * NS_PER_MS;
    }
    node->fitness.slow = node->mono.ns < node->slow_until.ns;
}

void fitness_pump(struct node *node) {
    int64_t next = node->fitness_looked.ns + LIMIT_FITNESS_LOOK_MS * NS_PER_MS;
    if (node->alone || (node->fitness_looked.ns != 0 && node->mono.ns < next)) {
        return;
    }
    node->fitness_looked = node->mono;
    look_at_log(node);
    tell_all(node);
    if (node->fitness.room == ROOM_HARD || node->fitness.clock_sick) {
        lead_give_away(node, fitness_peer_is_well);
    } else if (!node->leaving) {
        go_home(node);
    }
}

bool fitness_next_wakeup(const struct node *node, mono_time *out_at) {
    out_at->ns = node->fitness_looked.ns + LIMIT_FITNESS_LOOK_MS * NS_PER_MS;
    return !node->alone;
}

// --- refusing
// ---------------------------------------------------------------------------------------------

static bool has_room(const struct node *node, node_id id) {
    const struct node_peer *peer = node_peer_of(node, id);
    return peer == NULL || peer->fitness.room == ROOM_ENOUGH;
}

static bool all_have_room(const struct node *node) {
    bool all = node->fitness.room == ROOM_ENOUGH;
    for (size_t i = 0; i < node->peer_count; i++) {
        all = all && node->peers[i].fitness.room == ROOM_ENOUGH;
    }
    return all;
}

static err refusal(struct node *node, const char *limit, const char *refused) {
    node->stats.refused_room++;
    return err_make(
        ERR_UNAVAILABLE,
        arena_format(
            node->arena,
            "the disk of node %u is %u.%u%% full, over its %s limit: %s until there is room; what "
            "finishes or deletes executions goes on",
            node->self,
            node->fitness.used_permille / 10,
            node->fitness.used_permille % 10,
            limit,
            refused
        )
    );
}

err fitness_takes_start(struct node *node, group_id group) {
    if (all_have_room(node) || mutant_is("starts_on_full_disk")) {
        return ERR_NONE;
    }
    if (node->fitness.room != ROOM_ENOUGH) {
        return refusal(
            node, node->fitness.room == ROOM_HARD ? "hard" : "soft", "no new executions are started"
        );
    }
    struct raft_group_status status = raft_status(node->raft, group);
    uint32_t roomy = 1;
    uint32_t voters = 1;
    for (uint32_t i = 0; i < status.follower_count; i++) {
        bool votes = status.followers[i].voter;
        roomy += votes && has_room(node, status.followers[i].node) ? 1u : 0u;
        voters += votes ? 1u : 0u;
    }
    if (2 * roomy > voters) {
        return ERR_NONE;
    }
    node->stats.refused_room++;
    static const char text[] = "the disks of most copies of the partition are over their soft "
                               "limit: no new executions are started until there is room";
    return err_make(ERR_UNAVAILABLE, text);
}

bool fitness_suits_start(const struct node *node, group_id group) {
    if (node->fitness.room == ROOM_ENOUGH) {
        return node->groups[group].leading;
    }
    node_id leader = node_leader(node, group);
    return leader != 0 && leader != node->self && has_room(node, leader);
}

// Whether a request finishes or deletes something, or changes nothing. Polls are among them: what
// nobody is given nobody finishes.
static bool makes_room(enum api_route_name name) {
    switch ((int)name) {
    case API_DECIDE_WORKFLOW:
    case API_PAUSE_WORKFLOW:
    case API_BULK_PAUSE:
    case API_TERMINATE_WORKFLOW:
    case API_BULK_TERMINATE:
    case API_REMOVE_WORKFLOW:
    case API_BULK_REMOVE:
    case API_TERMINATE_AND_REMOVE_WORKFLOW:
    case API_BULK_TERMINATE_AND_REMOVE:
    case API_SKIP_TASK:
    case API_SIGNAL_TASK:
    case API_SIGNAL_TASK_SYNC:
    case API_UPDATE_TASK:
    case API_UPDATE_TASK_AND_POLL:
    case API_UPDATE_TASK_BY_REFERENCE:
    case API_UPDATE_TASK_BY_REFERENCE_SYNC:
    case API_RESUME_WORKFLOW: // a paused one finishes no other way
    case API_BULK_RESUME:
    case API_DELETE_WORKFLOW_DEFINITION:
    case API_DELETE_TASK_DEFINITION:
    case API_ADD_NODE: // with its disk
    case API_DRAIN_NODE:
    case API_CANCEL_DRAIN_NODE:
    case API_REMOVE_NODE:
    case API_REPLACE_NODE:
    case API_MOVE_REPLICA:
    case API_GET_CORRELATED_WORKFLOWS_OF_MANY: // read, by POST
    case API_VALIDATE_WORKFLOW:
    case API_BEGIN_BACKUP: // a copy elsewhere is what a full disk needs
    case API_KEEP_BACKUP:
    case API_MARK_BACKUP:
    case API_END_RESTORE:
    case API_START_WORKFLOW: // asked about later: one may be there already
    case API_START_WORKFLOW_BY_NAME:
    case API_EXECUTE_WORKFLOW:
        return true;
    default:
        return false;
    }
}

bool fitness_refuses(struct node *node, const struct request *request) {
    const struct api_route *route = request->match.route;
    if (node->fitness.room != ROOM_HARD || route->method == API_METHOD_GET ||
        makes_room(route->name)) {
        return false;
    }
    err refused = refusal(node, "hard", "this is not done");
    if (!mutant_is("full_disk_drops_reply")) {
        node_answer_error(node, request->id, refused, GATE_OPEN);
    }
    return true;
}
