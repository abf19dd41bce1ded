// The steps of a backup (distributed.md §11), which a client drives: node/backup says in which
// order. Each is short and may be repeated; between them some log is kept, for seconds only, so
// that a client that went away costs nothing. Rows and entries are read from the leader: they are
// what is applied and committed there, whoever leads now.
#include "node/backup/chunk.h"
#include "node/core/marks.h"
#include "node/core/node_internal.h"
#include "proto/base/check.h"
#include "proto/base/mutant.h"
#include "proto/limits.h"

static const int64_t NS_PER_MS = 1000000;

bool request_is_backup(enum api_route_name name) {
    return name >= API_BEGIN_BACKUP && name <= API_END_RESTORE;
}

uint32_t request_partition(const struct request *request) {
    int64_t number = 0;
    enum api_route_name name = request->match.route->name;
    if (name == API_BEGIN_BACKUP || name == API_KEEP_BACKUP) {
        return CATALOG_GROUP;
    }
    bool known = bytes_parse_i64(request->match.variables[0], &number);
    return known && number >= 0 && number < UINT16_MAX ? (uint32_t)number : UINT32_MAX;
}

// The partition, when it is led here.
static err partition_of(struct node *node, const struct request *request, group_id *out_group) {
    uint32_t group = request_partition(request);
    if (group >= node->settings.group_count) {
        return err_make(
            ERR_NOT_FOUND,
            arena_format(
                node->arena,
                "there is no partition %.*s: they are 0 to %u",
                BYTES_ARG(request->match.variables[0]),
                node->settings.group_count - 1
            )
        );
    }
    if (!group_is_led(&node->groups[group])) {
        return err_make(
            ERR_UNAVAILABLE,
            arena_format(node->arena, "partition %u has no leader here now; try again", group)
        );
    }
    *out_group = (group_id)group;
    return ERR_NONE;
}

static void answer_json(
    struct node *node, const struct request *request, struct buffer *body, struct gate gate
) {
    struct reply reply = {.status = 200, .kind = REPLY_JSON, .body = buffer_bytes(body)};
    node_answer(node, request->id, &reply, gate);
}

static void member_id(struct json_writer *writer, const char *name, id128 id) {
    char text[ID_TEXT_BYTES];
    id_format(id, text);
    json_member_text(writer, name, bytes_of(text, sizeof(text)));
}

// --- what is there -------------------------------------------------------------------------------

// The sum of the hashes of rows that are the cluster's own: in no backup, so not to be compared.
static hash128 own_rows(struct node *node, group_id group) {
    static const enum key_kind kinds[] = {
        KEY_MARK, KEY_CONFIG, KEY_NODE, KEY_PARTITION, KEY_VERSION};
    hash128 sum = {0, 0};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct key from = key_kind_prefix(kinds[i]);
        struct store_cursor *cursor = store_cursor_open(node->store, NULL, group, key_bytes(&from));
        bytes key = BYTES_EMPTY;
        bytes value = BYTES_EMPTY;
        while (store_cursor_next(cursor, &key, &value) &&
               bytes_starts_with(key, key_bytes(&from)) && backup_is_own(group, key)) {
            sum = store_hash_add(sum, store_row_hash(key, value));
        }
        store_cursor_close(&cursor);
    }
    return sum;
}

static hash128 state_hash(const struct node *node, group_id group) {
    hash128 hash = {0, 0};
    err known = store_state_hash(node->store, group, &hash);
    check(!err_is(known));
    return hash;
}

void request_get_backup_partition(struct node *node, const struct request *request) {
    group_id group = 0;
    err known = partition_of(node, request, &group);
    struct mark_row row = {0};
    known = err_is(known) ? known : mark_read(node, group, &row);
    if (err_is(known)) {
        node_answer_error(node, request->id, known, GATE_OPEN);
        return;
    }
    struct store_group state = store_group(node->store, group);
    hash128 hash = state_hash(node, group);
    struct buffer body;
    buffer_init(&body, LIMIT_REPLY_BYTES);
    struct json_writer writer = json_writer(&body);
    json_object_begin(&writer);
    json_member_int(&writer, "partition", group);
    json_member_int(&writer, "partitions", node->settings.group_count - 1);
    member_id(&writer, "cluster", node->cluster_id);
    json_member_int(&writer, "mark", (int64_t)row.mark);
    json_member_bool(&writer, "restoring", row.restoring);
    json_member_text(&writer, "source", row.source);
    // All entries are in the map: the hash is of the newest state.
    json_member_bool(&writer, "settled", state.applied_index == state.last_index);
    member_id(&writer, "hash", backup_hash_pack(store_hash_subtract(hash, own_rows(node, group))));
    json_object_end(&writer);
    answer_json(node, request, &body, node_gate_of(node, group));
    buffer_deinit(&body);
}

// --- rows and entries ----------------------------------------------------------------------------

static struct backup_chunk head_of(const struct node *node, group_id group) {
    struct store_position at = store_position(node->store, group);
    return (struct backup_chunk){
        .cluster = node->cluster_id,
        .group = group,
        .groups = node->settings.group_count,
        .index = at.index,
        .term = at.term,
        .chain = backup_hash_pack(at.chain),
        .time_ms = at.time_ms,
        .hash = backup_hash_pack(state_hash(node, group)),
    };
}

static void answer_chunk(
    struct node *node,
    const struct request *request,
    enum backup_chunk_kind kind,
    const struct backup_chunk *head,
    const struct buffer *body
) {
    struct buffer chunk;
    buffer_init(&chunk, LIMIT_BACKUP_CHUNK_BYTES_MAX);
    backup_chunk_write(kind, head, buffer_bytes(body), &chunk);
    if (err_is(buffer_status(&chunk)) || body->overflowed) {
        err large = err_make(
            ERR_TOO_LARGE,
            arena_format(
                node->arena, "a row or entry of partition %u is too large to be sent", head->group
            )
        );
        node_answer_error(node, request->id, large, GATE_OPEN);
    } else {
        struct reply reply = {.status = 200, .kind = REPLY_BINARY, .body = buffer_bytes(&chunk)};
        node_answer(node, request->id, &reply, GATE_OPEN);
    }
    buffer_deinit(&chunk);
}

static bool hex_digit(uint8_t digit, uint8_t *out_value) {
    static const char digits[] = "0123456789abcdef";
    for (uint8_t value = 0; value < 16; value++) {
        if ((uint8_t)digits[value] == digit) {
            *out_value = value;
            return true;
        }
    }
    return false;
}

// A key as it stands in a query: two hex digits a byte, none for the first.
static err key_parse(bytes text, struct arena *arena, bytes *out_key) {
    uint8_t *key = ARENA_ARRAY(arena, uint8_t, text.size / 2 + 1);
    bool good = text.size % 2 == 0 && text.size / 2 <= KEY_BYTES_MAX;
    for (size_t i = 0; i + 1 < text.size && good; i += 2) {
        uint8_t high = 0;
        uint8_t low = 0;
        good = hex_digit(text.data[i], &high) && hex_digit(text.data[i + 1], &low);
        key[i / 2] = (uint8_t)(high << 4 | low);
    }
    *out_key = bytes_of(key, text.size / 2);
    return good ? ERR_NONE : err_make(ERR_INVALID, "'from' is not a key in hexadecimal digits");
}

static uint32_t writes_count(bytes writes) {
    uint32_t count = 0;
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    while (store_writes_take(&writes, &key, &value)) {
        count++;
    }
    return count;
}

void request_get_backup_rows(struct node *node, const struct request *request) {
    group_id group = 0;
    bytes from = BYTES_EMPTY;
    struct buffer rows;
    struct buffer next;
    buffer_init(&rows, LIMIT_BACKUP_CHUNK_BYTES_MAX);
    buffer_init(&next, KEY_BYTES_MAX);
    bool done = false;
    log_index applied = 0;
    err read = partition_of(node, request, &group);
    if (!err_is(read)) {
        read = key_parse(request_text(node, request, "from"), node->arena, &from);
    }
    if (!err_is(read)) {
        read = store_scan(
            node->store, group, from, LIMIT_BACKUP_CHUNK_BYTES, &rows, &next, &done, &applied
        );
    }
    if (err_is(read)) {
        node_answer_error(node, request->id, read, GATE_OPEN);
    } else {
        struct backup_chunk head = head_of(node, group);
        marks_hold(node, group, from.size == 0 ? head.index + 1 : 0);
        head.next = done ? BYTES_EMPTY : buffer_bytes(&next);
        head.count = writes_count(buffer_bytes(&rows));
        answer_chunk(node, request, BACKUP_ROWS, &head, &rows);
    }
    buffer_deinit(&next);
    buffer_deinit(&rows);
}

// Entries from `from` to the newest committed one, as many as fit.
static err entries_read(
    struct node *node,
    group_id group,
    log_index from,
    struct backup_chunk *head,
    struct buffer *body
) {
    log_index committed = raft_commit_index(node->raft, group);
    head->index = from;
    head->committed = committed;
    for (log_index at = from; at <= committed; at++) {
        struct store_entry entry;
        err read = store_entry_read(node->store, group, at, &entry);
        if (read.code == ERR_NOT_FOUND) {
            return err_make(
                ERR_CONFLICT,
                arena_format(
                    node->arena,
                    "entry %llu of partition %u is not kept any more: its rows must be read again",
                    (unsigned long long)at,
                    group
                )
            );
        }
        TRY(read);
        if (body->size > 0 && body->size + entry.payload.size > LIMIT_BACKUP_CHUNK_BYTES) {
            break;
        }
        backup_entry_put(body, &entry);
        head->count++;
    }
    return ERR_NONE;
}

void request_get_backup_entries(struct node *node, const struct request *request) {
    group_id group = 0;
    struct api_optional_int from = {0};
    struct buffer body;
    buffer_init(&body, LIMIT_BACKUP_CHUNK_BYTES_MAX);
    struct backup_chunk head = {0};
    err read = partition_of(node, request, &group);
    read = err_is(read) ? read : request_int(node, request, "from", &from);
    if (!err_is(read) && (!from.present || from.value < 1)) {
        read = err_make(ERR_INVALID, "'from' is not the number of an entry");
    }
    if (!err_is(read)) {
        head = (struct backup_chunk
        ){.cluster = node->cluster_id, .group = group, .groups = node->settings.group_count};
        read = entries_read(node, group, (log_index)from.value, &head, &body);
        marks_hold(node, group, (log_index)from.value);
    }
    if (err_is(read)) {
        node_answer_error(node, request->id, read, GATE_OPEN);
    } else {
        answer_chunk(node, request, BACKUP_ENTRIES, &head, &body);
    }
    buffer_deinit(&body);
}

// --- numbers and marks ---------------------------------------------------------------------------

static void
answer_number(struct node *node, const struct request *request, uint64_t number, struct gate gate) {
    struct buffer body;
    buffer_init(&body, LIMIT_REPLY_BYTES);
    struct json_writer writer = json_writer(&body);
    json_object_begin(&writer);
    json_member_int(&writer, "backup", (int64_t)number);
    member_id(&writer, "cluster", node->cluster_id);
    json_member_int(&writer, "partitions", node->settings.group_count - 1);
    json_member_text(&writer, "version", node->version);
    json_object_end(&writer);
    answer_json(node, request, &body, gate);
    buffer_deinit(&body);
}

static bool is_turn_of(const struct node *node, uint64_t number) {
    const struct backup_turn *turn = &node->backup;
    return turn->number == 0 || turn->number == number || turn->until.ns <= node->mono.ns ||
           mutant_is("backup_two_at_a_time");
}

static void turn_take(struct node *node, uint64_t number, int64_t scanned) {
    struct backup_turn *turn = &node->backup;
    bool is_new = turn->number != number;
    turn->number = number;
    turn->scanned = scanned;
    turn->begun = is_new ? node->mono : turn->begun;
    turn->until.ns = node->mono.ns + LIMIT_BACKUP_TURN_MS * NS_PER_MS;
}

// Nobody else's backup goes on; `after` is the number that the same client had before.
static err expect_turn(struct node *node, const struct request *request) {
    const struct backup_turn *turn = &node->backup;
    struct api_optional_int after = {0};
    TRY(request_int(node, request, "after", &after));
    if (is_turn_of(node, after.present ? (uint64_t)after.value : 0)) {
        return ERR_NONE;
    }
    return err_make(
        ERR_CONFLICT,
        arena_format(
            node->arena,
            "backup %llu is being taken, for %lld s by now: %lld of %u partitions are scanned. Two "
            "at a time would cut into each other: wait for its end, or end its client and try "
            "again %d s later",
            (unsigned long long)turn->number,
            (long long)((node->mono.ns - turn->begun.ns) / (1000 * NS_PER_MS)),
            (long long)turn->scanned,
            node->settings.group_count,
            LIMIT_BACKUP_TURN_MS / 1000
        )
    );
}

// Above every number given before, and above every mark that lives.
void request_begin_backup(struct node *node, const struct request *request) {
    struct decision decision;
    struct mark_row row = {0};
    err begun = expect_turn(node, request);
    begun = err_is(begun) ? begun : node_decision_begin(node, CATALOG_GROUP, &decision);
    if (err_is(begun)) {
        node_answer_error(node, request->id, begun, GATE_OPEN);
        return;
    }
    err read = mark_read(node, CATALOG_GROUP, &row);
    if (err_is(read)) {
        node_answer_error(node, request->id, read, node_decision_abort(node, &decision));
        return;
    }
    row.numbered = (row.numbered > node->mark ? row.numbered : node->mark) + 1;
    mark_write(decision.txn, &row);
    turn_take(node, row.numbered, 0);
    answer_number(node, request, row.numbered, node_decision_commit(node, &decision));
}

// Its client goes on, or is done. A new leader learns of it so; one that another took the turn of
// goes on all the same, as two did before there were turns.
void request_keep_backup(struct node *node, const struct request *request) {
    struct api_optional_int number = {0};
    struct api_optional_int scanned = {0};
    bool done = false;
    err read = request_int(node, request, "backup", &number);
    read = err_is(read) ? read : request_int(node, request, "scanned", &scanned);
    read = err_is(read) ? read : request_bool(node, request, "done", &done);
    if (!err_is(read) && (!number.present || number.value < 1)) {
        read = err_make(ERR_INVALID, "'backup' is not the number of one");
    }
    if (err_is(read)) {
        node_answer_error(node, request->id, read, GATE_OPEN);
        return;
    }
    if (is_turn_of(node, (uint64_t)number.value)) {
        turn_take(node, done ? 0 : (uint64_t)number.value, scanned.value);
    }
    answer_number(node, request, (uint64_t)number.value, GATE_OPEN);
}

static void
answer_mark(struct node *node, const struct request *request, log_index index, struct gate gate) {
    struct buffer body;
    buffer_init(&body, LIMIT_REPLY_BYTES);
    struct json_writer writer = json_writer(&body);
    json_object_begin(&writer);
    json_member_int(&writer, "index", (int64_t)index);
    json_object_end(&writer);
    answer_json(node, request, &body, gate);
    buffer_deinit(&body);
}

static err mark(
    struct node *node, const struct request *request, log_index *out_index, struct gate *out_gate
) {
    group_id group = 0;
    struct api_optional_int wanted = {0};
    struct mark_row row;
    TRY(partition_of(node, request, &group));
    TRY(request_int(node, request, "backup", &wanted));
    TRY(mark_read(node, group, &row));
    if (!wanted.present || wanted.value < 1) {
        return err_make(ERR_INVALID, "'backup' is not the number of one");
    }
    uint64_t number = (uint64_t)wanted.value;
    if (row.mark > number) {
        return err_make(
            ERR_CONFLICT,
            arena_format(
                node->arena,
                "partition %u was cut by the later backup %llu",
                group,
                (unsigned long long)row.mark
            )
        );
    }
    marks_heard(node, number);
    if (row.mark == number) {
        *out_gate = node_gate_of(node, group);
        *out_index = row.index;
        return ERR_NONE;
    }
    TRY(marks_make(node, group, number, out_gate));
    *out_index = out_gate->index;
    return ERR_NONE;
}

void request_mark_backup(struct node *node, const struct request *request) {
    log_index index = 0;
    struct gate gate = GATE_OPEN;
    err marked = mark(node, request, &index, &gate);
    if (err_is(marked)) {
        node_answer_error(node, request->id, marked, GATE_OPEN);
    } else {
        answer_mark(node, request, index, gate);
    }
}
