// The cluster as the configuration lists it: `1=host:port,2=host:port`. Every node must have the
// same list; its hash is the cluster's id, so nodes whose lists differ never talk.
#pragma once

#include "node/config.h"
#include "node/peer/peers.h"
#include "proto/base/arena.h"
#include "proto/base/err.h"
#include "proto/base/id.h"

struct members {
    struct peers_member *items; // by node id, ascending
    uint16_t *ids;              // of them
    size_t count;               // 0: this node is alone
    id128 cluster_id;           // zero when alone
};

// Texts live in `arena`. Errors: ERR_INVALID, naming the entry and what is allowed.
MUST_USE err
members_read(const struct config *config, struct arena *arena, struct members *out_members);
