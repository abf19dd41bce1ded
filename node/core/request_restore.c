// The steps of a restore (distributed.md §11): a partition that is empty is declared to be
// restored, given its rows as entries of its own log, and opened when all partitions have theirs.
// Entries, so that every copy has them, whatever dies meanwhile; all writes are absolute, so any
// step may be repeated, and a restore that was cut short begins again from its first row.
#include "node/backup/chunk.h"
#include "node/core/marks.h"
#include "node/core/node_internal.h"
#include "proto/base/mutant.h"
#include "proto/limits.h"

// A step that runs on one partition. `out_gate` is set on success.
typedef err (*restore_step
)(struct node *node,
  const struct request *request,
  group_id group,
  struct mark_row *row,
  struct gate *out_gate);

static void run(struct node *node, const struct request *request, restore_step step) {
    uint32_t number = request_partition(request);
    struct mark_row row = {0};
    struct gate gate = GATE_OPEN;
    err done;
    if (number >= node->settings.group_count) {
        done = err_make(ERR_NOT_FOUND, "there is no such partition");
    } else if (request_text(node, request, "source").size == 0) {
        done = err_make(ERR_INVALID, "'source' names no backup");
    } else {
        done = mark_read(node, (group_id)number, &row);
        done = err_is(done) ? done : step(node, request, (group_id)number, &row, &gate);
    }
    if (err_is(done)) {
        node_answer_error(node, request->id, done, GATE_OPEN);
        return;
    }
    struct buffer body;
    buffer_init(&body, LIMIT_REPLY_BYTES);
    struct json_writer writer = json_writer(&body);
    json_object_begin(&writer);
    json_member_int(&writer, "partition", number);
    json_member_int(&writer, "partitions", node->settings.group_count - 1);
    json_member_bool(&writer, "restoring", row.restoring);
    json_object_end(&writer);
    struct reply reply = {.status = 200, .kind = REPLY_JSON, .body = buffer_bytes(&body)};
    node_answer(node, request->id, &reply, gate);
    buffer_deinit(&body);
}

static bool
is_source(struct node *node, const struct request *request, const struct mark_row *row) {
    return bytes_equal(request_text(node, request, "source"), row->source);
}

// --- beginning -----------------------------------------------------------------------------------

// Nothing but what a new cluster writes for itself; who polled it is dropped.
static err make_empty(struct decision *decision, group_id group) {
    struct store_cursor *cursor =
        store_cursor_open(decision->store, decision->txn, group, BYTES_EMPTY);
    bytes *soft = ARENA_ARRAY(decision->arena, bytes, LIMIT_BACKUP_SOFT_ROWS);
    size_t count = 0;
    bool empty = true;
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    while (empty && store_cursor_next(cursor, &key, &value)) {
        if (backup_is_soft(group, key) && count < LIMIT_BACKUP_SOFT_ROWS) {
            soft[count++] = arena_copy(decision->arena, key);
        } else {
            empty = backup_is_own(group, key);
        }
    }
    store_cursor_close(&cursor);
    if (!empty) {
        return err_make(
            ERR_CONFLICT,
            arena_format(
                decision->arena,
                "partition %u is not empty: a backup is restored into a cluster that never had "
                "executions or definitions; start its nodes on new data folders",
                group
            )
        );
    }
    for (size_t i = 0; i < count; i++) {
        store_txn_del(decision->txn, soft[i]);
    }
    return ERR_NONE;
}

static err begin(
    struct node *node,
    const struct request *request,
    group_id group,
    struct mark_row *row,
    struct gate *out_gate
) {
    if (row->source.size > 0) {
        if (!is_source(node, request, row)) {
            return err_make(
                ERR_CONFLICT,
                arena_format(
                    node->arena, "partition %u was restored from another backup before", group
                )
            );
        }
        *out_gate = node_gate_of(node, group);
        return ERR_NONE;
    }
    struct decision decision;
    TRY(node_decision_begin(node, group, &decision));
    err empty = make_empty(&decision, group);
    if (err_is(empty)) {
        (void)node_decision_abort(node, &decision);
        return empty;
    }
    row->restoring = true;
    row->source = request_text(node, request, "source");
    mark_write(decision.txn, row);
    *out_gate = node_decision_commit(node, &decision);
    node->groups[group].restoring = true;
    return ERR_NONE;
}

void request_begin_restore(struct node *node, const struct request *request) {
    run(node, request, begin);
}

// --- loading -------------------------------------------------------------------------------------

static err writes_read(
    struct node *node,
    const struct request *request,
    group_id group,
    struct backup_chunk *out_head,
    bytes *out_writes
) {
    enum backup_chunk_kind kind = BACKUP_CHUNK_KINDS;
    err read = backup_chunk_read(request->http->body, node->arena, &kind, out_head, out_writes);
    if (err_is(read)) {
        return err_make(ERR_INVALID, read.text);
    }
    if (kind != BACKUP_WRITES || out_head->group != group) {
        return err_make(ERR_INVALID, "these are no writes for this partition");
    }
    return ERR_NONE;
}

// Opened before: the same source says so twice.
static err expect_restoring(
    struct node *node, const struct request *request, group_id group, const struct mark_row *row
) {
    if (row->restoring && is_source(node, request, row)) {
        return ERR_NONE;
    }
    return err_make(
        ERR_CONFLICT,
        arena_format(node->arena, "partition %u is not being restored from this backup", group)
    );
}

static bool is_dropped(bytes key) {
    return mutant_is("restore_reuses_sequences") && key.data[0] == KEY_STREAM;
}

static err load(
    struct node *node,
    const struct request *request,
    group_id group,
    struct mark_row *row,
    struct gate *out_gate
) {
    struct backup_chunk head;
    bytes writes = BYTES_EMPTY;
    TRY(expect_restoring(node, request, group, row));
    TRY(writes_read(node, request, group, &head, &writes));
    struct decision decision;
    TRY(node_decision_begin_restore(node, group, &decision));
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    while (store_writes_take(&writes, &key, &value)) {
        if (backup_is_own(group, key) || is_dropped(key)) {
            continue;
        }
        if (value.data == NULL) {
            store_txn_del(decision.txn, key);
        } else {
            store_txn_put(decision.txn, key, value);
        }
    }
    // Partition time goes on from where it was, should this cluster's clocks be behind.
    decision.now.ms = head.time_ms > decision.now.ms ? head.time_ms : decision.now.ms;
    *out_gate = node_decision_commit(node, &decision);
    return ERR_NONE;
}

void request_load_restore(struct node *node, const struct request *request) {
    run(node, request, load);
}

// --- opening -------------------------------------------------------------------------------------

static err open_partition(
    struct node *node,
    const struct request *request,
    group_id group,
    struct mark_row *row,
    struct gate *out_gate
) {
    if (!row->restoring && row->source.size > 0 && is_source(node, request, row)) {
        *out_gate = node_gate_of(node, group); // a repetition
        return ERR_NONE;
    }
    TRY(expect_restoring(node, request, group, row));
    struct decision decision;
    TRY(node_decision_begin_restore(node, group, &decision));
    row->restoring = false;
    mark_write(decision.txn, row);
    *out_gate = node_decision_commit(node, &decision);
    return ERR_NONE;
}

void request_end_restore(struct node *node, const struct request *request) {
    run(node, request, open_partition);
}
