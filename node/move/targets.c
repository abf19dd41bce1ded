#include "node/move/move.h"
#include "proto/base/buffer.h"
#include "proto/base/check.h"
#include "proto/base/hash.h"
#include "proto/base/mutant.h"
#include "proto/limits.h"

enum {
    SYSTEM_VOTERS_FEW = 3,
    SYSTEM_VOTERS_MANY = 5
};

// Members that hold replicas, without one of them (0: none). Returns how many.
static uint32_t
holders(const struct move_state *state, uint32_t without, struct place_member *out_members) {
    uint32_t count = 0;
    for (uint32_t at = 0; at < state->member_count; at++) {
        const struct move_member *member = &state->members[at];
        if (member->holds && member->id != without) {
            out_members[count++] = (struct place_member
            ){.node_id = member->id, .weight = member->weight, .zone = member->zone};
        }
    }
    return count;
}

static uint32_t zone_count(const struct place_member *members, uint32_t count) {
    uint32_t zones = 0;
    for (uint32_t at = 0; at < count; at++) {
        bool seen = false;
        for (uint32_t before = 0; before < at; before++) {
            seen = seen || members[before].zone == members[at].zone;
        }
        zones += !seen;
    }
    return zones;
}

static uint32_t smaller(uint32_t left, uint32_t right) {
    return left < right ? left : right;
}

uint32_t move_copies(const struct move_state *state, uint32_t wanted) {
    struct place_member members[PLACE_MEMBERS_MAX];
    return smaller(wanted, holders(state, 0, members));
}

uint64_t move_basis(const struct move_state *state, uint32_t wanted) {
    struct place_member members[PLACE_MEMBERS_MAX];
    uint32_t count = holders(state, 0, members);
    struct buffer text;
    buffer_init(&text, LIMIT_SYSTEM_ROW_BYTES);
    buffer_format(&text, "%u", wanted);
    for (uint32_t at = 0; at < count; at++) {
        buffer_format(
            &text, ";%u:%u:%u", members[at].node_id, members[at].weight, members[at].zone
        );
    }
    check(!err_is(buffer_status(&text)));
    uint64_t basis = hash_sip64(buffer_bytes(&text));
    buffer_deinit(&text);
    return basis == 0 ? 1 : basis;
}

// Where replicas are planned, as place() wants it.
static struct place_target planned_now(const struct move_state *state, struct arena *arena) {
    struct place_target now = {
        .partition_count = state->group_count - 1,
        .replica_count = MOVE_NODES_MAX,
        .nodes = ARENA_ARRAY(arena, uint32_t, (size_t)state->group_count * MOVE_NODES_MAX),
    };
    for (uint32_t group = 1; group < state->group_count; group++) {
        const struct move_nodes *planned = &state->groups[group].planned;
        for (uint32_t i = 0; i < MOVE_NODES_MAX; i++) {
            now.nodes[(size_t)(group - 1) * MOVE_NODES_MAX + i] =
                i < planned->count ? planned->items[i] : 0;
        }
    }
    return now;
}

void move_targets(
    const struct move_state *state,
    id128 cluster_id,
    uint32_t wanted,
    struct arena *arena,
    struct move_nodes *out_targets
) {
    struct place_member members[PLACE_MEMBERS_MAX];
    struct place_target now = planned_now(state, arena);
    struct place_input input = {
        .cluster_id = cluster_id,
        .members = members,
        .member_count = holders(state, 0, members),
        .partition_count = state->group_count - 1,
        .replica_count = smaller(wanted, MOVE_NODES_MAX),
        .now = &now,
    };
    check(input.member_count > 0);
    struct place_target target = place(&input, arena);
    for (uint32_t group = 1; group < state->group_count; group++) {
        out_targets[group].count = target.replica_count;
        for (uint32_t i = 0; i < target.replica_count; i++) {
            out_targets[group].items[i] =
                target.nodes[(size_t)(group - 1) * target.replica_count + i];
        }
    }
}

const char *move_refusal(
    const struct move_state *state, uint32_t wanted, uint32_t leaving, struct arena *arena
) {
    struct place_member before[PLACE_MEMBERS_MAX];
    struct place_member after[PLACE_MEMBERS_MAX];
    uint32_t before_count = holders(state, 0, before);
    uint32_t after_count = holders(state, leaving, after);
    if (after_count == 0) {
        return "it is the last node that holds anything";
    }
    if (after_count == before_count) {
        return NULL; // it holds nothing that counts
    }
    uint32_t copies = smaller(wanted, before_count);
    if (after_count < copies) {
        return arena_format(
            arena,
            "%u nodes would be left for %u copies of every partition: add a node first, or force "
            "it and live with fewer copies",
            after_count,
            copies
        );
    }
    uint32_t zones_before = smaller(copies, zone_count(before, before_count));
    uint32_t zones_after = smaller(copies, zone_count(after, after_count));
    if (zones_after < zones_before) {
        return arena_format(
            arena,
            "copies are in %u zones now and would be in %u: add a node in its zone first, or "
            "force it",
            zones_before,
            zones_after
        );
    }
    return NULL;
}

// --- the system group
// ------------------------------------------------------------------------------------

static bool
has_zone(const struct move_state *state, const struct move_nodes *nodes, uint32_t zone) {
    for (uint32_t at = 0; at < state->member_count; at++) {
        if (state->members[at].zone == zone && move_has(nodes, state->members[at].id)) {
            return true;
        }
    }
    return false;
}

static uint32_t zone_of(const struct move_state *state, uint32_t id) {
    uint32_t at = 0;
    while (at < state->member_count && state->members[at].id != id) {
        at++;
    }
    return at < state->member_count ? state->members[at].zone : UINT32_MAX;
}

bool move_loses_zone(
    const struct move_state *state, const struct move_nodes *nodes, uint32_t from, uint32_t to
) {
    struct move_nodes others = {0};
    for (uint32_t i = 0; i < nodes->count; i++) {
        if (nodes->items[i] != from) {
            others.items[others.count++] = nodes->items[i];
        }
    }
    return !has_zone(state, &others, zone_of(state, from)) &&
           has_zone(state, &others, zone_of(state, to)) && !mutant_is("move_ignores_zones");
}

struct choice {
    bool now;      // votes already
    bool new_zone; // is where nobody who was chosen is
};

// Adds members until there are enough. Those who vote keep their vote before others get one; zones
// go before all.
static void choose(
    const struct move_state *state,
    const struct move_nodes *now,
    struct choice choice,
    uint32_t enough,
    struct move_nodes *voters
) {
    for (uint32_t at = 0; at < state->member_count && voters->count < enough; at++) {
        const struct move_member *member = &state->members[at];
        if (member->holds && !move_has(voters, member->id) &&
            move_has(now, member->id) == choice.now && (choice.now || member->up) &&
            has_zone(state, voters, member->zone) != choice.new_zone) {
            voters->items[voters->count++] = member->id;
        }
    }
}

struct move_nodes move_system_voters(const struct move_state *state, const struct move_nodes *now) {
    struct place_member members[PLACE_MEMBERS_MAX];
    uint32_t count = holders(state, 0, members);
    uint32_t enough =
        count >= SYSTEM_VOTERS_MANY ? SYSTEM_VOTERS_MANY : smaller(count, SYSTEM_VOTERS_FEW);
    static const struct choice order[] = {
        {.now = true, .new_zone = true},
        {.now = false, .new_zone = true},
        {.now = true, .new_zone = false},
        {.now = false, .new_zone = false},
    };
    struct move_nodes voters = {0};
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        choose(state, now, order[i], enough, &voters);
    }
    return voters;
}
