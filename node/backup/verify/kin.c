// A child that ended has told its parent, or the news is on its way: the parent's task is terminal,
// or waits for another attempt, or a message from the child's partition to the parent's is in an
// outbox and not applied.
#include "node/backup/verify/kin.h"

#include "proto/api/enums.h"
#include "proto/limits.h"
#include "scheduler/commands/commands.h"
#include "scheduler/rows.h"

#include <stdio.h>
#include <string.h>

struct kin {
    struct store *store;
    struct arena *arena;
    group_id group;
    uint32_t group_count;
    const struct audit_report *report;
};

static bool ended(uint8_t workflow_status) {
    return workflow_status != API_WORKFLOW_RUNNING && workflow_status != API_WORKFLOW_PAUSED;
}

static bool task_ended(uint8_t status) {
    return status != API_TASK_SCHEDULED && status != API_TASK_IN_PROGRESS;
}

static err load(
    struct kin *kin,
    group_id group,
    const struct key *key,
    const struct wire_record *record,
    void *out_row
) {
    bytes value = BYTES_EMPTY;
    TRY(store_get(kin->store, group, key_bytes(key), &value));
    return wire_decode(record, arena_copy(kin->arena, value), kin->arena, out_row);
}

// Whether something is on its way from this partition to that one.
static err is_under_way(struct kin *kin, group_id to, bool *out_is) {
    struct stream_row stream = {0};
    struct key key = key_stream(to);
    uint64_t applied = 0;
    err read = load(kin, kin->group, &key, &stream_row_record, &stream);
    if (read.code != ERR_NOT_FOUND) {
        TRY(read);
    }
    TRY(message_watermark(kin->store, to, kin->group, &applied));
    *out_is = applied < stream.sequence;
    return ERR_NONE;
}

static err look(struct kin *kin, id128 child, const struct workflow_row *row) {
    struct workflow_row parent = {0};
    struct task_row task = {0};
    group_id home = (group_id)(1 + id_slot(row->parent) % (kin->group_count - 1));
    struct key parent_key = key_workflow(row->parent);
    struct key task_key = key_task(row->parent, row->parent_run, row->parent_task_no);
    err read = load(kin, home, &parent_key, &workflow_row_record, &parent);
    if (!err_is(read)) {
        read = load(kin, home, &task_key, &task_row_record, &task);
    }
    if (err_is(read)) {
        return read.code == ERR_NOT_FOUND ? ERR_NONE
                                          : read; // the parent was removed, or begun anew
    }
    char text[ID_TEXT_BYTES];
    id_format(child, text);
    bool waits = parent.run == row->parent_run && !task_ended(task.status) &&
                 task.retry_count == row->parent_attempt &&
                 bytes_equal(task.child, bytes_of(text, sizeof(text)));
    bool under_way = false;
    TRY(is_under_way(kin, home, &under_way));
    if (waits && !under_way) {
        char fault[160];
        (void)snprintf(
            fault,
            sizeof(fault),
            "execution %.*s ended and its parent's task still waits for it",
            (int)sizeof(text),
            text
        );
        kin->report->fault(kin->report->argument, 29, fault);
    }
    return ERR_NONE;
}

err kin_check(
    struct store *store, group_id group, uint32_t group_count, const struct audit_report *report
) {
    struct kin kin = {
        .store = store,
        .arena = arena_create(LIMIT_ARENA_BLOCK_BYTES),
        .group = group,
        .group_count = group_count,
        .report = report,
    };
    struct key from = key_kind_prefix(KEY_WORKFLOW);
    struct store_cursor *cursor = store_cursor_open(store, NULL, group, key_bytes(&from));
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    id128 child;
    err looked = ERR_NONE;
    while (!err_is(looked) && store_cursor_next(cursor, &key, &value) &&
           key_workflow_parse(key, &child)) {
        struct workflow_row row = {0};
        looked = wire_decode(&workflow_row_record, value, kin.arena, &row);
        bool counts = !err_is(looked) && ended(row.status) && !id_is_zero(row.parent) &&
                      (row.flags & WORKFLOW_ENDED_BY_PARENT) == 0;
        if (counts) {
            looked = look(&kin, child, &row);
        }
        arena_reset(kin.arena);
    }
    store_cursor_close(&cursor);
    arena_destroy(&kin.arena);
    return looked;
}
