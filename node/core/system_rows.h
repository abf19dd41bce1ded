// The rows of the system group that say who is a member and where replicas belong (distributed.md
// §2, §12); keys are storage/keys.h's. Definitions, the other rows of that group, are
// scheduler/definition's. Pure. Thread: any.
#pragma once

#include "proto/wire/wire.h"

// What a member is to the cluster. The numbers are stored.
enum member_state {
    MEMBER_UNKNOWN = 0,  // stands in a list of the configuration, but has no row yet
    MEMBER_JOINING = 1,  // has an id; not here yet, or does not have all rows of the system group
    MEMBER_ACTIVE = 2,   // holds replicas
    MEMBER_DRAINING = 3, // gives its replicas away
    MEMBER_LEFT = 4,     // for good: its id is never given again, so the row stays
    MEMBER_DEAD = 5      // was silent for too long: its replicas are made anew elsewhere
};

#define MEMBER_ROW_FIELDS(FIELD)                                             \
    FIELD(1, TEXT, address)     /* host:port of its links and its gossip */  \
    FIELD(2, TEXT, api_address) /* host:port where it answers clients */     \
    FIELD(3, TEXT, zone)        /* equal names fail together; empty: none */ \
    FIELD(4, U32, weight)       /* of its share of replicas */               \
    FIELD(5, ID, store_id)      /* zero: not known yet */                    \
    FIELD(6, U16, release_low)  /* versions of messages that it speaks */    \
    FIELD(7, U16, release_high)                                              \
    FIELD(8, U8, state)                                                      \
    FIELD(9, I64, since_ms) /* when it came to this state */                 \
    FIELD(10, BOOL, leaves) /* draining: to be a member no more */           \
    FIELD(11, BOOL, forced) /* although copies are lost by that */
WIRE_STRUCT(member_row, MEMBER_ROW_FIELDS);

// Nodes, the preferred leader first. The group's leader makes the voters so; one step after the
// other brings them to the target.
#define PARTITION_ROW_FIELDS(FIELD) \
    FIELD(1, U32_LIST, voters)      \
    FIELD(2, U32_LIST, target)      \
    FIELD(3, U64, revision) /* rises with every change */
WIRE_STRUCT(partition_row, PARTITION_ROW_FIELDS);

#define CLUSTER_ROW_FIELDS(FIELD)                                                 \
    FIELD(1, U32, version)      /* of rows and messages that all members know */  \
    FIELD(2, U32, next_node)    /* the next id of a member */                     \
    FIELD(3, U32, copies)       /* wanted of every partition */                   \
    FIELD(4, U32, partitions)   /* without the system group */                    \
    FIELD(5, U64, placed)       /* hash of what the targets were computed from */ \
    FIELD(6, U32, stream_epoch) /* rises when a partition was recovered */
WIRE_STRUCT(cluster_row, CLUSTER_ROW_FIELDS);

// `joining`, `active` …; `unknown` for a number of a later release.
const char *member_state_name(uint8_t state);
