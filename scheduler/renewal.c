// Weighed: to let the tool that recovers rewrite all partitions while no node runs. It has only the
// survivors' disks, and must not touch partitions whose majority lives; so the partitions do it
// themselves, as entries like all others, which any leader goes on with.
//
// Weighed: an epoch as a field of each message. The upper bits of the number do the same without
// another field in each row and message, and without a rule for what has none.
#include "scheduler/renewal.h"

#include "proto/base/check.h"
#include "proto/base/mutant.h"
#include "proto/limits.h"
#include "scheduler/ending.h"
#include "scheduler/message.h"
#include "scheduler/renewal_internal.h"
#include "scheduler/task.h"
#include "scheduler/tasks/kind.h"
#include "storage/keys.h"

enum {
    EPOCH_SHIFT = 48
};

static err move_messages(struct decision *decision, uint64_t base, bool *out_all);
static err streams_begin(struct decision *decision, uint64_t base);

// --- epochs --------------------------------------------------------------------------------------

uint64_t renewal_base(uint32_t epoch) {
    return (uint64_t)epoch << EPOCH_SHIFT;
}

bool renewal_same_epoch(uint64_t left, uint64_t right) {
    return left >> EPOCH_SHIFT == right >> EPOCH_SHIFT;
}

bool renewal_is_due(const struct renewal_row *row) {
    return row->wanted > row->epoch;
}

err renewal_read(
    struct store *store, group_id group, struct arena *arena, struct renewal_row *out_row
) {
    struct key key = key_renewal();
    bytes value = BYTES_EMPTY;
    *out_row = (struct renewal_row){0};
    err read = store_get(store, group, key_bytes(&key), &value);
    if (read.code == ERR_NOT_FOUND) {
        return ERR_NONE;
    }
    TRY(read);
    return wire_decode(&renewal_row_record, arena_copy(arena, value), arena, out_row);
}

err renewal_want(struct decision *decision, uint32_t epoch) {
    struct renewal_row row;
    TRY(renewal_row_load(decision, &row));
    if (row.wanted < epoch) {
        row.wanted = epoch;
        renewal_row_save(decision, &row);
    }
    return ERR_NONE;
}

err renewal_enter(struct decision *decision, bool *out_entered) {
    struct renewal_row row;
    *out_entered = false;
    TRY(renewal_row_load(decision, &row));
    check(renewal_is_due(&row));
    uint64_t base = renewal_base(mutant_is("stream_epoch_not_raised") ? row.epoch : row.wanted);
    bool all = true;
    TRY(move_messages(decision, base, &all));
    if (!all) {
        return ERR_NONE;
    }
    uint32_t group_count = decision->settings->group_count;
    row.epoch = row.wanted;
    row.walking = true;
    row.reached = (id128){{0}};
    row.reached_task = 0;
    row.unstated.items = ARENA_ARRAY(decision->arena, uint32_t, group_count);
    row.unstated.count = 0;
    for (uint32_t group = 1; group < group_count; group++) {
        if (group != store_txn_group(decision->txn)) {
            row.unstated.items[row.unstated.count++] = group;
        }
    }
    renewal_row_save(decision, &row);
    TRY(streams_begin(decision, base));
    TRY(renewal_state_permits(decision));
    *out_entered = true;
    return ERR_NONE;
}

err renewal_row_load(struct decision *decision, struct renewal_row *out_row) {
    struct key key = key_renewal();
    *out_row = (struct renewal_row){0};
    err error = row_get(decision->txn, &key, &renewal_row_record, decision->arena, out_row);
    return error.code == ERR_NOT_FOUND ? ERR_NONE : error;
}

void renewal_row_save(struct decision *decision, const struct renewal_row *row) {
    struct key key = key_renewal();
    row_put(decision->txn, &key, &renewal_row_record, row);
}

// --- streams -------------------------------------------------------------------------------------

struct old_message {
    struct key_outbox_parts at;
    bytes value;
};

// The first messages of older epochs, by destination and number.
static uint32_t
find_old(struct decision *decision, uint64_t base, struct old_message *found, bool *out_all) {
    struct key from = key_kind_prefix(KEY_OUTBOX);
    struct store_cursor *cursor = store_cursor_open(
        decision->store, decision->txn, store_txn_group(decision->txn), key_bytes(&from)
    );
    struct key_outbox_parts parts;
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    uint32_t count = 0;
    size_t size = 0;
    *out_all = true;
    while (store_cursor_next(cursor, &key, &value) && key_outbox_parse(key, &parts)) {
        if (parts.sequence > base) {
            continue;
        }
        if (count == LIMIT_RENEWAL_ROWS || size > LIMIT_DECISION_BYTES) {
            *out_all = false;
            break;
        }
        size += value.size;
        found[count++] = (struct old_message){parts, arena_copy(decision->arena, value)};
    }
    store_cursor_close(&cursor);
    return count;
}

// Whether a message is about permits: those are stated anew as a whole.
static bool is_of_permits(const struct message_row *message) {
    return message->kind == MESSAGE_PERMITS_ASKED || message->kind == MESSAGE_PERMITS_GIVEN ||
           message->kind == MESSAGE_PERMITS_RETURNED || message->kind == MESSAGE_PERMITS_STATED;
}

// The stream to a group has at least this number from now on.
static err stream_reach(struct decision *decision, group_id destination, uint64_t base) {
    struct key key = key_stream(destination);
    struct stream_row stream = {0};
    err error = row_get(decision->txn, &key, &stream_row_record, decision->arena, &stream);
    if (error.code != ERR_NOT_FOUND) {
        TRY(error);
    }
    if (stream.sequence < base) {
        stream.sequence = base;
        row_put(decision->txn, &key, &stream_row_record, &stream);
    }
    return ERR_NONE;
}

// Messages that wait go on in the new epoch, in their order.
static err move_messages(struct decision *decision, uint64_t base, bool *out_all) {
    struct old_message *old = ARENA_ARRAY(decision->arena, struct old_message, LIMIT_RENEWAL_ROWS);
    uint32_t count = find_old(decision, base, old, out_all);
    for (uint32_t i = 0; i < count; i++) {
        const struct key_outbox_parts *at = &old[i].at;
        struct message_row message = {0};
        TRY(wire_decode(&message_row_record, old[i].value, decision->arena, &message));
        struct key key = key_outbox(at->destination, at->sequence);
        store_txn_del(decision->txn, key_bytes(&key));
        if (!is_of_permits(&message)) {
            TRY(stream_reach(decision, at->destination, base));
            TRY(message_send(decision, at->destination, &message));
        }
    }
    return ERR_NONE;
}

static err streams_begin(struct decision *decision, uint64_t base) {
    for (uint32_t group = 1; group < decision->settings->group_count; group++) {
        TRY(stream_reach(decision, (group_id)group, base));
        struct watermark_row watermark = {.sequence = base};
        struct key key = key_inbox((uint16_t)group);
        row_put(decision->txn, &key, &watermark_row_record, &watermark);
    }
    return ERR_NONE;
}

// --- the walk ------------------------------------------------------------------------------------

static err say_running(struct workflow *child) {
    struct decision *decision = child->decision;
    // One that went on by itself runs whether its parent waits or not.
    if (id_is_zero(child->row.parent) || (child->row.flags & WORKFLOW_REVIVED) != 0 ||
        mutant_is("orphans_run_on")) {
        return ERR_NONE;
    }
    const struct message_row message = {
        .kind = MESSAGE_CHECK_CHILD,
        .workflow = child->id,
        .parent = child->row.parent,
        .parent_task = child->row.parent_task,
        .parent_run = child->row.parent_run,
        .parent_task_no = child->row.parent_task_no,
        .parent_attempt = child->row.parent_attempt,
    };
    return message_send(decision, message_group_of(decision, child->row.parent), &message);
}

// Numbers of the tasks from `from` on, as many as there is room for. Returns how many.
static uint32_t find_tasks(
    struct decision *decision, const struct workflow *workflow, uint32_t from, uint32_t *numbers
) {
    struct key first = key_task(workflow->id, workflow->row.run, from);
    struct store_cursor *cursor = store_cursor_open(
        decision->store, decision->txn, store_txn_group(decision->txn), key_bytes(&first)
    );
    struct key_task_parts parts;
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    uint32_t count = 0;
    while (count < LIMIT_RENEWAL_ROWS && store_cursor_next(cursor, &key, &value) &&
           key_task_parse(key, &parts) && id_equal(parts.workflow, workflow->id) &&
           parts.run == workflow->row.run) {
        numbers[count++] = parts.task_no;
    }
    store_cursor_close(&cursor);
    return count;
}

// Goes through the tasks of one execution. `row->reached_task` is 0 when it is done.
static err walk_tasks(
    struct decision *decision, struct workflow *workflow, struct renewal_row *row, uint32_t *left
) {
    uint32_t *numbers = ARENA_ARRAY(decision->arena, uint32_t, LIMIT_RENEWAL_ROWS);
    uint32_t count = find_tasks(decision, workflow, row->reached_task, numbers);
    for (uint32_t i = 0; i < count; i++) {
        if (*left == 0 || store_txn_bytes(decision->txn) > LIMIT_DECISION_BYTES) {
            row->reached_task = numbers[i];
            *left = 0;
            return ERR_NONE;
        }
        struct task *task = NULL;
        TRY(task_load(workflow, numbers[i], &task));
        if (!mutant_is("children_not_asked_again")) {
            TRY(sub_workflow_ask_again(task));
        }
        *left -= 1;
    }
    row->reached_task = count == LIMIT_RENEWAL_ROWS ? numbers[count - 1] + 1 : 0;
    return ERR_NONE;
}

static err walk_one(struct decision *decision, id128 id, struct renewal_row *row, uint32_t *left) {
    struct workflow *workflow = NULL;
    TRY(workflow_open_id(decision, id, &workflow));
    if (workflow_is_terminal(workflow)) {
        row->reached_task = 0;
        return ERR_NONE;
    }
    if (row->reached_task == 0) {
        TRY(say_running(workflow));
    }
    return walk_tasks(decision, workflow, row, left);
}

// Executions behind `reached`, itself among them while its tasks are not done.
static uint32_t find_executions(
    struct decision *decision, const struct renewal_row *row, id128 *found, bool *out_all
) {
    struct key from = key_workflow(row->reached);
    struct key first = key_kind_prefix(KEY_WORKFLOW);
    bytes begin = id_is_zero(row->reached) ? key_bytes(&first) : key_bytes(&from);
    struct store_cursor *cursor =
        store_cursor_open(decision->store, decision->txn, store_txn_group(decision->txn), begin);
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    uint32_t count = 0;
    id128 id;
    *out_all = true;
    while (store_cursor_next(cursor, &key, &value) && key_workflow_parse(key, &id)) {
        if (id_equal(id, row->reached) && row->reached_task == 0) {
            continue;
        }
        if (count == LIMIT_RENEWAL_ROWS) {
            *out_all = false;
            break;
        }
        found[count++] = id;
    }
    store_cursor_close(&cursor);
    return count;
}

err renewal_walk(struct decision *decision, bool *out_done) {
    struct renewal_row row;
    TRY(renewal_row_load(decision, &row));
    id128 *found = ARENA_ARRAY(decision->arena, id128, LIMIT_RENEWAL_ROWS);
    bool all = true;
    uint32_t left = LIMIT_RENEWAL_ROWS;
    uint32_t count = find_executions(decision, &row, found, &all);
    uint32_t at = 0;
    for (; at < count && left > 0; at++) {
        // One that was removed meanwhile has nothing that goes on where it was.
        row.reached_task = id_equal(row.reached, found[at]) ? row.reached_task : 0;
        row.reached = found[at];
        left--;
        TRY(walk_one(decision, found[at], &row, &left));
        if (row.reached_task != 0) {
            break;
        }
    }
    *out_done = all && at == count && row.reached_task == 0;
    row.walking = !*out_done;
    renewal_row_save(decision, &row);
    return ERR_NONE;
}

// --- what is asked on the way --------------------------------------------------------------------

err renewal_tell_again(struct decision *decision, const struct message_row *message) {
    struct workflow *child = NULL;
    TRY(workflow_open_id(decision, message->workflow, &child));
    if (!workflow_is_terminal(child) || !id_equal(child->row.parent, message->parent)) {
        return ERR_NONE;
    }
    child->row.flags &= ~(uint32_t)WORKFLOW_ENDED_BY_PARENT;
    child->dirty = true;
    TRY(ending_tell_parent(child));
    workflow_save(child);
    return ERR_NONE;
}

// Whether the parent, as it is now, can never have begun this child or has long forgotten it. One
// whose task was ended by hand is left to run on.
static err is_orphan(struct decision *decision, const struct message_row *message, bool *out_is) {
    struct workflow *parent = NULL;
    err opened = workflow_open_id(decision, message->parent, &parent);
    *out_is = opened.code == ERR_NOT_FOUND;
    if (*out_is) {
        return ERR_NONE;
    }
    TRY(opened);
    *out_is = parent->row.run != message->parent_run ||
              message->parent_task_no >= parent->row.next_task_no;
    if (*out_is) {
        return ERR_NONE;
    }
    struct task *task = NULL;
    TRY(task_find(parent, message->parent_task_no, &task));
    bytes child = workflow_id_text(decision, message->workflow);
    *out_is = task == NULL || !bytes_equal(task->row.child, child) ||
              (workflow_is_terminal(parent) && !task_is_successful(task));
    return ERR_NONE;
}

err renewal_check_child(struct decision *decision, const struct message_row *message) {
    bool orphan = false;
    TRY(is_orphan(decision, message, &orphan));
    if (!orphan) {
        return ERR_NONE;
    }
    struct message_row end = *message;
    end.kind = MESSAGE_TERMINATE_CHILD;
    end.flags = MESSAGE_HAS_REASON;
    end.reason = BYTES_LITERAL("The execution that started it was lost with its copies");
    return message_send(decision, message_group_of(decision, message->workflow), &end);
}
