// What two nodes say to each other: frames of many messages of many groups, as bytes.
//
//   frame   = header message*
//   header  = version, both incarnations, rounds, lists (struct frame_header)
//   message = kind, group, term, from, to, the numbers of its kind, [chain], [u32 size, body]
//
// Numbers are below 2^63, as varints of base 128, low group first; chains 16 bytes, sizes of bodies
// big-endian. Reading trusts nothing: ERR_INVALID, never an assertion. Writing appends to a buffer
// and asks for its room at the end.
#pragma once

#include "node/raft/raft.h"

enum {
    MESSAGE_VERSION = 2,
    FRAME_EXCEPTIONS_MAX = 64,
    // A header and a message without its body are never longer.
    FRAME_HEADER_BYTES_MAX = 1 + 9 * 10 + 2 + FRAME_EXCEPTIONS_MAX * 3,
    MESSAGE_HEAD_BYTES_MAX = 1 + 3 + 10 * 10 + 16 + 4,
    MESSAGE_ENTRY_HEAD_BYTES_MAX = 10 + 10 + 16 + 10
};

// What every frame says of the two nodes; see node/raft/README.md, "One heartbeat for all groups".
struct frame_header {
    uint64_t incarnation;    // of the sender
    uint64_t store;          // of the sender (raft_store_number)
    uint64_t to_incarnation; // of the receiver, as the sender knows it; 0: not known
    uint64_t sequence;       // of the sender's frames to the receiver
    uint64_t round;          // the sender's newest round
    uint64_t echo;           // the newest round of the receiver that the sender has seen
    uint64_t lead_version; // of the list of groups which the sender leads and the receiver votes in
    uint64_t held_version; // of the receiver's list, to which the sender holds
    bool asks;             // an answer is wanted at once
    uint32_t exception_count; // groups of that list to which it does not hold
    group_id exceptions[FRAME_EXCEPTIONS_MAX];
};

// Which numbers each carries stands in one table, in message.c.
enum message_kind {
    MESSAGE_NONE,
    MESSAGE_LIST,           // the groups I lead, all of them
    MESSAGE_STALE,          // your term is over, mine is higher
    MESSAGE_PRE_VOTE,       // would you vote for me in that term?
    MESSAGE_PRE_VOTE_REPLY, // whether
    MESSAGE_VOTE,           // vote for me
    MESSAGE_VOTE_REPLY,     // you have my vote, on disk
    MESSAGE_TIMEOUT_NOW,    // stand at once: I hand over to you
    MESSAGE_APPEND,         // entries after one that you have
    MESSAGE_PART,           // a piece of a large one
    MESSAGE_PART_ACK,       // so much of it is here
    MESSAGE_ACK,            // my log is yours up to there, on disk
    MESSAGE_REJECT,         // I have not the entry before
    MESSAGE_COMMIT,         // that is committed
    MESSAGE_INSTALL,        // drop your log: rows as of that position follow
    MESSAGE_CHUNK,          // a piece of them
    MESSAGE_INSTALL_ACK,    // how far I am with the rows
    MESSAGE_INSTALL_END,    // you are a voter again once that is committed
    MESSAGE_ASK,            // am I still one of you?
    MESSAGE_REMOVED,        // you are none any more
    MESSAGE_KIND_COUNT
};

// One message; which fields count is said by its kind. `term` is the sender's, in PRE_VOTE the term
// it would stand in.
struct message {
    enum message_kind kind;
    group_id group;
    uint64_t term;
    uint64_t from;     // replica that speaks, and the one spoken to, of the group; 0: not known.
    uint64_t to;       // Not in a LIST
    uint64_t index;    // PRE_VOTE, VOTE: the last entry; APPEND, PART: the entry before; ACK: match
    uint64_t log_term; // of the entry at `index`
    uint64_t commit;   // ACK: the sender's
    uint64_t epoch;    // of the sender's log (rule 5)
    uint64_t hint;     // REJECT: where the logs may meet …
    uint64_t hint_term; // … and the term there
    uint64_t last;      // REJECT: the sender's last entry
    uint64_t offset;    // PART: of the body in the entry; PART_ACK: bytes the sender has
    uint64_t asked;     // PRE_VOTE_REPLY: the term that was asked for
    uint64_t granted;
    uint64_t transfer; // VOTE: the leader itself wants it
    uint64_t version;  // LIST
    uint64_t install;  // which snapshot: a number of the leader's process
    uint64_t number;   // CHUNK: its; INSTALL_ACK: of the next one
    uint64_t total;    // CHUNK: bytes of all its pieces
    uint64_t final;    // CHUNK: no other follows
    uint64_t state;    // ACK, INSTALL_ACK: enum store_install
    uint64_t time;     // INSTALL: partition time at the position
    hash128 chain;     // of the entry at `index`
    bytes body;        // borrowed. LIST: groups and terms; APPEND: entries; PART: head and piece
};

void message_put_header(struct buffer *out, const struct frame_header *header);
MUST_USE err message_take_header(bytes *rest, struct frame_header *out_header);

// Appends a message. Of one with a body: the body too.
void message_put(struct buffer *out, const struct message *message);

// The same with a body that the caller appends after it and ends with message_end_body. Returns the
// place of the body.
size_t message_begin_body(struct buffer *out, const struct message *message);
void message_end_body(struct buffer *out, size_t place);

// Takes the next message off the front. Errors: ERR_INVALID.
MUST_USE err message_take(bytes *rest, struct message *out_message);

// An entry in the body of an APPEND.
void message_put_entry(struct buffer *out, const struct store_entry *entry);
MUST_USE err message_take_entry(bytes *rest, struct store_entry *out_entry);

// The head of an entry of `total` bytes of payload in the body of a PART; the piece follows it.
void message_put_part(
    struct buffer *out, const struct store_entry *entry, uint64_t total, bytes piece
);
// Payload of `*out_entry` is the piece.
MUST_USE err message_take_part(bytes body, struct store_entry *out_entry, uint64_t *out_total);

// A group and the term it is led in, in the body of a LIST.
void message_put_listed(struct buffer *out, group_id group, uint64_t term);
MUST_USE err message_take_listed(bytes *rest, group_id *out_group, uint64_t *out_term);

// `append`, `vote` …, for transcripts.
const char *message_name(enum message_kind kind);
