// Who the members of a group are is known from its rows and log, as node/raft reads them, or, of a
// group at its beginning, from who founded the cluster.
#include "node/recover/recover.h"
#include "node/recover/recover_internal.h"
#include "scheduler/definition/catalog.h"
#include "scheduler/renewal.h"
#include "storage/keys.h"

static err together(const struct recover_store *stores, uint32_t store_count, struct arena *arena);
static void copy_read(
    const struct recover_store *from, group_id group, struct arena *arena, struct recover_copy *out
);
static bool is_founded(const struct recover_store *from, struct arena *arena);
static err epoch_find(struct recover_look *look, struct arena *arena);

err recover_look(
    const struct recover_store *stores,
    uint32_t store_count,
    struct arena *arena,
    struct recover_look *out_look
) {
    TRY(together(stores, store_count, arena));
    *out_look = (struct recover_look){
        .stores = stores,
        .store_count = store_count,
        .group_count = stores[0].group_count,
    };
    struct recover_look *look = out_look;
    look->groups = ARENA_ARRAY(arena, struct recover_group, look->group_count);
    look->copies = ARENA_ARRAY(arena, struct recover_copy, (size_t)look->group_count * store_count);
    for (uint32_t group = 0; group < look->group_count; group++) {
        struct recover_copy *copies = &look->copies[(size_t)group * store_count];
        for (uint32_t at = 0; at < store_count; at++) {
            copy_read(&stores[at], (group_id)group, arena, &copies[at]);
            if (group == CATALOG_GROUP && !is_founded(&stores[at], arena)) {
                copies[at].whole = false;
            }
        }
        look->groups[group] = recover_choose(stores, copies, store_count);
        look->lost_count += look->groups[group].fate != RECOVER_LIVES;
        look->nothing_count += look->groups[group].fate == RECOVER_NOTHING;
    }
    return epoch_find(look, arena);
}

// A copy of the system group that ends before the cluster was formed does not say who is a member:
// a node that went on with it would wait for the clocks of all that were to form it, for ever.
static bool is_founded(const struct recover_store *from, struct arena *arena) {
    struct cluster_row cluster;
    return !err_is(recover_cluster_row(from->store, arena, &cluster)) && cluster.next_node > 0;
}

const struct recover_copy *
recover_copy_of(const struct recover_look *look, uint32_t group, uint32_t store) {
    return &look->copies[(size_t)group * look->store_count + store];
}

// --- stores --------------------------------------------------------------------------------------

static err conflict(struct arena *arena, const char *left, const char *right, const char *text) {
    return err_make(ERR_CONFLICT, arena_format(arena, "'%s' and '%s' %s", left, right, text));
}

static err together(const struct recover_store *stores, uint32_t store_count, struct arena *arena) {
    if (store_count == 0 || store_count > RECOVER_STORES_MAX) {
        return err_make(ERR_CONFLICT, "name the stores that are left: one, or a few");
    }
    for (uint32_t i = 1; i < store_count; i++) {
        for (uint32_t j = 0; j < i; j++) {
            const struct recover_store *left = &stores[j];
            const struct recover_store *right = &stores[i];
            if (!id_equal(left->cluster_id, right->cluster_id) ||
                left->group_count != right->group_count) {
                return conflict(
                    arena, left->name, right->name, "are of different clusters: nothing was done"
                );
            }
            if (left->node == right->node) {
                return conflict(
                    arena,
                    left->name,
                    right->name,
                    "are of one node: one of them is a copy, or older; name the one that it had "
                    "last"
                );
            }
        }
    }
    return ERR_NONE;
}

// --- copies --------------------------------------------------------------------------------------

static bool founders_config(
    const struct recover_store *from, group_id group, struct arena *arena, struct config *out
) {
    struct raft_config config = {0};
    bool here = false;
    if (from->founders.count == 0) {
        return false;
    }
    if (group == CATALOG_GROUP) {
        config.voter_count = (uint32_t)from->founders.count;
        for (uint32_t i = 0; i < config.voter_count; i++) {
            config.voters[i] = from->founders.ids[i];
        }
    } else {
        struct place_target target =
            founding_place(from->cluster_id, &from->founders, from->group_count, arena);
        config.voter_count = target.replica_count;
        for (uint32_t i = 0; i < target.replica_count; i++) {
            config.voters[i] =
                (node_id)target.nodes[(size_t)(group - 1U) * target.replica_count + i];
        }
    }
    for (uint32_t i = 0; i < config.voter_count; i++) {
        here = here || config.voters[i] == from->node;
    }
    *out = config_initial(&config);
    return here;
}

// The newest list of members, committed or not. False: it has none.
static bool config_read(const struct recover_store *from, group_id group, struct config *out) {
    struct key key = key_config();
    bytes value = BYTES_EMPTY;
    struct store_group log = store_group(from->store, group);
    bool found = !err_is(store_get(from->store, group, key_bytes(&key), &value)) &&
                 !err_is(config_take(value, out));
    for (log_index at = log.commit_index + 1; at <= log.last_index; at++) {
        struct store_entry entry;
        struct config newer;
        if (err_is(store_entry_read(from->store, group, at, &entry))) {
            continue;
        }
        value = store_payload_find(entry.payload, key_bytes(&key));
        if (value.data != NULL && !err_is(config_take(value, &newer))) {
            *out = newer;
            found = true;
        }
    }
    return found;
}

static void copy_read(
    const struct recover_store *from, group_id group, struct arena *arena, struct recover_copy *out
) {
    *out = (struct recover_copy){.log = store_group(from->store, group)};
    bool known = config_read(from, group, &out->config);
    if (!known && out->log.removed == 0) {
        known = founders_config(from, group, arena, &out->config);
    }
    const struct config_member *member = known ? config_find(&out->config, from->node) : NULL;
    bool of_this_store =
        member != NULL && (member->store == 0 || member->store == raft_store_number(from->store));
    bool has_rows = out->log.last_index > 0 || member != NULL;
    bool is_settled = store_installing(from->store, group) == STORE_INSTALL_NONE &&
                      !store_is_distrusted(from->store, group);
    out->replica = member == NULL ? 0 : member->replica;
    out->there = known && has_rows;
    // A list that this copy stands in no more is one that its node was taken out by: it lags, but
    // what it has is true.
    out->whole = out->there && is_settled && (of_this_store || member == NULL);
}

// --- epochs --------------------------------------------------------------------------------------

// One that a recovery which was cut short began with is kept.
static err epoch_find(struct recover_look *look, struct arena *arena) {
    uint32_t told = 0;
    uint32_t wanted = 0;
    uint32_t begun = 0;
    for (uint32_t group = 0; group < look->group_count; group++) {
        struct renewal_row row = {0};
        if (look->groups[group].fate == RECOVER_NOTHING) {
            continue;
        }
        struct store *store = look->stores[look->groups[group].best].store;
        if (group == CATALOG_GROUP) {
            struct cluster_row cluster;
            TRY(recover_cluster_row(store, arena, &cluster));
            told = cluster.stream_epoch;
            continue;
        }
        TRY(renewal_read(store, (group_id)group, arena, &row));
        wanted = row.wanted > wanted ? row.wanted : wanted;
        begun = renewal_is_due(&row) && row.wanted > begun ? row.wanted : begun;
    }
    uint32_t highest = wanted > told ? wanted : told;
    look->epoch = begun == highest && begun > told ? begun : highest + 1;
    return ERR_NONE;
}
