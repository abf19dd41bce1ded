// What nodes say to each other, beside Raft's frames: one byte of kind, then a record of
// proto/wire, or the frame. Fields may be added (unknown tags are skipped), never given another
// meaning. Pure. Thread: any.
#pragma once

#include "proto/base/arena.h"
#include "proto/base/buffer.h"
#include "proto/wire/wire.h"

enum peer_message_kind {
    PEER_RAFT = 1,
    PEER_FORWARD,      // run this request on groups you lead
    PEER_ANSWER,       // what came of it
    PEER_DELIVERY,     // the tasks in your answer reached their worker, or did not
    PEER_INTEREST,     // polls of this queue wait at my place
    PEER_HINT,         // this queue has tasks at mine
    PEER_STREAM,       // a message from a group I lead to one that you lead
    PEER_STREAM_ACK,   // such messages were applied up to here
    PEER_APPLIED,      // I have applied the catalog up to here, and ask for a lease
    PEER_POLLED,       // somebody polled this queue (soft)
    PEER_CATALOG,      // a lease: the catalog is committed up to here
    PEER_LEADS,        // I lead this group: for nodes that have no copy of it (soft)
    PEER_FITNESS,      // how fit I am to hold more and to lead (soft)
    PEER_RAFT_STAMPED, // a stamp of clocks, then a frame of Raft
    PEER_RIDERS,       // small messages, then one of the two that hold a frame (riders.h)
    PEER_REPORT,       // how the groups are that I lead, and I myself (soft)
    PEER_PROGRESS,     // I lead the system group: how far moves are (soft)
    PEER_OUTSIDE,      // my replica is said to be no member: is that so?
    PEER_CONFIRMED,    // it is so, read with a majority behind it
    PEER_ATTEST,       // the hash of my copy of a group, or: yours is wrong (attest.h)
    PEER_PART,         // more of an answer that was too large for one message
    PEER_WANT,         // that answer's next part, please, or no more
    PEER_MESSAGE_KINDS
};

// A request as the front door read it, with what was chosen for it.
#define PEER_FORWARD_FIELDS(FIELD)                                                        \
    FIELD(1, U64, call)                                                                   \
    FIELD(2, TEXT, method)                                                                \
    FIELD(3, TEXT_LIST, segments)                                                         \
    FIELD(4, TEXT_LIST, parameters) /* name, value, name, value … */                    \
    FIELD(5, TEXT, body)                                                                  \
    FIELD(6, ID, chosen_id)                                                               \
    FIELD(7, TEXT, aim)                                                                   \
    FIELD(8, BOOL, scoped)                                                                \
    FIELD(9, U32_LIST, groups) /* of a scoped one: exactly these, all led by you */       \
    FIELD(10, U64, catalog)    /* the catalog's index that the asking node has applied */ \
    FIELD(11, BOOL, parts)     /* its answer may come in parts */
WIRE_STRUCT(peer_forward, PEER_FORWARD_FIELDS);

enum peer_outcome {
    PEER_ANSWERED,
    PEER_NOT_LEADER, // nothing was done; `leader` may know better
    PEER_UNKNOWN,    // leadership ended meanwhile: it may or may not have been done
};

#define PEER_ANSWER_FIELDS(FIELD)                                    \
    FIELD(1, U64, call)                                              \
    FIELD(2, U8, outcome)                                            \
    FIELD(3, U16, status)                                            \
    FIELD(4, U8, reply_kind)                                         \
    FIELD(5, BOOL, retry_after)                                      \
    FIELD(6, BOOL, with_tasks)                                       \
    FIELD(7, TEXT, body)                                             \
    FIELD(8, U16, leader)                                            \
    FIELD(9, BOOL, old_definitions)                                  \
    FIELD(10, BOOL, more) /* parts follow, each when it is wanted */ \
    FIELD(11, U64, total) /* bytes of all of them; 0: not known */
WIRE_STRUCT(peer_answer, PEER_ANSWER_FIELDS);

// The answer itself is part 0.
#define PEER_PART_FIELDS(FIELD) \
    FIELD(1, U64, call)         \
    FIELD(2, U32, number)       \
    FIELD(3, TEXT, body)        \
    FIELD(4, BOOL, last)        \
    FIELD(5, BOOL, broken) /* and there will be no more: it is not whole */
WIRE_STRUCT(peer_part, PEER_PART_FIELDS);

#define PEER_WANT_FIELDS(FIELD)                                              \
    FIELD(1, U64, call)                                                      \
    FIELD(2, U32, number)                                                    \
    FIELD(3, BOOL, later) /* not yet: its reader is slow, but still there */ \
    FIELD(4, BOOL, over)  /* all parts came */
WIRE_STRUCT(peer_want, PEER_WANT_FIELDS);

#define PEER_DELIVERY_FIELDS(FIELD) \
    FIELD(1, U64, call)             \
    FIELD(2, BOOL, gone)
WIRE_STRUCT(peer_delivery, PEER_DELIVERY_FIELDS);

#define PEER_INTEREST_FIELDS(FIELD) \
    FIELD(1, TEXT, type)            \
    FIELD(2, TEXT, domain)          \
    FIELD(3, U32, polls)
WIRE_STRUCT(peer_interest, PEER_INTEREST_FIELDS);

#define PEER_HINT_FIELDS(FIELD) \
    FIELD(1, U64, queue)        \
    FIELD(2, U32, count)
WIRE_STRUCT(peer_hint, PEER_HINT_FIELDS);

#define PEER_STREAM_FIELDS(FIELD) \
    FIELD(1, U16, source)         \
    FIELD(2, U16, destination)    \
    FIELD(3, U64, sequence)       \
    FIELD(4, TEXT, message)       \
    FIELD(5, U64, mark) /* the newest backup's that the sender has heard of */
WIRE_STRUCT(peer_stream, PEER_STREAM_FIELDS);

#define PEER_APPLIED_FIELDS(FIELD)               \
    FIELD(1, U64, index)                         \
    FIELD(2, U64, asked) /* the asker's clock */ \
    FIELD(3, BOOL, calm) /* its lease lasts: the answer may wait for company */
WIRE_STRUCT(peer_applied, PEER_APPLIED_FIELDS);

#define PEER_CATALOG_FIELDS(FIELD) \
    FIELD(1, U64, index)           \
    FIELD(2, U64, asked) /* as it was in the asking */
WIRE_STRUCT(peer_catalog, PEER_CATALOG_FIELDS);

#define PEER_POLLED_FIELDS(FIELD) \
    FIELD(1, TEXT, type)          \
    FIELD(2, TEXT, domain)        \
    FIELD(3, TEXT, worker)
WIRE_STRUCT(peer_polled, PEER_POLLED_FIELDS);

#define PEER_LEADS_FIELDS(FIELD) \
    FIELD(1, U16, group)         \
    FIELD(2, U64, term)
WIRE_STRUCT(peer_leads, PEER_LEADS_FIELDS);

#define PEER_FITNESS_FIELDS(FIELD)      \
    FIELD(1, U8, room) /* room_level */ \
    FIELD(2, U16, used_permille)        \
    FIELD(3, BOOL, slow)                \
    FIELD(4, BOOL, clock_sick)
WIRE_STRUCT(peer_fitness, PEER_FITNESS_FIELDS);

// A group as its leader has it.
#define PEER_TRUTH_FIELDS(FIELD)                                                  \
    FIELD(1, U16, group)                                                          \
    FIELD(2, U64, term)                                                           \
    FIELD(3, U64, config)    /* the entry that says so */                         \
    FIELD(4, BOOL, changing) /* its members are not yet those it was asked for */ \
    FIELD(5, U32_LIST, voters)                                                    \
    FIELD(6, U32_LIST, learners)
WIRE_STRUCT(peer_truth, PEER_TRUTH_FIELDS);

#define PEER_REPORT_FIELDS(FIELD)                                           \
    FIELD(1, TEXT_LIST, truths) /* of the groups the sender leads */        \
    FIELD(2, TEXT, api_address)                                             \
    FIELD(3, TEXT, zone)                                                    \
    FIELD(4, U32, weight)                                                   \
    FIELD(5, BOOL, busy)        /* has no strength for moves now */         \
    FIELD(6, U64, moved_bytes)  /* of snapshots it sent, since its start */ \
    FIELD(7, U32, stream_epoch) /* that a recovered group it leads is to enter */
WIRE_STRUCT(peer_report, PEER_REPORT_FIELDS);

#define PEER_PROGRESS_FIELDS(FIELD)                                         \
    FIELD(1, U32, done) /* replicas made since there was nothing to move */ \
    FIELD(2, U32, left)                                                     \
    FIELD(3, U32, moving) /* of them */                                     \
    FIELD(4, BOOL, paused)                                                  \
    FIELD(5, U64, running_ms)                                               \
    FIELD(6, U64, bytes_per_second)
WIRE_STRUCT(peer_progress, PEER_PROGRESS_FIELDS);

// The answer has the same fields.
#define PEER_OUTSIDE_FIELDS(FIELD) \
    FIELD(1, U16, group)           \
    FIELD(2, U64, replica)         \
    FIELD(3, BOOL, system) /* asked of, or said by, the system group's leader */
WIRE_STRUCT(peer_outside, PEER_OUTSIDE_FIELDS);

#define PEER_ATTEST_FIELDS(FIELD)                               \
    FIELD(1, U16, group)                                        \
    FIELD(2, U64, index)                                        \
    FIELD(3, U64, high)                                         \
    FIELD(4, U64, low)                                          \
    FIELD(5, U64, term)                                         \
    FIELD(6, BOOL, verdict) /* a leader's: the copy is wrong */ \
    FIELD(7, BOOL, rotten)  /* a follower's: the rows of mine are, whatever the hash */
WIRE_STRUCT(peer_attest, PEER_ATTEST_FIELDS);

// Appends kind and record.
void peer_message_write(
    enum peer_message_kind kind,
    const struct wire_record *record,
    const void *value,
    struct buffer *out
);

// Splits a message. Errors: ERR_CORRUPT (empty, or a kind this release does not know).
MUST_USE err peer_message_read(bytes message, enum peer_message_kind *out_kind, bytes *out_content);
