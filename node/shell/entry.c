#include "node/shell/entry.h"

#include "node/shell/join.h"
#include "node/shell/links.h"
#include "node/shell/standing.h"
#include "node/shell/storage.h"

#include <string.h>
#include <sys/random.h>

// The number of a store that is not there yet, and which the cluster is told.
MUST_USE static err draw_store_id(struct identity *identity) {
    if (identity->state == IDENTITY_ASKS) {
        return ERR_NONE; // an earlier process drew it, and may have been answered
    }
    identity->state = IDENTITY_ASKS;
    if (getrandom(identity->store_id.bytes, sizeof(identity->store_id), 0) !=
        sizeof(identity->store_id)) {
        return err_make(ERR_IO, "the system gives no random bytes");
    }
    return ERR_NONE;
}

MUST_USE static err enter(
    const struct config *config,
    const struct log *log,
    struct arena *arena,
    struct identity *identity
) {
    TRY(links_check_key(config, arena)); // before the cluster hears of this node
    TRY(draw_store_id(identity));
    TRY(identity_save(config->store, identity, arena));
    log_line(log, LOG_INFO, "join_asks", "servers=%s", config->join);
    TRY(join_cluster(config, log, arena, identity));
    TRY(identity_save(config->store, identity, arena));
    log_line(
        log,
        LOG_INFO,
        "joined",
        "node_id=%u members=%zu partitions=%u",
        (unsigned)identity->node,
        identity->known.count,
        (unsigned)identity->partitions
    );
    return standing_check_number(config, identity, arena);
}

err entry_find(
    const struct config *config,
    const struct log *log,
    struct arena *arena,
    struct identity *out_identity
) {
    struct members list;
    enum standing standing = STANDING_ALONE;
    TRY(members_read(config, arena, &list));
    TRY(identity_load(config->store, arena, out_identity));
    bool used = storage_exists(config, arena);
    TRY(standing_find(config, &list, used, arena, out_identity, &standing));
    if (standing == STANDING_ASKS) {
        return enter(config, log, arena, out_identity);
    }
    return standing == STANDING_ALONE ? ERR_NONE : links_check_key(config, arena);
}

err entry_settle(
    const struct config *config,
    const struct store *store,
    struct arena *arena,
    struct identity *identity
) {
    id128 store_id;
    if (identity->state == IDENTITY_NONE) {
        return ERR_NONE;
    }
    store_identity(store, store_id.bytes);
    if (!id_is_zero(identity->store_id) && !id_equal(identity->store_id, store_id)) {
        return err_make(
            ERR_CORRUPT,
            arena_format(
                arena,
                "the store in '%s' is not the one that node %u promised with: 'identity' beside it "
                "is of another",
                config->store,
                (unsigned)identity->node
            )
        );
    }
    identity->store_id = store_id;
    identity->state = IDENTITY_MEMBER;
    return identity_save(config->store, identity, arena);
}
