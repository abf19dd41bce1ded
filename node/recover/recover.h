// Groups that lost their majority for good go on with what survived (distributed.md §12, quorum
// loss). Never by itself: a person says which stores are left, and that the others will not come
// back.
//
//   recover_look     what each store has of each group, and which groups cannot go on
//   recover_force    for those: the best log that is left becomes the group's, as it stands, with
//                    its node as the only voter under a number that was never given; and what its
//                    neighbours have to put right after that (scheduler/renewal.h) is noted
//
// The best log is the one that a candidate would have won with: the highest term of its last entry,
// then the most entries (Raft §5.4.1). All that is forced in one store is one batch of its log, so
// it is there as a whole or not at all; the system group's store comes last. So a recovery that was
// cut short is begun again and comes to the same end.
//
// The stores are open and belong to the caller; no node runs on them. Pure. Blocks as a batch does.
#pragma once

#include "node/core/founding.h"
#include "node/raft/config.h"
#include "proto/base/id.h"
#include "storage/store.h"

enum {
    RECOVER_STORES_MAX = 16
};

// A store that is left.
struct recover_store {
    const char *name; // for people: its folder
    node_id node;
    struct store *store;
    id128 cluster_id;
    uint32_t group_count;
    struct founders founders; // none: its node joined
};

// What one store has of a group.
struct recover_copy {
    bool there;
    bool whole;       // its rows are of one moment, and it knows the members
    uint64_t replica; // its number; 0: not known
    struct store_group log;
    struct config config; // the newest of its log
};

enum recover_fate {
    RECOVER_LIVES,  // a majority of its voters is among the stores
    RECOVER_LOST,   // none is, but a copy
    RECOVER_NOTHING // not even that
};

struct recover_group {
    enum recover_fate fate;
    uint32_t best; // of the stores, unless NOTHING
    // What is lost with the others may have been acknowledged: those who are not here were enough
    // to commit it. False: nothing that was acknowledged is lost.
    bool may_lack;
    bool led; // the best copy led in the newest term it knows
};

struct recover_look {
    const struct recover_store *stores;
    uint32_t store_count;
    uint32_t group_count;
    struct recover_group *groups;
    struct recover_copy *copies; // [group * store_count + store]
    uint32_t lost_count;         // groups of either fate
    uint32_t nothing_count;
    uint32_t epoch; // that streams begin with after it
};

// Everything lives in `arena`. Errors: ERR_CONFLICT (stores that do not belong together), and what
// reading them may give.
MUST_USE err recover_look(
    const struct recover_store *stores,
    uint32_t store_count,
    struct arena *arena,
    struct recover_look *out_look
);

const struct recover_copy *
recover_copy_of(const struct recover_look *look, uint32_t group, uint32_t store);

// Forces the lost groups. Those that live are not touched, nor are stores that have the best copy
// of none. Errors: ERR_CONFLICT (none is lost, or the system group has no copy left), ERR_IO,
// ERR_FULL: the store's disk; run again when that is mended.
MUST_USE err recover_force(const struct recover_look *look, wall_time now, struct arena *arena);

// What recover_look found, as lines for people. `details`: all copies of all groups.
void recover_say(const struct recover_look *look, bool details, struct buffer *out);

// What may be lost of the groups that recover_force would force.
void recover_say_bound(const struct recover_look *look, wall_time now, struct buffer *out);
