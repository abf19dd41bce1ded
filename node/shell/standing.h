// What a process is when it starts, from its settings and its store: alone, one that forms a
// cluster, one that goes on as what it was, or one that has to ask to be let in. Everything that
// does not fit is refused in words for who reads them at night. Pure; thread: any.
#pragma once

#include "node/config.h"
#include "node/shell/identity.h"
#include "node/shell/members.h"

enum standing {
    STANDING_ALONE,   // no cluster, now and ever
    STANDING_FORMS,   // the list's cluster, for the first time
    STANDING_GOES_ON, // as its store says
    STANDING_ASKS,    // a cluster of --join, before anything else
};

// `list`: what --cluster lists, maybe nothing. `used`: the store's folder holds a store.
// `identity`: as the store's folder has it; of one that forms, filled in; of one that asks, all but
// the store's number. Errors: ERR_INVALID (a setting is wrong), ERR_CONFLICT, ERR_CORRUPT (the
// store is another's, or not what it was); texts in `arena`.
MUST_USE err standing_find(
    const struct config *config,
    const struct members *list,
    bool used,
    struct arena *arena,
    struct identity *identity,
    enum standing *out_standing
);

// Whether the setting node-id, where it is given, is the number of this node. Errors: ERR_CONFLICT.
MUST_USE err standing_check_number(
    const struct config *config, const struct identity *identity, struct arena *arena
);
