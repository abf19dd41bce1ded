// Who the node of a store is: its number and cluster, and the nodes it knew last. Kept in the
// store's folder as a file for people to read, so that a restart needs no flag and a store never
// speaks for another node than its own.
//
//              --join                  the cluster answered            the store was made
//      NONE ────────────► ASKS ─────────────────────► ADMITTED ─────────────────────► MEMBER
//        │                                                                              ▲ │
//        └──────────────────────────── --cluster ───────────────────────────────────────┘ ▼
//                                                                      it was removed:  LEFT
//
// Thread: any, one at a time.
#pragma once

#include "proto/base/arena.h"
#include "proto/base/attr.h"
#include "proto/base/buffer.h"
#include "proto/base/bytes.h"
#include "proto/base/err.h"
#include "proto/base/id.h"
#include "proto/limits.h"

#define IDENTITY_STATES(X)  \
    X(NONE, "none")         \
    X(ASKS, "asks")         \
    X(ADMITTED, "admitted") \
    X(MEMBER, "member")     \
    X(LEFT, "left")

enum identity_state {
#define IDENTITY_STATE_ENUM(name, word) IDENTITY_##name,
    IDENTITY_STATES(IDENTITY_STATE_ENUM)
#undef IDENTITY_STATE_ENUM
    IDENTITY_STATE_COUNT
};

struct identity_node {
    uint16_t node;                                // from 1
    char address[LIMIT_GOSSIP_ADDRESS_BYTES + 1]; // host:port of links and gossip
};

struct identity_list {
    size_t count;
    struct identity_node items[LIMIT_NODES]; // by node, ascending
};

struct identity {
    enum identity_state state;
    bool joined;      // a cluster that stood took it in; else it formed its cluster
    id128 store_id;   // of one that asks or is admitted; zero: the store has its own
    id128 cluster_id; // zero: asks still
    uint16_t node;
    uint32_t partitions;
    uint32_t replicas;
    struct identity_list first; // the list that formed the cluster, or the answer to who joined
    struct identity_list known; // the members as last told
};

// The node is a member of the list at `address`. Whether that is new, and there was room.
bool identity_list_put(struct identity_list *list, uint16_t node, bytes address);

// It is none. Whether it was one.
bool identity_list_drop(struct identity_list *list, uint16_t node);

// Appends the file's text, which identity_parse reads.
void identity_print(const struct identity *identity, struct buffer *out);

// Errors: ERR_CORRUPT with a text in `arena` that quotes the line.
MUST_USE err identity_parse(bytes text, struct arena *arena, struct identity *out_identity);

// Reads the file of a store's folder; without one the state is NONE. Errors: ERR_CORRUPT, ERR_IO;
// texts in `arena`.
MUST_USE err identity_load(const char *folder, struct arena *arena, struct identity *out_identity);

// Replaces the file, durably; makes the folder if need be. Errors: ERR_IO.
MUST_USE err
identity_save(const char *folder, const struct identity *identity, struct arena *arena);
