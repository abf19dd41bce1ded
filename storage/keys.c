// Builders append fields to a key; parsers read the same fields in the same order. A parser accepts
// exactly the size its builder makes, so a key of another kind under the same letter is refused.
//
// Rejected: a table of field lists with one generic builder. Twenty layouts of two to five fields
// read better as code, and the compiler checks the arguments.
#include "storage/keys.h"

#include "proto/base/check.h"

#include <string.h>

enum {
    TIME_BYTES = 6,
    NAME_PLAIN_MAX = 255,
    NAME_HEAD_BYTES = 223,
    NAME_HASH_BYTES = 32,
    WORKFLOW_KEY_BYTES = 1 + 16,
    RUN_PART_AT = 1 + 16 + 4,
    TASK_KEY_BYTES = RUN_PART_AT + 1 + 4,
    BLOB_KEY_BYTES = RUN_PART_AT + 1 + 4 + 2,
    LOG_KEY_BYTES = RUN_PART_AT + 1 + 4 + 4,
    STAGE_KEY_BYTES = RUN_PART_AT + 1 + 4,
    QUEUE_KEY_BYTES = 1 + 8 + 1 + TIME_BYTES + 6,
    QUEUE_COUNTERS_KEY_BYTES = 1 + 8,
    INDEX_KEY_BYTES = 1 + 1 + 8 + 6 + 16,
    TIMER_KEY_BYTES = 1 + TIME_BYTES + 1 + 16 + 4 + 4,
    OUTBOX_KEY_BYTES = 1 + 2 + 8,
    INBOX_KEY_BYTES = 1 + 2,
    LIMIT_KEY_BYTES = 1 + 8,
    LIMIT_HOME_MARK = 'H',
    CATALOG_KEY_BYTES_MIN = 1 + 1 + 1 + 4,
    LMDB_KEY_BYTES_MAX = 511,
    GROUP_BYTES = 2
};

static const uint64_t U48_MAX = 0xffffffffffffu;

_Static_assert(WORKFLOW_KEY_BYTES == 17, "drawn in keys.h");
_Static_assert(TASK_KEY_BYTES == 26, "drawn in keys.h");
_Static_assert(BLOB_KEY_BYTES == 28, "drawn in keys.h");
_Static_assert(LOG_KEY_BYTES == 30, "drawn in keys.h");
_Static_assert(QUEUE_KEY_BYTES == 22, "drawn in keys.h");
_Static_assert(TIMER_KEY_BYTES == 32, "drawn in keys.h");
_Static_assert(OUTBOX_KEY_BYTES == 11, "drawn in keys.h");
_Static_assert(NAME_HEAD_BYTES + 1 + NAME_HASH_BYTES == KEY_NAME_BYTES_MAX, "a hashed name");
_Static_assert(
    KEY_NAME_BYTES_MAX - NAME_PLAIN_MAX == 1, "no plain name is as long as a hashed one"
);
_Static_assert(KEY_BYTES_MAX + GROUP_BYTES <= LMDB_KEY_BYTES_MAX, "the sorted map's bound");

bytes key_bytes(const struct key *key) {
    return bytes_of(key->bytes, key->size);
}

// --- fields --------------------------------------------------------------------------------------

static void begin(struct key *key, uint8_t kind) {
    key->size = 1;
    key->bytes[0] = kind;
}

static uint8_t *extend(struct key *key, size_t size) {
    check(key->size + size <= sizeof(key->bytes));
    uint8_t *at = key->bytes + key->size;
    key->size = (uint16_t)(key->size + size);
    return at;
}

static void add_u8(struct key *key, uint8_t value) {
    *extend(key, 1) = value;
}

static void add_u16(struct key *key, uint16_t value) {
    bytes_put_u16(extend(key, 2), value);
}

static void add_u32(struct key *key, uint32_t value) {
    bytes_put_u32(extend(key, 4), value);
}

static void add_u48(struct key *key, uint64_t value) {
    check(value <= U48_MAX);
    uint8_t *at = extend(key, 6);
    bytes_put_u16(at, (uint16_t)(value >> 32));
    bytes_put_u32(at + 2, (uint32_t)value);
}

static void add_u64(struct key *key, uint64_t value) {
    bytes_put_u64(extend(key, 8), value);
}

static void add_time(struct key *key, int64_t ms) {
    uint64_t clamped = ms < 0 ? 0 : (uint64_t)ms;
    add_u48(key, clamped > U48_MAX ? U48_MAX : clamped);
}

// slot:12 time:36 version:4 time:12 becomes time:48 slot:12 version:4; the other half stays.
static void add_id(struct key *key, id128 id) {
    uint64_t high = bytes_get_u64(id.bytes);
    uint64_t slot = high >> 52;
    uint64_t time = (high >> 16 & 0xfffffffffu) << 12 | (high & 0xfffu);
    uint64_t version = high >> 12 & 0xfu;
    add_u64(key, time << 16 | slot << 4 | version);
    memcpy(extend(key, 8), id.bytes + 8, 8);
}

static id128 get_id(const uint8_t *at) {
    uint64_t high = bytes_get_u64(at);
    uint64_t time = high >> 16;
    uint64_t slot = high >> 4 & 0xfffu;
    uint64_t version = high & 0xfu;
    id128 id;
    bytes_put_u64(id.bytes, slot << 52 | time >> 12 << 16 | version << 12 | (time & 0xfffu));
    memcpy(id.bytes + 8, at + 8, 8);
    return id;
}

static uint64_t get_u48(const uint8_t *at) {
    return (uint64_t)bytes_get_u16(at) << 32 | bytes_get_u32(at + 2);
}

static void add_hash(struct key *key, hash128 hash) {
    hash128_store(hash, extend(key, 16));
}

static void add_hashed_name(struct key *key, bytes name) {
    static const char hex[] = "0123456789abcdef";
    size_t head = name.size < NAME_HEAD_BYTES ? name.size : NAME_HEAD_BYTES;
    for (size_t i = 0; i < head; i++) {
        add_u8(key, name.data[i] == 0 ? 1 : name.data[i]);
    }
    add_u8(key, 0xff);
    uint8_t hash[16];
    hash128_store(hash_sip128(name), hash);
    for (size_t i = 0; i < sizeof(hash); i++) {
        add_u8(key, (uint8_t)hex[hash[i] >> 4]);
        add_u8(key, (uint8_t)hex[hash[i] & 15]);
    }
}

static void add_name(struct key *key, bytes name) {
    bool plain = name.size <= NAME_PLAIN_MAX && bytes_find(name, 0, 0) == name.size;
    if (!plain) {
        add_hashed_name(key, name);
    } else if (name.size > 0) {
        memcpy(extend(key, name.size), name.data, name.size);
    }
    add_u8(key, 0);
}

static bool is_of(bytes key, enum key_kind kind, size_t size) {
    return key.size == size && key.data[0] == (uint8_t)kind;
}

// --- prefixes ------------------------------------------------------------------------------------

struct key key_kind_prefix(enum key_kind kind) {
    struct key key;
    begin(&key, (uint8_t)kind);
    return key;
}

struct key key_of_workflow_prefix(id128 workflow) {
    struct key key;
    begin(&key, KEY_EXECUTION);
    add_id(&key, workflow);
    return key;
}

struct key key_of_run_prefix(id128 workflow, uint32_t run) {
    struct key key = key_of_workflow_prefix(workflow);
    add_u32(&key, run);
    return key;
}

bool key_execution_parse(bytes key, struct key_execution_parts *out_parts) {
    if (key.size <= RUN_PART_AT || key.data[0] != (uint8_t)KEY_EXECUTION) {
        return false;
    }
    *out_parts = (struct key_execution_parts){
        .workflow = get_id(key.data + 1),
        .run = bytes_get_u32(key.data + 17),
        .part = key.data[RUN_PART_AT],
    };
    return true;
}

static struct key part_of_run(id128 workflow, uint32_t run, enum key_part part) {
    struct key key = key_of_run_prefix(workflow, run);
    add_u8(&key, (uint8_t)part);
    return key;
}

static bool is_part(bytes key, enum key_part part, size_t size) {
    return is_of(key, KEY_EXECUTION, size) && key.data[RUN_PART_AT] == (uint8_t)part;
}

// --- a workflow ----------------------------------------------------------------------------------

struct key key_workflow(id128 workflow) {
    struct key key;
    begin(&key, KEY_WORKFLOW);
    add_id(&key, workflow);
    return key;
}

bool key_workflow_parse(bytes key, id128 *out_workflow) {
    if (!is_of(key, KEY_WORKFLOW, WORKFLOW_KEY_BYTES)) {
        return false;
    }
    *out_workflow = get_id(key.data + 1);
    return true;
}

struct key key_reference_prefix(id128 workflow, uint32_t run) {
    return part_of_run(workflow, run, KEY_PART_REFERENCE);
}

struct key key_reference(id128 workflow, uint32_t run, bytes reference) {
    struct key key = key_reference_prefix(workflow, run);
    add_u64(&key, hash_sip64(reference));
    return key;
}

struct key key_task(id128 workflow, uint32_t run, uint32_t task_no) {
    struct key key = key_task_prefix(workflow, run);
    add_u32(&key, task_no);
    return key;
}

struct key key_task_prefix(id128 workflow, uint32_t run) {
    return part_of_run(workflow, run, KEY_PART_TASK);
}

bool key_task_parse(bytes key, struct key_task_parts *out_parts) {
    if (!is_part(key, KEY_PART_TASK, TASK_KEY_BYTES)) {
        return false;
    }
    *out_parts = (struct key_task_parts){
        .workflow = get_id(key.data + 1),
        .run = bytes_get_u32(key.data + 17),
        .task_no = bytes_get_u32(key.data + 22),
    };
    return true;
}

struct key key_blob(id128 workflow, uint32_t run, uint32_t blob, uint16_t chunk) {
    struct key key = key_blob_prefix(workflow, run, blob);
    add_u16(&key, chunk);
    return key;
}

struct key key_blob_prefix(id128 workflow, uint32_t run, uint32_t blob) {
    struct key key = part_of_run(workflow, run, KEY_PART_BLOB);
    add_u32(&key, blob);
    return key;
}

bool key_blob_parse(bytes key, struct key_blob_parts *out_parts) {
    if (!is_part(key, KEY_PART_BLOB, BLOB_KEY_BYTES)) {
        return false;
    }
    *out_parts = (struct key_blob_parts){
        .workflow = get_id(key.data + 1),
        .run = bytes_get_u32(key.data + 17),
        .blob = bytes_get_u32(key.data + 22),
        .chunk = bytes_get_u16(key.data + 26),
    };
    return true;
}

struct key key_log(id128 workflow, uint32_t run, uint32_t task_no, uint32_t n) {
    struct key key = key_log_prefix(workflow, run, task_no);
    add_u32(&key, n);
    return key;
}

struct key key_log_prefix(id128 workflow, uint32_t run, uint32_t task_no) {
    struct key key = part_of_run(workflow, run, KEY_PART_LOG);
    add_u32(&key, task_no);
    return key;
}

struct key key_stage(id128 workflow, uint32_t run, uint32_t blob) {
    struct key key = key_stage_prefix(workflow, run);
    add_u32(&key, blob);
    return key;
}

struct key key_stage_prefix(id128 workflow, uint32_t run) {
    return part_of_run(workflow, run, KEY_PART_STAGE);
}

bool key_stage_parse(bytes key, struct key_stage_parts *out_parts) {
    if (!is_part(key, KEY_PART_STAGE, STAGE_KEY_BYTES)) {
        return false;
    }
    *out_parts = (struct key_stage_parts){
        .workflow = get_id(key.data + 1),
        .run = bytes_get_u32(key.data + 17),
        .blob = bytes_get_u32(key.data + 22),
    };
    return true;
}

struct key key_task_id(id128 task) {
    struct key key;
    begin(&key, KEY_TASK_ID);
    add_id(&key, task);
    return key;
}

struct key key_frozen(hash128 definition) {
    struct key key;
    begin(&key, KEY_FROZEN);
    add_hash(&key, definition);
    return key;
}

struct key key_frozen_count(hash128 definition) {
    struct key key;
    begin(&key, KEY_FROZEN_COUNT);
    add_hash(&key, definition);
    return key;
}

// --- queues and timers ---------------------------------------------------------------------------

struct key key_queue(uint64_t queue_hash, uint8_t priority, int64_t ready_ms, uint64_t sequence) {
    struct key key = key_queue_prefix(queue_hash);
    add_u8(&key, (uint8_t)(255 - priority));
    add_time(&key, ready_ms);
    add_u48(&key, sequence);
    return key;
}

struct key key_queue_prefix(uint64_t queue_hash) {
    struct key key;
    begin(&key, KEY_QUEUE);
    add_u64(&key, queue_hash);
    return key;
}

bool key_queue_parse(bytes key, struct key_queue_parts *out_parts) {
    if (!is_of(key, KEY_QUEUE, QUEUE_KEY_BYTES)) {
        return false;
    }
    *out_parts = (struct key_queue_parts){
        .queue_hash = bytes_get_u64(key.data + 1),
        .priority = (uint8_t)(255 - key.data[9]),
        .ready_ms = (int64_t)get_u48(key.data + 10),
        .sequence = get_u48(key.data + 16),
    };
    return true;
}

struct key key_queue_counters(uint64_t queue_hash) {
    struct key key;
    begin(&key, KEY_QUEUE_COUNTERS);
    add_u64(&key, queue_hash);
    return key;
}

bool key_queue_counters_parse(bytes key, uint64_t *out_queue_hash) {
    if (!is_of(key, KEY_QUEUE_COUNTERS, QUEUE_COUNTERS_KEY_BYTES)) {
        return false;
    }
    *out_queue_hash = bytes_get_u64(key.data + 1);
    return true;
}

struct key key_poll_data(uint64_t queue_hash, uint64_t domain_hash) {
    struct key key = key_poll_data_prefix(queue_hash);
    add_u64(&key, domain_hash);
    return key;
}

struct key key_poll_data_prefix(uint64_t queue_hash) {
    struct key key;
    begin(&key, KEY_POLL_DATA);
    add_u64(&key, queue_hash);
    return key;
}

struct key
key_timer(int64_t due_ms, uint8_t kind, id128 workflow, uint32_t task_no, uint32_t generation) {
    struct key key;
    begin(&key, KEY_TIMER);
    add_time(&key, due_ms);
    add_u8(&key, kind);
    add_id(&key, workflow);
    add_u32(&key, task_no);
    add_u32(&key, generation);
    return key;
}

bool key_timer_parse(bytes key, struct key_timer_parts *out_parts) {
    if (!is_of(key, KEY_TIMER, TIMER_KEY_BYTES)) {
        return false;
    }
    *out_parts = (struct key_timer_parts){
        .due_ms = (int64_t)get_u48(key.data + 1),
        .kind = key.data[7],
        .workflow = get_id(key.data + 8),
        .task_no = bytes_get_u32(key.data + 24),
        .generation = bytes_get_u32(key.data + 28),
    };
    return true;
}

// --- between groups, limits, dedupe --------------------------------------------------------------

struct key key_outbox(uint16_t destination, uint64_t sequence) {
    struct key key = key_outbox_prefix(destination);
    add_u64(&key, sequence);
    return key;
}

struct key key_outbox_prefix(uint16_t destination) {
    struct key key;
    begin(&key, KEY_OUTBOX);
    add_u16(&key, destination);
    return key;
}

bool key_outbox_parse(bytes key, struct key_outbox_parts *out_parts) {
    if (!is_of(key, KEY_OUTBOX, OUTBOX_KEY_BYTES)) {
        return false;
    }
    *out_parts = (struct key_outbox_parts){
        .destination = bytes_get_u16(key.data + 1),
        .sequence = bytes_get_u64(key.data + 3),
    };
    return true;
}

struct key key_stream(uint16_t destination) {
    struct key key;
    begin(&key, KEY_STREAM);
    add_u16(&key, destination);
    return key;
}

struct key key_inbox(uint16_t source) {
    struct key key;
    begin(&key, KEY_INBOX);
    add_u16(&key, source);
    return key;
}

bool key_inbox_parse(bytes key, uint16_t *out_source) {
    if (!is_of(key, KEY_INBOX, INBOX_KEY_BYTES)) {
        return false;
    }
    *out_source = bytes_get_u16(key.data + 1);
    return true;
}

struct key key_idempotency(hash128 scope_and_key) {
    struct key key;
    begin(&key, KEY_IDEMPOTENCY);
    add_hash(&key, scope_and_key);
    return key;
}

struct key key_request(id128 request) {
    struct key key;
    begin(&key, KEY_REQUEST);
    memcpy(extend(&key, 16), request.bytes, 16);
    return key;
}

struct key key_limit(uint64_t limit_hash) {
    struct key key;
    begin(&key, KEY_LIMIT);
    add_u64(&key, limit_hash);
    return key;
}

struct key key_limit_home(uint64_t limit_hash) {
    struct key key = key_limit(limit_hash);
    add_u8(&key, LIMIT_HOME_MARK);
    return key;
}

bool key_limit_parse(bytes key, uint64_t *out_limit_hash) {
    if (!is_of(key, KEY_LIMIT, LIMIT_KEY_BYTES)) {
        return false;
    }
    *out_limit_hash = bytes_get_u64(key.data + 1);
    return true;
}

struct key key_schedule(bytes name) {
    struct key key;
    begin(&key, KEY_SCHEDULE);
    add_name(&key, name);
    return key;
}

// --- finding executions --------------------------------------------------------------------------

struct key key_index(uint8_t kind, uint64_t hash, int64_t create_ms, id128 workflow) {
    struct key key = key_index_prefix(kind, hash);
    add_time(&key, create_ms);
    add_id(&key, workflow);
    return key;
}

struct key key_index_prefix(uint8_t kind, uint64_t hash) {
    struct key key;
    begin(&key, KEY_INDEX);
    add_u8(&key, kind);
    add_u64(&key, hash);
    return key;
}

bool key_index_parse(bytes key, struct key_index_parts *out_parts) {
    if (!is_of(key, KEY_INDEX, INDEX_KEY_BYTES)) {
        return false;
    }
    *out_parts = (struct key_index_parts){
        .kind = key.data[1],
        .hash = bytes_get_u64(key.data + 2),
        .create_ms = (int64_t)get_u48(key.data + 10),
        .workflow = get_id(key.data + 16),
    };
    return true;
}

// --- system group --------------------------------------------------------------------------------

struct key key_catalog(uint8_t kind, bytes name, uint32_t version) {
    struct key key = key_catalog_name_prefix(kind, name);
    add_u32(&key, version);
    return key;
}

struct key key_catalog_name_prefix(uint8_t kind, bytes name) {
    struct key key = key_catalog_kind_prefix(kind);
    add_name(&key, name);
    return key;
}

struct key key_catalog_kind_prefix(uint8_t kind) {
    struct key key;
    begin(&key, KEY_CATALOG);
    add_u8(&key, kind);
    return key;
}

bool key_catalog_parse(bytes key, struct key_catalog_parts *out_parts) {
    if (key.size < CATALOG_KEY_BYTES_MIN || key.size > KEY_BYTES_MAX ||
        key.data[0] != (uint8_t)KEY_CATALOG) {
        return false;
    }
    size_t end = key.size - 5;
    bytes name = bytes_slice(key, 2, end);
    if (key.data[end] != 0 || bytes_find(name, 0, 0) != name.size) {
        return false;
    }
    *out_parts = (struct key_catalog_parts){
        .kind = key.data[1],
        .name = name,
        .name_hashed = bytes_find(name, 0, 0xff) != name.size,
        .version = bytes_get_u32(key.data + end + 1),
    };
    return true;
}

struct key key_node(uint32_t node) {
    struct key key;
    begin(&key, KEY_NODE);
    add_u32(&key, node);
    return key;
}

bool key_node_parse(bytes key, uint32_t *out_node) {
    if (key.size != 1 + 4 || key.data[0] != KEY_NODE) {
        return false;
    }
    *out_node = bytes_get_u32(key.data + 1);
    return true;
}

struct key key_partition(uint16_t partition) {
    struct key key;
    begin(&key, KEY_PARTITION);
    add_u16(&key, partition);
    return key;
}

bool key_partition_parse(bytes key, uint16_t *out_partition) {
    if (key.size != 1 + 2 || key.data[0] != KEY_PARTITION) {
        return false;
    }
    *out_partition = bytes_get_u16(key.data + 1);
    return true;
}

struct key key_renewal(void) {
    struct key key;
    begin(&key, KEY_RENEWAL);
    return key;
}

struct key key_config(void) {
    struct key key;
    begin(&key, KEY_CONFIG);
    return key;
}

struct key key_version(void) {
    struct key key;
    begin(&key, KEY_VERSION);
    return key;
}

struct key key_mark(void) {
    struct key key;
    begin(&key, KEY_MARK);
    return key;
}
