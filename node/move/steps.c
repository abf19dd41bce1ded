// Rejected: giving a group's leader the target at once. It would change all replicas that differ in
// one joint configuration; with two of three new, the group would wait for two snapshots, and what
// a node receives at a time could not be bounded.
#include "node/move/move.h"
#include "proto/base/mutant.h"

#include <stdlib.h>
#include <string.h>

// What nodes receive and give at the moment, by place in `members`.
struct traffic {
    uint32_t in[PLACE_MEMBERS_MAX];
    uint32_t out[PLACE_MEMBERS_MAX];
};

bool move_has(const struct move_nodes *nodes, uint32_t id) {
    for (uint32_t i = 0; i < nodes->count; i++) {
        if (nodes->items[i] == id) {
            return true;
        }
    }
    return false;
}

static bool has_all(const struct move_nodes *nodes, const struct move_nodes *others) {
    for (uint32_t i = 0; i < others->count; i++) {
        if (!move_has(nodes, others->items[i])) {
            return false;
        }
    }
    return true;
}

bool move_same(const struct move_nodes *left, const struct move_nodes *right) {
    return left->count == right->count && has_all(left, right);
}

static bool is_equal(const struct move_nodes *left, const struct move_nodes *right) {
    return left->count == right->count &&
           memcmp(left->items, right->items, left->count * sizeof(left->items[0])) == 0;
}

static uint32_t place_of(const struct move_state *state, uint32_t id) {
    uint32_t at = 0;
    while (at < state->member_count && state->members[at].id != id) {
        at++;
    }
    return at;
}

static bool is_up(const struct move_state *state, uint32_t id) {
    uint32_t at = place_of(state, id);
    return at < state->member_count && state->members[at].up;
}

static uint32_t up_count(const struct move_state *state, const struct move_nodes *nodes) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < nodes->count; i++) {
        count += is_up(state, nodes->items[i]);
    }
    return count;
}

static bool has_majority(const struct move_state *state, const struct move_nodes *nodes) {
    return up_count(state, nodes) > nodes->count / 2;
}

static bool is_settled(const struct move_group *group) {
    return group->known && !group->changing && move_same(&group->voters, &group->planned);
}

// --- one group
// -------------------------------------------------------------------------------------------

// The first of `nodes`, from the front or from the back, that is not among `others` and is up or
// not. 0: none.
static uint32_t missing(
    const struct move_state *state,
    const struct move_nodes *nodes,
    const struct move_nodes *others,
    bool up
) {
    for (uint32_t i = 0; i < nodes->count; i++) {
        if (!move_has(others, nodes->items[i]) && is_up(state, nodes->items[i]) == up) {
            return nodes->items[i];
        }
    }
    return 0;
}

// The first of the target that is still to get a replica, and can. 0: none.
static uint32_t newcomer(const struct move_state *state, const struct move_group *group) {
    for (uint32_t i = 0; i < group->target.count; i++) {
        uint32_t at = place_of(state, group->target.items[i]);
        if (!move_has(&group->planned, group->target.items[i]) && at < state->member_count &&
            state->members[at].up && !state->members[at].full) {
            return group->target.items[i];
        }
    }
    return 0;
}

// `nodes` with one more and one less (0: none), those of the target in its order first.
static struct move_nodes changed(
    const struct move_nodes *nodes, const struct move_nodes *target, uint32_t more, uint32_t less
) {
    struct move_nodes next = {0};
    for (uint32_t i = 0; i < target->count; i++) {
        uint32_t id = target->items[i];
        if (id == more || (id != less && move_has(nodes, id))) {
            next.items[next.count++] = id;
        }
    }
    for (uint32_t i = 0; i < nodes->count; i++) {
        uint32_t id = nodes->items[i];
        if (id != less && !move_has(target, id) && next.count < MOVE_NODES_MAX) {
            next.items[next.count++] = id;
        }
    }
    return next;
}

// False: the group is there, or cannot go on now. `*out_more`: the node that gets a replica; 0:
// none does.
static bool next_of(
    const struct move_state *state,
    const struct move_group *group,
    struct move_nodes *out_next,
    uint32_t *out_more
) {
    *out_more = newcomer(state, group);
    uint32_t less = missing(state, &group->planned, &group->target, false);
    if (less == 0) {
        less = missing(state, &group->planned, &group->target, true);
    }
    if (*out_more == 0 && !has_all(&group->planned, &group->target)) {
        return false; // who is to come is away, or full
    }
    if (*out_more != 0 && group->planned.count < group->target.count) {
        less = 0; // a copy more before one goes
    }
    *out_next = changed(&group->planned, &group->target, *out_more, less);
    return !is_equal(out_next, &group->planned) && has_majority(state, &group->voters) &&
           has_majority(state, out_next);
}

// --- all of them
// -----------------------------------------------------------------------------------------

static struct traffic traffic_now(const struct move_state *state) {
    struct traffic traffic = {{0}, {0}};
    for (uint32_t at = 1; at < state->group_count; at++) {
        const struct move_group *group = &state->groups[at];
        for (uint32_t i = 0; group->known && i < group->planned.count; i++) {
            uint32_t to = place_of(state, group->planned.items[i]);
            uint32_t from = place_of(state, group->leader);
            if (!move_has(&group->voters, group->planned.items[i])) {
                traffic.in[to] += to < state->member_count;
                traffic.out[from] += from < state->member_count;
            }
        }
    }
    return traffic;
}

struct candidate {
    uint32_t group;
    uint32_t copies; // that are within reach and stay
    bool lost;       // one is out of reach
};

static int order_candidates(const void *left, const void *right) {
    const struct candidate *first = left;
    const struct candidate *second = right;
    if (first->copies != second->copies && !mutant_is("moves_in_any_order")) {
        return first->copies < second->copies ? -1 : 1;
    }
    return (first->group > second->group) - (first->group < second->group);
}

static struct candidate candidate_of(const struct move_state *state, uint32_t at) {
    const struct move_group *group = &state->groups[at];
    struct candidate candidate = {.group = at};
    for (uint32_t i = 0; i < group->voters.count; i++) {
        uint32_t member = place_of(state, group->voters.items[i]);
        bool up = member < state->member_count && state->members[member].up;
        candidate.lost = candidate.lost || !up;
        candidate.copies += up && state->members[member].holds;
    }
    return candidate;
}

static bool may_send(
    const struct move_state *state,
    const struct move_group *group,
    const struct move_bounds *bounds,
    uint32_t to,
    struct traffic *traffic
) {
    uint32_t into = place_of(state, to);
    uint32_t from = place_of(state, group->leader);
    if (to == 0) {
        return true;
    }
    if (from == state->member_count || into == state->member_count ||
        ((traffic->in[into] >= bounds->per_node || traffic->out[from] >= bounds->per_node) &&
         !mutant_is("moves_without_bound"))) {
        return false;
    }
    traffic->in[into]++;
    traffic->out[from]++;
    return true;
}

// Whether it was planned to bring the group to a node that is to have no replica any more and has
// none yet: it may be gone for ever, and the change would never end.
static bool is_in_vain(const struct move_state *state, const struct move_group *group) {
    bool vain = false;
    for (uint32_t i = 0; i < group->planned.count && group->known; i++) {
        uint32_t id = group->planned.items[i];
        uint32_t at = place_of(state, id);
        bool holds = at < state->member_count && state->members[at].holds;
        vain = vain || (!holds && !move_has(&group->voters, id) && !move_has(&group->target, id));
    }
    return vain;
}

uint32_t move_steps(
    const struct move_state *state, const struct move_bounds *bounds, struct move_step *out_steps
) {
    struct candidate *candidates = calloc(state->group_count + 1, sizeof(*candidates));
    uint32_t candidate_count = 0;
    uint32_t count = 0;
    struct traffic traffic = traffic_now(state);
    for (uint32_t at = 1; at < state->group_count && candidates != NULL; at++) {
        const struct move_group *group = &state->groups[at];
        bool settled = is_settled(group) || (mutant_is("moves_twice_at_once") && group->known);
        if (settled && !is_equal(&group->planned, &group->target)) {
            candidates[candidate_count++] = candidate_of(state, at);
        } else if (!settled && is_in_vain(state, group)) {
            struct move_nodes back = changed(&group->voters, &group->target, 0, 0);
            out_steps[count++] = (struct move_step){.group = at, .planned = back};
        }
    }
    if (candidate_count > 0) {
        qsort(candidates, candidate_count, sizeof(*candidates), order_candidates);
    }
    for (uint32_t i = 0; i < candidate_count; i++) {
        const struct move_group *group = &state->groups[candidates[i].group];
        struct move_step step = {.group = candidates[i].group};
        uint32_t more = 0;
        if ((!bounds->paused || candidates[i].lost) &&
            next_of(state, group, &step.planned, &more) &&
            may_send(state, group, bounds, more, &traffic)) {
            out_steps[count++] = step;
        }
    }
    free(candidates);
    return count;
}

// --- questions
// -------------------------------------------------------------------------------------------

struct move_rest move_rest(const struct move_state *state) {
    struct move_rest rest = {0};
    for (uint32_t at = 1; at < state->group_count; at++) {
        const struct move_group *group = &state->groups[at];
        const struct move_nodes *there = group->known ? &group->voters : &group->planned;
        for (uint32_t i = 0; i < group->target.count; i++) {
            rest.left += !move_has(there, group->target.items[i]);
        }
        for (uint32_t i = 0; group->known && i < group->planned.count; i++) {
            rest.moving += !move_has(&group->voters, group->planned.items[i]);
        }
    }
    return rest;
}

bool move_is_needed(const struct move_state *state, uint32_t id) {
    for (uint32_t at = 1; at < state->group_count; at++) {
        const struct move_group *group = &state->groups[at];
        if (!group->known || group->changing || move_has(&group->voters, id) ||
            move_has(&group->planned, id) || move_has(&group->target, id)) {
            return true;
        }
    }
    return false;
}
