// Who is at the other end: what each says first on a connection, and what is wrong with it.
#pragma once

#include "node/peer/link/frame.h"
#include "node/peer/link/seal.h"
#include "proto/base/arena.h"
#include "proto/wire/wire.h"

// Tags are never reused; later releases add fields.
#define LINK_HELLO_FIELDS(FIELD) \
    FIELD(1, U32, from)          \
    FIELD(2, U32, to)            \
    FIELD(3, ID, store_uuid)     \
    FIELD(4, U64, incarnation)   \
    FIELD(5, U16, release_low)   \
    FIELD(6, U16, release_high)  \
    FIELD(7, TEXT, release)      \
    FIELD(8, TEXT, nonce)        \
    FIELD(9, BOOL, plain)
WIRE_STRUCT(link_hello, LINK_HELLO_FIELDS);

enum {
    LINK_HELLO_BYTES_MAX = 512,
    LINK_REFUSAL_FRAME_BYTES = LINK_FRAME_PREFIX_BYTES + 1,
};

// Why a connection is refused: name in logs, what it means to who reads them.
#define LINK_FAULTS(X)                                                                          \
    X(NONE, "", "")                                                                             \
    X(FORM, "form", "it does not speak as our releases do")                                     \
    X(CLUSTER, "cluster_id", "it belongs to another cluster, or its list of members differs")   \
    X(NODE, "node_id", "it is another node than the one at this address, or looks for another") \
    X(SECURITY, "security", "one end is plain and the other is not")                            \
    X(RELEASE, "release", "no version of messages is spoken by both")                           \
    X(INCARNATION, "incarnation", "a later process of that node is known")                      \
    X(STORE, "store_uuid", "the same incarnation was seen with another store")                  \
    X(KEY, "key", "its cluster key is another one")                                             \
    X(SILENT, "silent", "it did not prove itself in time")                                      \
    X(REFUSES, "refuses", "the other end refuses us")                                           \
    X(TWICE, "twice", "another process of that node is connected")                              \
    X(MEMBER, "no_member", "it is no member of this cluster, not yet or no more")

enum link_fault {
#define LINK_FAULT_ENUM(name, word, meaning) LINK_FAULT_##name,
    LINK_FAULTS(LINK_FAULT_ENUM)
#undef LINK_FAULT_ENUM
    LINK_FAULT_COUNT
};

// The name and meaning in the table.
const char *link_fault_name(enum link_fault fault);
const char *link_fault_meaning(enum link_fault fault);

// This end, as a link says it.
struct link_identity {
    id128 cluster_id;
    uint32_t node_id;
    id128 store_uuid;
    uint64_t incarnation;
    uint16_t release_low;
    uint16_t release_high;
    bytes release;
    bool plain;
};

// Appends the frame that says who we are to node `to`. `nonce` is LINK_NONCE_BYTES.
void link_hello_put(struct buffer *out, const struct link_identity *self, uint32_t to, bytes nonce);

// Which node a hello says it is from; nothing else of it is looked at. False: not a hello.
MUST_USE bool link_hello_peek(bytes frame, uint32_t *out_from);

// The frame that tells the other end why it is refused.
void link_refusal_put(uint8_t out[LINK_REFUSAL_FRAME_BYTES], enum link_fault fault);

// Reads the frame that node `from` sent to us. The cluster is compared before anything is parsed.
// A fault: `*out_detail` says what is theirs and what is ours, in `arena`, as fields of a log line.
// None:
// `*out_hello` borrows from the frame.
MUST_USE enum link_fault link_hello_take(
    bytes frame,
    const struct link_identity *self,
    uint32_t from,
    struct arena *arena,
    struct link_hello *out_hello,
    const char **out_detail
);
