// The forced entries. Numbers of replicas go by generations of 2^32: what the lost majority may
// have given out meanwhile is below, so whatever of it comes back is out for ever, by the same rule
// as any replica that was taken out (config_is_removed). Weighed: counting on from the highest
// number known here; the lost ones may have counted on, too, and one of theirs would be one of
// ours.
#include "node/core/system_rows.h"
#include "node/recover/recover_internal.h"
#include "proto/base/check.h"
#include "proto/base/mutant.h"
#include "proto/limits.h"
#include "scheduler/definition/catalog.h"
#include "scheduler/rows.h"
#include "storage/keys.h"

enum {
    GENERATION_SHIFT = 32,
    // Above the terms that others may have come to meanwhile: none of ours is one of theirs.
    TERMS_SKIPPED = 1 << 20
};

struct forcing {
    const struct recover_look *look;
    wall_time now;
    struct arena *arena;
};

static err store_force(const struct forcing *forcing, uint32_t at);
static err group_force(const struct forcing *forcing, uint32_t group);
static err system_write(const struct forcing *forcing, struct store_txn *txn);
static err batch_write(struct store *store);
static err checkpoint_all(struct store *store);

err recover_force(const struct recover_look *look, wall_time now, struct arena *arena) {
    const struct forcing forcing = {look, now, arena};
    uint32_t last = look->groups[CATALOG_GROUP].best;
    if (look->lost_count == 0) {
        return err_make(
            ERR_CONFLICT,
            "every partition has a majority among these stores: nothing is to be recovered, start "
            "their nodes"
        );
    }
    if (look->groups[CATALOG_GROUP].fate == RECOVER_NOTHING) {
        return err_make(
            ERR_CONFLICT,
            "no store has a whole copy of the system group, which says who is a member and holds "
            "the definitions: restore the newest backup into a new cluster"
        );
    }
    for (uint32_t at = 0; at < look->store_count; at++) {
        if (at != last) {
            TRY(store_force(&forcing, at));
        }
    }
    return store_force(&forcing, last);
}

static bool is_forced(const struct recover_look *look, uint32_t group, uint32_t at) {
    return look->groups[group].fate == RECOVER_LOST && look->groups[group].best == at;
}

static err store_force(const struct forcing *forcing, uint32_t at) {
    struct store *store = forcing->look->stores[at].store;
    bool some = false;
    for (uint32_t group = 0; group < forcing->look->group_count; group++) {
        some = some || is_forced(forcing->look, group, at);
    }
    if (!some) {
        return ERR_NONE;
    }
    TRY(checkpoint_all(store)); // room in memory for what comes
    for (uint32_t group = 0; group < forcing->look->group_count; group++) {
        if (is_forced(forcing->look, group, at)) {
            TRY(group_force(forcing, group));
        }
    }
    return batch_write(store);
}

// --- one group -----------------------------------------------------------------------------------

// Its node alone, as a replica that never was.
static struct config forced_config(const struct forcing *forcing, uint32_t group) {
    const struct recover_look *look = forcing->look;
    uint32_t best = look->groups[group].best;
    uint64_t highest = 0;
    for (uint32_t at = 0; at < look->store_count; at++) {
        const struct config *config = &recover_copy_of(look, group, at)->config;
        highest = config->next_replica > highest ? config->next_replica : highest;
    }
    uint64_t number = ((highest >> GENERATION_SHIFT) + 1) << GENERATION_SHIFT;
    check(number < INT64_MAX);
    struct config config = {
        .index = recover_copy_of(look, group, best)->log.last_index + 1,
        .next_replica = number + 1,
        .preferred = look->stores[best].node,
        .count = 1,
    };
    config.members[0] = (struct config_member){
        .node = look->stores[best].node,
        .replica = number,
        .store = raft_store_number(look->stores[best].store),
        .votes = CONFIG_VOTER,
    };
    if (mutant_is("lost_replicas_stay")) {
        const struct recover_copy *copy = recover_copy_of(look, group, best);
        uint64_t index = config.index;
        config = copy->config;
        config.index = index;
        for (uint32_t i = 0; i < config.count; i++) {
            bool own = config.members[i].node == look->stores[best].node;
            config.members[i].votes = own ? CONFIG_VOTER : 0;
        }
    }
    return config;
}

static uint64_t forced_term(const struct recover_look *look, uint32_t group) {
    uint64_t highest = 0;
    for (uint32_t at = 0; at < look->store_count; at++) {
        uint64_t term = recover_copy_of(look, group, at)->log.term;
        highest = term > highest ? term : highest;
    }
    return highest + TERMS_SKIPPED;
}

static void config_write(struct store_txn *txn, const struct config *config) {
    struct buffer value;
    struct key key = key_config();
    buffer_init(&value, CONFIG_BYTES_MAX);
    config_put(config, &value);
    store_txn_put(txn, key_bytes(&key), buffer_bytes(&value));
    buffer_deinit(&value);
}

static err renewal_write(const struct forcing *forcing, struct store_txn *txn) {
    struct key key = key_renewal();
    struct renewal_row row = {0};
    err read = row_get(txn, &key, &renewal_row_record, forcing->arena, &row);
    if (read.code != ERR_NOT_FOUND) {
        TRY(read);
    }
    row.wanted = forcing->look->epoch;
    row_put(txn, &key, &renewal_row_record, &row);
    return ERR_NONE;
}

// Its log is the truth from now on, to its last entry.
static err group_force(const struct forcing *forcing, uint32_t group) {
    const struct recover_look *look = forcing->look;
    const struct recover_store *from = &look->stores[look->groups[group].best];
    const struct store_group log = recover_copy_of(look, group, look->groups[group].best)->log;
    struct config config = forced_config(forcing, group);
    uint64_t term = forced_term(look, group);
    store_commit(from->store, (group_id)group, log.last_index);
    (void)store_hard_state(from->store, (group_id)group, term, from->node);
    struct store_txn *txn = NULL;
    TRY(store_txn_begin(from->store, (group_id)group, &txn));
    config_write(txn, &config);
    err written = group == CATALOG_GROUP ? system_write(forcing, txn) : renewal_write(forcing, txn);
    if (err_is(written)) {
        store_txn_abort(&txn);
        return written;
    }
    log_index index = 0;
    log_lsn lsn = 0;
    store_txn_commit(&txn, term, log.time_ms, &index, &lsn);
    check(index == config.index);
    store_commit(from->store, (group_id)group, index);
    return ERR_NONE;
}

// --- the system group's rows ---------------------------------------------------------------------

err recover_cluster_row(struct store *store, struct arena *arena, struct cluster_row *out_row) {
    struct key key = key_version();
    bytes value = BYTES_EMPTY;
    *out_row = (struct cluster_row){0};
    err read = store_get(store, CATALOG_GROUP, key_bytes(&key), &value);
    if (read.code == ERR_NOT_FOUND) {
        return ERR_NONE;
    }
    TRY(read);
    return wire_decode(&cluster_row_record, arena_copy(arena, value), arena, out_row);
}

static bool is_left(const struct recover_look *look, uint32_t node) {
    for (uint32_t at = 0; at < look->store_count; at++) {
        if (look->stores[at].node == node) {
            return true;
        }
    }
    return false;
}

// Who is not among the stores has left: its number is never given again, and nothing waits for it.
static err members_write(const struct forcing *forcing, struct store_txn *txn, uint32_t next_node) {
    for (uint32_t node = 1; node < next_node; node++) {
        struct key key = key_node(node);
        struct member_row row = {0};
        err read = row_get(txn, &key, &member_row_record, forcing->arena, &row);
        if (read.code == ERR_NOT_FOUND) {
            continue;
        }
        TRY(read);
        if (!is_left(forcing->look, node) && row.state != MEMBER_LEFT) {
            row.state = MEMBER_LEFT;
            row.since_ms = forcing->now.ms;
            row_put(txn, &key, &member_row_record, &row);
        }
    }
    return ERR_NONE;
}

// The mover goes on from what there is: one copy of each.
static err partitions_write(const struct forcing *forcing, struct store_txn *txn) {
    const struct recover_look *look = forcing->look;
    for (uint32_t group = 1; group < look->group_count; group++) {
        struct key key = key_partition((uint16_t)group);
        struct partition_row row = {0};
        err read = row_get(txn, &key, &partition_row_record, forcing->arena, &row);
        if (read.code == ERR_NOT_FOUND || look->groups[group].fate != RECOVER_LOST) {
            continue;
        }
        TRY(read);
        uint32_t *node = ARENA_NEW(forcing->arena, uint32_t);
        *node = look->stores[look->groups[group].best].node;
        row.voters = row.target = (struct wire_u32_list){node, 1};
        row.revision++;
        row_put(txn, &key, &partition_row_record, &row);
    }
    return ERR_NONE;
}

static err system_write(const struct forcing *forcing, struct store_txn *txn) {
    struct key key = key_version();
    struct cluster_row cluster = {0};
    err read = row_get(txn, &key, &cluster_row_record, forcing->arena, &cluster);
    if (read.code == ERR_NOT_FOUND) {
        return ERR_NONE; // it was never founded: its first leader does that
    }
    TRY(read);
    TRY(members_write(forcing, txn, cluster.next_node));
    TRY(partitions_write(forcing, txn));
    cluster.placed = 0; // the targets are computed anew
    cluster.stream_epoch = forcing->look->epoch;
    row_put(txn, &key, &cluster_row_record, &cluster);
    return ERR_NONE;
}

// --- the disk ------------------------------------------------------------------------------------

static err batch_write(struct store *store) {
    struct store_batch *batch = store_batch_begin(store);
    if (batch != NULL) {
        TRY(store_batch_write(batch));
        (void)store_batch_end(store, &batch);
    }
    return ERR_NONE;
}

static err checkpoint_all(struct store *store) {
    TRY(batch_write(store));
    for (;;) {
        struct store_checkpoint *checkpoint = store_checkpoint_begin(store, (mono_time){0}, true);
        if (checkpoint == NULL) {
            return ERR_NONE;
        }
        TRY(store_checkpoint_write(checkpoint));
        store_checkpoint_end(store, &checkpoint);
    }
}
