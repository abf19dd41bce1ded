#include "node/shell/standing.h"

#include "node/peer/address.h"

err standing_check_number(
    const struct config *config, const struct identity *identity, struct arena *arena
) {
    if (config->node_id == 0 || config->node_id == identity->node) {
        return ERR_NONE;
    }
    return err_make(
        ERR_CONFLICT,
        arena_format(
            arena,
            "the store '%s' is that of node %u, and node-id is %lld",
            config->store,
            (unsigned)identity->node,
            (long long)config->node_id
        )
    );
}

// --- what a store forbids
// ----------------------------------------------------------------------------

MUST_USE static err check_left(
    const struct config *config, const struct identity *identity, bool used, struct arena *arena
) {
    if (identity->state == IDENTITY_LEFT) {
        return err_make(
            ERR_CONFLICT,
            arena_format(
                arena,
                "node %u has left its cluster, and numbers are never used again: empty the folder "
                "'%s' and --join to come back as a new node",
                (unsigned)identity->node,
                config->store
            )
        );
    }
    if (identity->state == IDENTITY_MEMBER && !used) {
        const char *back = identity->joined
                               ? "--join as a new node and 'orpheus cluster replace' it"
                               : "start it as before: the others give it its copies";
        return err_make(
            ERR_CORRUPT,
            arena_format(
                arena,
                "the store of node %u in '%s' is gone, what it had promised with it. Empty the "
                "folder, "
                "then %s",
                (unsigned)identity->node,
                config->store,
                back
            )
        );
    }
    return ERR_NONE;
}

MUST_USE static err
check_list(const struct identity *identity, const struct members *list, struct arena *arena) {
    if (identity->state == IDENTITY_ASKS || identity->joined) {
        return err_make(
            ERR_INVALID,
            "--cluster is for the nodes that form a cluster, and this store's node joins one: take "
            "--cluster away"
        );
    }
    if (!id_equal(identity->cluster_id, list->cluster_id)) {
        char own[ID_TEXT_BYTES];
        char other[ID_TEXT_BYTES];
        id_format(identity->cluster_id, own);
        id_format(list->cluster_id, other);
        return err_make(
            ERR_CONFLICT,
            arena_format(
                arena,
                "this store belongs to the cluster %.*s; --cluster, --partitions and --replicas "
                "make "
                "%.*s. They say how a cluster was formed and never change: nodes are added with "
                "--join",
                (int)sizeof(own),
                own,
                (int)sizeof(other),
                other
            )
        );
    }
    return ERR_NONE;
}

// --- who forms, who asks
// -----------------------------------------------------------------------------

static void
form(const struct config *config, const struct members *list, struct identity *out_identity) {
    *out_identity = (struct identity){
        .state = IDENTITY_MEMBER,
        .cluster_id = list->cluster_id,
        .node = (uint16_t)(config->node_id > 0 ? config->node_id : 1),
        .partitions = (uint32_t)config->partitions,
        .replicas = (uint32_t)config->replicas,
    };
    for (size_t at = 0; at < list->count; at++) {
        const struct peers_member *member = &list->items[at];
        bytes address = bytes_from_text(member->address);
        (void)identity_list_put(&out_identity->first, (uint16_t)member->node_id, address);
    }
    out_identity->known = out_identity->first;
}

MUST_USE static err check_joining(const struct config *config, bool used, struct arena *arena) {
    struct address address;
    if (used) {
        return err_make(
            ERR_CONFLICT,
            arena_format(
                arena,
                "--join needs an empty store, and '%s' holds one of a node that was alone",
                config->store
            )
        );
    }
    if (!address_parse(config->cluster_address, &address)) {
        return err_make(
            ERR_INVALID,
            arena_format(
                arena,
                "--join needs --cluster-address, the HOST:PORT where other nodes reach this one; "
                "'%s' is none",
                config->cluster_address
            )
        );
    }
    return ERR_NONE;
}

err standing_find(
    const struct config *config,
    const struct members *list,
    bool used,
    struct arena *arena,
    struct identity *identity,
    enum standing *out_standing
) {
    bool joins = config->join[0] != '\0';
    if (joins && list->count > 0) {
        return err_make(
            ERR_INVALID, "--join is to enter a cluster, --cluster to form one: give one of them"
        );
    }
    TRY(check_left(config, identity, used, arena));
    if (list->count > 0 && identity->state == IDENTITY_NONE) {
        form(config, list, identity);
        *out_standing = STANDING_FORMS;
        return ERR_NONE;
    }
    if (list->count > 0) {
        TRY(check_list(identity, list, arena));
    }
    if (identity->state == IDENTITY_ADMITTED || identity->state == IDENTITY_MEMBER) {
        *out_standing = STANDING_GOES_ON;
        return standing_check_number(config, identity, arena);
    }
    if (identity->state == IDENTITY_ASKS && !joins) {
        return err_make(
            ERR_INVALID,
            arena_format(
                arena,
                "the node of the store '%s' was about to join a cluster: --join says which",
                config->store
            )
        );
    }
    *out_standing = joins ? STANDING_ASKS : STANDING_ALONE;
    return joins ? check_joining(config, used, arena) : ERR_NONE;
}
