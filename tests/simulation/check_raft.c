// Leaders are remembered by (group, term), for ever: a term has one. The copies are compared where
// something is new: at the newest entry of the node that stepped, and at the newest committed one.

#include "tests/simulation/check_raft.h"

#include "node/raft/raft.h"
#include "proto/base/check.h"

#include <stdlib.h>

static const char *const CHECKER = "agreement";

// What a node was when it was looked at last.
struct seen {
    bool leads;
    uint64_t term;
    uint64_t cuts;
    log_index last;
    log_index commit;
    log_index config;   // the newest entry with one
    uint32_t voters;    // by that, those it is to become too
    uint32_t or_before; // by those before it, while it was not known to be committed
};

struct terms {
    uint16_t *leaders; // by term
    size_t capacity;
    uint64_t newest; // that had a leader
};

// Who had to agree on a group's newest entry, as its leaders went by it.
struct agreement {
    struct fleet_members now;
    struct fleet_members before; // the change may have come in the same step
};

struct raft_watch {
    struct world *world;
    struct fleet *fleet;
    uint32_t group_count;
    struct seen *seen;            // by node and group
    struct terms *terms;          // by group
    log_index *judged;            // by group: committed entries whose copies were counted
    struct agreement *agreements; // by group
    uint64_t elections;
};

struct raft_watch *raft_watch_create(struct world *world, struct fleet *fleet) {
    struct raft_watch *watch = calloc(1, sizeof(*watch));
    check(watch != NULL);
    watch->world = world;
    watch->fleet = fleet;
    watch->group_count = fleet_settings(fleet)->group_count;
    size_t nodes = NETWORK_NODES_MAX + 1U;
    watch->seen = calloc(nodes * watch->group_count, sizeof(*watch->seen));
    watch->terms = calloc(watch->group_count, sizeof(*watch->terms));
    watch->judged = calloc(watch->group_count, sizeof(*watch->judged));
    watch->agreements = calloc(watch->group_count, sizeof(*watch->agreements));
    check(watch->agreements != NULL);
    check(watch->seen != NULL && watch->terms != NULL && watch->judged != NULL);
    return watch;
}

void raft_watch_destroy(struct raft_watch **watch) {
    if (*watch != NULL) {
        for (uint32_t group = 0; group < (*watch)->group_count; group++) {
            free((*watch)->terms[group].leaders);
        }
        free((*watch)->seen);
        free((*watch)->terms);
        free((*watch)->judged);
        free((*watch)->agreements);
        free(*watch);
        *watch = NULL;
    }
}

uint64_t raft_watch_elections(const struct raft_watch *watch) {
    return watch->elections;
}

// --- 1, 4: who may lead --------------------------------------------------------------------------

static uint16_t *leader_of_term(struct terms *terms, uint64_t term) {
    if (term >= terms->capacity) {
        size_t old = terms->capacity;
        terms->capacity = (size_t)term * 2 + 16;
        terms->leaders = realloc(terms->leaders, terms->capacity * sizeof(terms->leaders[0]));
        check(terms->leaders != NULL);
        for (size_t i = old; i < terms->capacity; i++) {
            terms->leaders[i] = 0;
        }
    }
    return &terms->leaders[term];
}

static bool has_entry(
    const struct raft_watch *watch, uint16_t number, group_id group, log_index index, hash128 chain
) {
    const struct shadow *shadow = machine_shadow(fleet_machine(watch->fleet, number));
    return shadow_last(shadow, group) >= index &&
           hash128_equal(shadow_chain(shadow, group, index), chain);
}

// `voters`: by its log. A config that takes a vote away may go away itself until it is committed,
// so until then who had it may stand (Ongaro's thesis §4.2.2).
static void
elected(struct raft_watch *watch, uint16_t number, group_id group, uint64_t term, uint32_t voters) {
    watch->elections++;
    world_trace(
        watch->world, "n%u leads group %u in term %llu", number, group, (unsigned long long)term
    );
    uint16_t *leader = leader_of_term(&watch->terms[group], term);
    if (*leader != 0 && *leader != number) {
        world_fail(
            watch->world,
            CHECKER,
            "n%u and n%u both lead group %u in term %llu",
            *leader,
            number,
            group,
            (unsigned long long)term
        );
    }
    *leader = number;
    if ((voters >> number & 1) == 0) {
        world_fail(
            watch->world,
            CHECKER,
            "n%u leads group %u in term %llu, of which it is no voter",
            number,
            group,
            (unsigned long long)term
        );
    }
    // Votes of an old term may come late: its leader can commit nothing, and may lack what a newer
    // one has committed since.
    bool late = term < watch->terms[group].newest;
    watch->terms[group].newest = late ? watch->terms[group].newest : term;
    const struct chronicle *chronicle = fleet_chronicle(watch->fleet);
    log_index last = chronicle_last(chronicle, group);
    if (!late && !has_entry(watch, number, group, last, chronicle_chain(chronicle, group, last))) {
        world_fail(
            watch->world,
            CHECKER,
            "n%u leads group %u in term %llu without its committed entry %llu",
            number,
            group,
            (unsigned long long)term,
            (unsigned long long)last
        );
    }
}

// --- 3: logs that meet are equal -----------------------------------------------------------------

static void compare_copies(struct raft_watch *watch, uint16_t number, group_id group) {
    const struct shadow *mine = machine_shadow(fleet_machine(watch->fleet, number));
    log_index last = shadow_last(mine, group);
    for (uint16_t other = 1; other <= fleet_size(watch->fleet); other++) {
        const struct machine *machine = fleet_machine(watch->fleet, other);
        if (machine == NULL || other == number) {
            continue;
        }
        const struct shadow *theirs = machine_shadow(machine);
        if (shadow_last(theirs, group) >= last &&
            shadow_term(theirs, group, last) == shadow_term(mine, group, last) &&
            !hash128_equal(shadow_chain(theirs, group, last), shadow_chain(mine, group, last))) {
            world_fail(
                watch->world,
                CHECKER,
                "n%u and n%u have different entries %llu of group %u, both of term %llu",
                number,
                other,
                (unsigned long long)last,
                group,
                (unsigned long long)shadow_term(mine, group, last)
            );
        }
    }
}

// --- 8, 9: what was said to be durable is --------------------------------------------------------

static void note_members(struct raft_watch *watch, uint16_t number, group_id group) {
    struct agreement *agreement = &watch->agreements[group];
    struct fleet_members members = fleet_members(watch->fleet, number, group);
    bool votes =
        members.voters != agreement->now.voters || members.incoming != agreement->now.incoming;
    if (votes || members.learners != agreement->now.learners) {
        world_trace(
            watch->world,
            "group %u: voters %x, to be %x, learners %x, by n%u",
            group,
            members.voters,
            members.incoming,
            members.learners,
            number
        );
    }
    if (votes) {
        agreement->before = agreement->now.voters == 0 ? members : agreement->now;
    }
    agreement->now = members;
}

// Its disk is lost, and its leader may still go by what was acknowledged from there.
static bool has_lost(
    const struct raft_watch *watch, const struct machine *machine, uint16_t number, group_id group
) {
    uint64_t old = machine_old_replicas(machine, group);
    const struct roster *roster = chronicle_roster(fleet_chronicle(watch->fleet));
    return old > 0 && roster_replica(roster, group, number) < old;
}

static void count_copies(struct raft_watch *watch, uint16_t by, group_id group) {
    const struct chronicle *chronicle = fleet_chronicle(watch->fleet);
    const struct agreement *agreement = &watch->agreements[group];
    log_index last = chronicle_last(chronicle, group);
    if (last == watch->judged[group]) {
        return;
    }
    watch->judged[group] = last;
    if (agreement->now.voters == 0) { // it led, and led no more, within one step
        note_members(watch, by, group);
    }
    hash128 chain = chronicle_chain(chronicle, group, last);
    uint32_t copies = 0;
    for (uint16_t number = 1; number <= fleet_size(watch->fleet); number++) {
        const struct machine *machine = fleet_machine(watch->fleet, number);
        const struct shadow *shadow = machine == NULL ? NULL : machine_shadow(machine);
        bool has = shadow != NULL && !shadow_is_installing(shadow, group) &&
                   shadow_durable(shadow, group) >= last &&
                   hash128_equal(shadow_chain(shadow, group, last), chain);
        bool had = machine != NULL && has_lost(watch, machine, number, group);
        copies |= has || had ? 1U << number : 0;
    }
    if (!fleet_is_majority(&agreement->now, copies) &&
        !fleet_is_majority(&agreement->before, copies)) {
        world_fail(
            watch->world,
            "durability",
            "entry %llu of group %u is committed with durable copies on %x of %x, to be %x",
            (unsigned long long)last,
            group,
            copies,
            agreement->now.voters,
            agreement->now.incoming
        );
    }
}

static void
check_matches(struct raft_watch *watch, uint16_t number, group_id group, const struct raft *raft) {
    const struct raft_group_status status = raft_status(raft, group);
    for (uint32_t i = 0; i < status.follower_count; i++) {
        const struct raft_follower_status *follower = &status.followers[i];
        const struct machine *machine = fleet_machine(watch->fleet, follower->node);
        if (machine == NULL || machine_is_gone(machine) ||
            follower->replica < machine_old_replicas(machine, group)) {
            continue; // it may have left a moment ago; or its disk is lost, and nobody knows
        }
        const struct shadow *shadow = machine_shadow(machine);
        uint64_t newest = shadow_newest_term(shadow, group);
        bool same_log = follower->counts && !shadow_is_installing(shadow, group) &&
                        follower->log_epoch == shadow_epoch(shadow, group);
        if (same_log && newest <= status.term && follower->match > shadow_durable(shadow, group)) {
            world_fail(
                watch->world,
                "durability",
                "n%u holds entry %llu of group %u for durable at n%u, which has %llu",
                number,
                (unsigned long long)follower->match,
                group,
                follower->node,
                (unsigned long long)shadow_durable(shadow, group)
            );
        }
    }
}

// --- a step --------------------------------------------------------------------------------------

// Only an entry, or rows that bring others, make another config.
static void note_voters(
    struct raft_watch *watch,
    uint16_t number,
    group_id group,
    const struct seen *before,
    struct seen *now
) {
    now->config = before->config;
    now->voters = before->voters;
    now->or_before = before->or_before;
    if (now->last == before->last && now->cuts == before->cuts && before->voters != 0) {
        return;
    }
    struct fleet_members members = fleet_members(watch->fleet, number, group);
    now->voters = members.voters | members.incoming;
    if (members.index != before->config) {
        now->config = members.index;
        now->or_before = before->voters | (before->commit < before->config ? before->or_before : 0);
    }
}

static void
look(struct raft_watch *watch, uint16_t number, group_id group, const struct raft *raft) {
    struct seen *seen = &watch->seen[number * watch->group_count + group];
    const struct shadow *shadow = machine_shadow(fleet_machine(watch->fleet, number));
    struct seen now = {
        .leads = raft_is_leader(raft, group),
        .term = raft_term(raft, group),
        .cuts = shadow_cuts(shadow, group),
        .last = shadow_last(shadow, group),
        .commit = raft_commit_index(raft, group),
    };
    note_voters(watch, number, group, seen, &now);
    bool leads = now.leads;
    bool led = seen->leads && seen->term == now.term;
    if (leads && !led) {
        uint32_t or_before = seen->commit < now.config ? now.or_before : 0;
        elected(watch, number, group, now.term, seen->voters | now.voters | or_before);
    } else if (leads && seen->cuts != now.cuts) {
        world_fail(
            watch->world, CHECKER, "n%u drops entries of group %u, which it leads", number, group
        );
    } else if (seen->leads && !led) {
        world_trace(watch->world, "n%u leads group %u no more", number, group);
    }
    bool log_changed = now.last != seen->last || now.cuts != seen->cuts;
    if (leads && (log_changed || !led)) {
        note_members(watch, number, group);
    }
    if (leads) {
        check_matches(watch, number, group, raft);
    }
    if (log_changed) {
        compare_copies(watch, number, group);
    }
    *seen = now;
}

void raft_watch_stepped(struct raft_watch *watch, uint16_t number) {
    struct machine *machine = fleet_machine(watch->fleet, number);
    if (fleet_is_alone(watch->fleet) || !machine_is_up(machine)) {
        return;
    }
    const struct raft *raft = node_raft(machine_node(machine));
    for (uint32_t group = 0; group < watch->group_count && !world_failed(watch->world); group++) {
        if (fleet_has_copy(watch->fleet, number, (group_id)group)) {
            look(watch, number, (group_id)group, raft);
            count_copies(watch, number, (group_id)group);
        }
    }
}
