// A node keeps one number, the newest mark it has heard of, and not one for each stream: marking a
// group earlier than it had to be is always right, and backups are rare.
#include "node/core/marks.h"

#include "node/core/lead.h"
#include "node/core/node_internal.h"
#include "proto/base/check.h"
#include "proto/base/mutant.h"
#include "proto/limits.h"
#include "scheduler/rows.h"

static const int64_t NS_PER_MS = 1000000;

#define WIRE_SELF struct mark_row
WIRE_RECORD(mark_row, MARK_ROW_FIELDS)
#undef WIRE_SELF

err mark_read(struct node *node, group_id group, struct mark_row *out_row) {
    struct key key = key_mark();
    bytes value = BYTES_EMPTY;
    *out_row = (struct mark_row){0};
    err read = store_get(node->store, group, key_bytes(&key), &value);
    if (read.code == ERR_NOT_FOUND) {
        return ERR_NONE;
    }
    TRY(read);
    return wire_decode(&mark_row_record, arena_copy(node->arena, value), node->arena, out_row);
}

void mark_write(struct store_txn *txn, const struct mark_row *row) {
    struct key key = key_mark();
    row_put(txn, &key, &mark_row_record, row);
}

void marks_lead(struct node *node, group_id group) {
    struct mark_row row;
    err read = mark_read(node, group, &row);
    check(!err_is(read));
    node->groups[group].mark = row.mark;
    node->groups[group].restoring = row.restoring;
    marks_heard(node, row.mark);
}

void marks_heard(struct node *node, uint64_t mark) {
    if (mark > node->mark) {
        node->mark = mark;
    }
}

err marks_make(struct node *node, group_id group, uint64_t mark, struct gate *out_gate) {
    struct decision decision;
    TRY(node_decision_begin(node, group, &decision));
    struct mark_row row;
    err read = mark_read(node, group, &row);
    check(!err_is(read));
    row.mark = mark;
    row.index = node->groups[group].last_index + 1;
    mark_write(decision.txn, &row);
    *out_gate = node_decision_commit(node, &decision);
    check(out_gate->index == row.index);
    node->groups[group].mark = mark;
    return ERR_NONE;
}

bool marks_reach(struct node *node, group_id group) {
    struct gate gate;
    return node->groups[group].mark >= node->mark || mutant_is("mark_not_carried") ||
           !err_is(marks_make(node, group, node->mark, &gate));
}

static void holds_end(struct node *node);

void marks_pump(struct node *node) {
    if (node->backup_until.ns != 0) {
        holds_end(node);
    }
    for (uint32_t group = 1; group < node->settings.group_count && node->mark > 0; group++) {
        if (node->groups[group].leading && !marks_reach(node, (group_id)group)) {
            node->more_to_do = node->more_to_do || lead_may_decide(node, (group_id)group);
        }
    }
}

// --- the log of a group that is read
// ---------------------------------------------------------------------------------

void marks_hold(struct node *node, group_id id, log_index from) {
    struct group *group = &node->groups[id];
    if (from > 0) {
        group->held_from = from;
        store_hold_for_backup(node->store, id, from);
    }
    if (group->held_from > 0) {
        group->held_until.ns = node->mono.ns + LIMIT_BACKUP_HOLD_MS * NS_PER_MS;
        node->backup_until = group->held_until;
    }
}

// The client is done, or gone.
static void holds_end(struct node *node) {
    for (uint32_t id = 0; id < node->settings.group_count; id++) {
        struct group *group = &node->groups[id];
        if (group->held_from > 0 && group->held_until.ns <= node->mono.ns) {
            group->held_from = 0;
            store_hold_for_backup(node->store, (group_id)id, 0);
        }
    }
    if (node->backup_until.ns <= node->mono.ns) {
        node->backup_until.ns = 0;
    }
}

bool marks_next_wakeup(const struct node *node, mono_time *out_at) {
    *out_at = node->backup_until;
    return node->backup_until.ns != 0;
}

bool marks_restoring(struct node *node, group_id group) {
    struct mark_row row;
    err read = mark_read(node, group, &row);
    check(!err_is(read));
    return row.restoring;
}
