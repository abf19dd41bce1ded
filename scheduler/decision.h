// What a command may touch while it decides: rows of one group, the catalog, time and chance that
// came with the event, memory that dies with the answer.
#pragma once

#include "proto/api/model.h"
#include "proto/base/arena.h"
#include "proto/base/bytes.h"
#include "proto/base/err.h"
#include "proto/base/random.h"
#include "proto/base/time.h"
#include "proto/wire/wire.h"
#include "scheduler/definition/definition.h"
#include "storage/store.h"

// Set once from the configuration (rest-api.md §21).
struct scheduler_settings {
    uint32_t group_count; // partitions are groups 1 … group_count-1; group 0 is the system's
    bool owner_email_mandatory; // ownerEmail checks
    bool name_validation;       // workflow name character set
    bytes server_name;          // workerId of what the server runs itself
};

struct decision {
    struct store *store;   // reads of the catalog (group 0), committed or not
    struct store_txn *txn; // the rows of the command's own group; all writes go here
    struct arena *arena;   // reply and everything in between
    wall_time now;         // partition time of the entry to be
    struct random *random;
    struct definition_cache *definitions;
    const struct scheduler_settings *settings;
};

enum reply_kind {
    REPLY_VOID,
    REPLY_TEXT,
    REPLY_JSON,
};

// A successful answer. An error answer is the command's `err`: its transaction is then aborted.
struct reply {
    uint16_t status; // 200, 204 …
    enum reply_kind kind;
    bytes body; // in the decision's arena
};

// The partition of an execution or task id (distributed.md §2): its slot modulo the partitions,
// plus 1.
group_id decision_group_of(const struct scheduler_settings *settings, bytes id);
