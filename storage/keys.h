// The key space of a group, drawn: every key of the state table is built and read here.
//
// A key given to storage/store.h has no group in front; the store puts it there. Integers are
// big-endian, so the order of bytes is the order of numbers. `name<n>` is n bytes; `id16` is an id
// in key order: time before slot (below).
//
//   W id16                                workflow header
//   G id16 run4 1 task_no4                task
//   G id16 run4 2 reference8              newest task of a reference name
//   G id16 run4 3 blob4 chunk2            payload chunk
//   G id16 run4 4 task_no4 n4             task log line
//   G id16 run4 5 blob4                   body that no header names yet
//   A task16                              where a task is, by its id
//   F hash16                              frozen definition
//   J hash16                              how many executions refer to it
//   N queue8                              queue counters
//   P queue8 domain8                      newest poll
//   Q queue8 (255-priority)1 ready6 seq6  ready task; first key = next to hand out
//   T due6 kind1 id16 task_no4 gen4       timer; first key = next due
//   O dst2 seq8                           outbox
//   U dst2                                newest sequence of the stream to a group
//   I src2                                inbox watermark
//   K hash16                              idempotency key
//   D request16                           dedupe of a request
//   L limit8 [group2]                     permits
//   H name 0 …                            schedule
//   M                                     newest mark of a backup, and whether rows are restored
//   Y kind1 hash8 create6 id16            what finds an execution by something else than its id
//   X                                     what a recovered partition has yet to put right
//   Z                                     the group's members: written by node/raft alone
//   system group only:
//   N node4                               member
//   P partition2                          where its replicas belong
//   V                                     the cluster
//   C kind1 name 0 version4               definition
//
// An id in key order is the same 128 bits with its 48 bits of time moved before the slot: workflows
// begun together lie together, and so do the rows of one run, so a checkpoint touches few pages
// (storage/README.md has the figures); headers lie apart, so that a walk over them is short. Times
// are clamped to 0 … 2^48-1 ms.
//
// A key is a plain value; views of it borrow from it. Thread: any.
#pragma once

#include "proto/base/attr.h"
#include "proto/base/bytes.h"
#include "proto/base/hash.h"
#include "proto/base/id.h"

enum {
    KEY_NAME_BYTES_MAX = 256, // as stored; see key_catalog
    KEY_BYTES_MAX = 1 + 1 + KEY_NAME_BYTES_MAX + 1 + 4
};

struct key {
    uint16_t size;
    uint8_t bytes[KEY_BYTES_MAX];
};

// The key's bytes. Borrows from `key`.
bytes key_bytes(const struct key *key);

// The first letter, where a caller dispatches on what came and went (store_entry_visit).
enum key_kind {
    KEY_WORKFLOW = 'W',
    KEY_EXECUTION = 'G', // of a run, see enum key_part
    KEY_TASK_ID = 'A',
    KEY_FROZEN = 'F',
    KEY_FROZEN_COUNT = 'J',
    KEY_QUEUE_COUNTERS = 'N',
    KEY_POLL_DATA = 'P',
    KEY_QUEUE = 'Q',
    KEY_TIMER = 'T',
    KEY_OUTBOX = 'O',
    KEY_STREAM = 'U',
    KEY_INBOX = 'I',
    KEY_IDEMPOTENCY = 'K',
    KEY_REQUEST = 'D',
    KEY_LIMIT = 'L',
    KEY_SCHEDULE = 'H',
    KEY_INDEX = 'Y',
    KEY_MARK = 'M', // of every group
    KEY_RENEWAL = 'X',
    KEY_CONFIG = 'Z',
    KEY_CATALOG = 'C',
    KEY_VERSION = 'V',
    KEY_NODE = 'N',
    KEY_PARTITION = 'P'
};

// What a row is of its run. Tasks first: who removes a run removes them before what they name.
enum key_part {
    KEY_PART_TASK = 1,
    KEY_PART_REFERENCE = 2,
    KEY_PART_BLOB = 3,
    KEY_PART_LOG = 4,
    KEY_PART_STAGE = 5
};

// All keys that begin with the kind's letter.
struct key key_kind_prefix(enum key_kind kind);

// All tasks, references, blobs, log lines and staged bodies of a workflow, run by run, or of one
// run of it.
struct key key_of_workflow_prefix(id128 workflow);
struct key key_of_run_prefix(id128 workflow, uint32_t run);

struct key_execution_parts {
    id128 workflow;
    uint32_t run;
    uint8_t part;
};
// What any of these keys is of. False: another kind.
MUST_USE bool key_execution_parse(bytes key, struct key_execution_parts *out_parts);

// --- a workflow ----------------------------------------------------------------------------------

struct key key_workflow(id128 workflow);
MUST_USE bool key_workflow_parse(bytes key, id128 *out_workflow);

struct key key_reference_prefix(id128 workflow, uint32_t run);
// `reference` is the task's reference name; its hash goes into the key, so the row must hold the
// name for the reader to compare.
struct key key_reference(id128 workflow, uint32_t run, bytes reference);

struct key key_task(id128 workflow, uint32_t run, uint32_t task_no);
struct key key_task_prefix(id128 workflow, uint32_t run);

struct key_task_parts {
    id128 workflow;
    uint32_t run;
    uint32_t task_no;
};
MUST_USE bool key_task_parse(bytes key, struct key_task_parts *out_parts);

struct key key_blob(id128 workflow, uint32_t run, uint32_t blob, uint16_t chunk);
struct key key_blob_prefix(id128 workflow, uint32_t run, uint32_t blob);

struct key_blob_parts {
    id128 workflow;
    uint32_t run;
    uint32_t blob;
    uint16_t chunk;
};
MUST_USE bool key_blob_parse(bytes key, struct key_blob_parts *out_parts);

struct key key_log(id128 workflow, uint32_t run, uint32_t task_no, uint32_t n);
struct key key_log_prefix(id128 workflow, uint32_t run, uint32_t task_no);

// A body that is written, or being written, and that no header names yet.
struct key key_stage(id128 workflow, uint32_t run, uint32_t blob);
struct key key_stage_prefix(id128 workflow, uint32_t run);

struct key_stage_parts {
    id128 workflow;
    uint32_t run;
    uint32_t blob;
};
MUST_USE bool key_stage_parse(bytes key, struct key_stage_parts *out_parts);

struct key key_task_id(id128 task);
struct key key_frozen(hash128 definition);
struct key key_frozen_count(hash128 definition);

// --- queues and timers ---------------------------------------------------------------------------

struct key_queue_parts {
    uint64_t queue_hash;
    uint8_t priority; // higher first
    int64_t ready_ms;
    uint64_t sequence; // 48 bits; breaks ties, first in first out
};

struct key key_queue(uint64_t queue_hash, uint8_t priority, int64_t ready_ms, uint64_t sequence);
struct key key_queue_prefix(uint64_t queue_hash);
MUST_USE bool key_queue_parse(bytes key, struct key_queue_parts *out_parts);

struct key key_queue_counters(uint64_t queue_hash);
MUST_USE bool key_queue_counters_parse(bytes key, uint64_t *out_queue_hash);

struct key key_poll_data(uint64_t queue_hash, uint64_t domain_hash);
struct key key_poll_data_prefix(uint64_t queue_hash);

struct key_timer_parts {
    int64_t due_ms;
    uint8_t kind;
    id128 workflow;
    uint32_t task_no;
    uint32_t generation;
};

struct key
key_timer(int64_t due_ms, uint8_t kind, id128 workflow, uint32_t task_no, uint32_t generation);
MUST_USE bool key_timer_parse(bytes key, struct key_timer_parts *out_parts);

// --- between groups, limits, dedupe --------------------------------------------------------------

struct key_outbox_parts {
    uint16_t destination; // a group
    uint64_t sequence;
};

struct key key_outbox(uint16_t destination, uint64_t sequence);
struct key key_outbox_prefix(uint16_t destination);
MUST_USE bool key_outbox_parse(bytes key, struct key_outbox_parts *out_parts);

// The row that numbers the messages of one stream: the outbox itself is empty once all is
// acknowledged.
struct key key_stream(uint16_t destination);

struct key key_inbox(uint16_t source);
MUST_USE bool key_inbox_parse(bytes key, uint16_t *out_source);

struct key key_idempotency(hash128 scope_and_key);
struct key key_request(id128 request);

// What a group holds of a limit; who holds what, at the limit's home.
struct key key_limit(uint64_t limit_hash);
struct key key_limit_home(uint64_t limit_hash);
MUST_USE bool key_limit_parse(bytes key, uint64_t *out_limit_hash); // the first of them

struct key key_schedule(bytes name);

// The group's own row about backups (distributed.md §11).
struct key key_mark(void);

// How far the group is with what follows a recovery (scheduler/renewal.h).
struct key key_renewal(void);

// Who agrees on the group (node/raft/config.h).
struct key key_config(void);

// --- finding executions --------------------------------------------------------------------------

// Rows of one kind and hash are in order of creation.
struct key key_index(uint8_t kind, uint64_t hash, int64_t create_ms, id128 workflow);
struct key key_index_prefix(uint8_t kind, uint64_t hash);

struct key_index_parts {
    uint8_t kind;
    uint64_t hash;
    int64_t create_ms;
    id128 workflow;
};
MUST_USE bool key_index_parse(bytes key, struct key_index_parts *out_parts);

// --- system group --------------------------------------------------------------------------------

// A name of at most 255 bytes without a zero byte is kept as it is. Any other is kept as its first
// 223 bytes (zero bytes as 0x01), 0xff – never in UTF-8 – and the hash of the whole in hex: rows
// hold the full name, and key_catalog_parse says which of the two it was.
struct key key_catalog(uint8_t kind, bytes name, uint32_t version);
struct key key_catalog_name_prefix(uint8_t kind, bytes name);
struct key key_catalog_kind_prefix(uint8_t kind);

struct key_catalog_parts {
    uint8_t kind;
    bytes name;       // as stored; borrows from the key
    bool name_hashed; // the full name is in the row only
    uint32_t version;
};
MUST_USE bool key_catalog_parse(bytes key, struct key_catalog_parts *out_parts);

struct key key_node(uint32_t node);
MUST_USE bool key_node_parse(bytes key, uint32_t *out_node);
struct key key_partition(uint16_t partition);
MUST_USE bool key_partition_parse(bytes key, uint16_t *out_partition);
struct key key_version(void);
