// One direction walks workflows: each is opened like a command would, and every row outside it
// (queue, timer, index, place) must be the one it remembers. The other direction walks those rows:
// each must be remembered by its owner. Both look at one workflow at a time, between commands, so a
// slice can end behind any of them.
//
// Counters are harder: a recount takes the whole group, which goes on meanwhile. So what each
// workflow adds is remembered (its tally); a workflow whose rows change after it was counted is
// counted again; and the counters are compared in the slice in which none is left to be counted
// again. What a slice may cost bounds this, too: an execution of very many tasks is not looked into
// online, and counters are not compared then.
#include "proto/base/check.h"
#include "proto/base/hash.h"
#include "proto/base/mutant.h"
#include "proto/limits.h"
#include "scheduler/audit_internal.h"
#include "scheduler/commands/commands.h"
#include "scheduler/renewal.h"

#include <stdarg.h>

#include <stdio.h>
#include <stdlib.h>

static err go_on(struct audit *audit);
static err workflows(struct audit *audit);
static err again(struct audit *audit);
static err streams(struct audit *audit);
static void next_phase(struct audit *audit, enum audit_phase phase);

// --- life
// -------------------------------------------------------------------------------------------------

struct audit *audit_create(struct store *store, group_id group, uint32_t group_count) {
    struct audit *audit = calloc(1, sizeof(*audit));
    check(audit != NULL);
    audit->store = store;
    audit->group = group;
    audit->group_count = group_count;
    audit->counted = true;
    audit->destination = 1;
    random_init(&audit->random, 1);
    next_phase(audit, AUDIT_WORKFLOWS);
    return audit;
}

void audit_destroy(struct audit **audit) {
    if (*audit != NULL) {
        tallies_forget(*audit);
        free((*audit)->items);
        free((*audit)->dirty);
        table_deinit(&(*audit)->is_dirty);
        table_deinit(&(*audit)->swept);
        free(*audit);
        *audit = NULL;
    }
}

group_id audit_group(const struct audit *audit) {
    return audit->group;
}

bool audit_compared_counters(const struct audit *audit) {
    return audit->counted;
}

// --- slices
// -----------------------------------------------------------------------------------------------

err scheduler_check_invariants(
    struct store *store,
    group_id group,
    uint32_t group_count,
    struct definition_cache *definitions,
    const struct audit_report *report
) {
    struct arena *arena = arena_create(LIMIT_ARENA_BLOCK_BYTES);
    struct audit *audit = audit_create(store, group, group_count);
    audit->whole = true;
    bool done = false;
    err error = audit_slice(audit, UINT32_MAX, definitions, arena, report, &done);
    check(done || err_is(error));
    audit_destroy(&audit);
    arena_destroy(&arena);
    return error.code == ERR_OK ? ERR_NONE : err_make(error.code, "the audit could not read a row");
}

err audit_slice(
    struct audit *audit,
    uint32_t rows,
    struct definition_cache *definitions,
    struct arena *arena,
    const struct audit_report *report,
    bool *out_done
) {
    audit->settings = (struct scheduler_settings){.group_count = audit->group_count};
    audit->report = report;
    audit->rows = rows;
    audit->decision = (struct decision){
        .store = audit->store,
        .arena = arena,
        .now = {store_group(audit->store, audit->group).time_ms},
        .random = &audit->random,
        .definitions = definitions,
        .settings = &audit->settings,
    };
    TRY(store_txn_begin(audit->store, audit->group, &audit->decision.txn));
    err error = ERR_NONE;
    while (!err_is(error) && audit->rows > 0 && audit->phase != AUDIT_DONE) {
        error = go_on(audit);
    }
    store_txn_abort(&audit->decision.txn);
    *out_done = audit->phase == AUDIT_DONE;
    return error;
}

static void next_phase(struct audit *audit, enum audit_phase phase) {
    static const enum key_kind kinds[] = {
        [AUDIT_WORKFLOWS] = KEY_WORKFLOW,
        [AUDIT_AGAIN] = KEY_WORKFLOW,
        [AUDIT_QUEUE_ROWS] = KEY_QUEUE,
        [AUDIT_TIMER_ROWS] = KEY_TIMER,
        [AUDIT_INDEX_ROWS] = KEY_INDEX,
        [AUDIT_BLOBS] = KEY_EXECUTION,
        [AUDIT_STREAMS] = KEY_STREAM,
        [AUDIT_DONE] = KEY_STREAM,
    };
    audit->phase = phase;
    audit->next = key_kind_prefix(kinds[phase]);
}

static err rows_of(struct audit *audit, enum key_kind kind, enum audit_phase after) {
    bool end = false;
    TRY(audit_rows(audit, kind, &end));
    if (end) {
        next_phase(audit, after);
    }
    return ERR_NONE;
}

static err go_on(struct audit *audit) {
    switch (audit->phase) {
    case AUDIT_WORKFLOWS:
        return workflows(audit);
    case AUDIT_AGAIN:
        return again(audit);
    case AUDIT_QUEUE_ROWS:
        return rows_of(audit, KEY_QUEUE, AUDIT_TIMER_ROWS);
    case AUDIT_TIMER_ROWS:
        return rows_of(audit, KEY_TIMER, AUDIT_INDEX_ROWS);
    case AUDIT_INDEX_ROWS:
        return rows_of(audit, KEY_INDEX, AUDIT_BLOBS);
    case AUDIT_BLOBS:
        next_phase(audit, AUDIT_STREAMS);
        return audit->whole ? audit_blobs(audit) : ERR_NONE;
    case AUDIT_STREAMS:
        return streams(audit);
    case AUDIT_DONE:
        break;
    }
    return ERR_NONE;
}

// --- workflows
// --------------------------------------------------------------------------------------------

// The next one, and where to go on behind it. False: no more.
static bool workflow_next(struct audit *audit, id128 *out_id) {
    struct decision *decision = &audit->decision;
    struct store_cursor *cursor =
        store_cursor_open(decision->store, decision->txn, audit->group, key_bytes(&audit->next));
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    bool found = store_cursor_next(cursor, &key, &value) && key_workflow_parse(key, out_id);
    store_cursor_close(&cursor);
    if (found) {
        audit->next = key_workflow(*out_id);
        audit->next.bytes[audit->next.size++] = 0;
    }
    return found;
}

static err workflows(struct audit *audit) {
    id128 id;
    while (audit->rows > 0) {
        if (!workflow_next(audit, &id)) {
            next_phase(audit, AUDIT_AGAIN);
            break;
        }
        TRY(audit_workflow(audit, id));
    }
    return ERR_NONE;
}

static err again(struct audit *audit) {
    while (audit->dirty_count > 0 && audit->rows > 0) {
        id128 id = audit->dirty[--audit->dirty_count];
        (void)table_take(&audit->is_dirty, hash_sip64(bytes_of(id.bytes, sizeof(id.bytes))));
        TRY(audit_workflow_again(audit, id));
    }
    if (audit->dirty_count == 0) {
        TRY(audit_counters(audit));
        tallies_forget(audit);
        next_phase(audit, AUDIT_QUEUE_ROWS);
    }
    return ERR_NONE;
}

void audit_touched(struct audit *audit, id128 workflow) {
    struct key key = key_workflow(workflow);
    bool was_seen = audit->phase == AUDIT_AGAIN ||
                    (audit->phase == AUDIT_WORKFLOWS &&
                     bytes_compare(key_bytes(&key), key_bytes(&audit->next)) < 0);
    uint64_t hash = hash_sip64(bytes_of(workflow.bytes, sizeof(workflow.bytes)));
    if (!was_seen || mutant_is("audit_ignores_changes") ||
        table_get(&audit->is_dirty, hash) != NULL) {
        return;
    }
    if (audit->dirty_count == LIMIT_AUDIT_DIRTY) {
        audit->counted = false; // more is done than can be looked at
        return;
    }
    if (audit->dirty_count == audit->dirty_capacity) {
        audit->dirty_capacity = audit->dirty_capacity == 0 ? 64 : audit->dirty_capacity * 2;
        audit->dirty = realloc(audit->dirty, audit->dirty_capacity * sizeof(workflow));
        check(audit->dirty != NULL);
    }
    audit->dirty[audit->dirty_count++] = workflow;
    table_put(&audit->is_dirty, hash, audit);
}

// --- streams
// ----------------------------------------------------------------------------------------------

// What lies in the outbox for one group.
struct outbox {
    uint64_t first; // 0: nothing
    uint64_t last;
    bool contiguous;
};

static struct outbox outbox_of(struct audit *audit, uint16_t destination) {
    struct decision *decision = &audit->decision;
    struct outbox outbox = {.contiguous = true};
    struct key prefix = key_outbox_prefix(destination);
    struct store_cursor *cursor =
        store_cursor_open(decision->store, decision->txn, audit->group, key_bytes(&prefix));
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    struct key_outbox_parts parts;
    while (store_cursor_next(cursor, &key, &value) && key_outbox_parse(key, &parts) &&
           parts.destination == destination) {
        outbox.contiguous =
            outbox.contiguous && (outbox.last == 0 || parts.sequence == outbox.last + 1);
        outbox.first = outbox.first == 0 ? parts.sequence : outbox.first;
        outbox.last = parts.sequence;
        audit->rows -= audit->rows > 0 ? 1 : 0;
    }
    store_cursor_close(&cursor);
    return outbox;
}

// distributed.md §15.2, 28: numbers without gaps up to the stream's newest, and the receiver not
// past it. Without the receiver's rows only the first can be said.
static err stream(struct audit *audit, uint16_t destination) {
    struct decision *decision = &audit->decision;
    struct key stream_key = key_stream(destination);
    struct stream_row row = {0};
    bytes value = BYTES_EMPTY;
    err error = store_txn_get(decision->txn, key_bytes(&stream_key), &value);
    if (error.code != ERR_NOT_FOUND) {
        TRY(error);
        TRY(wire_decode(&stream_row_record, value, decision->arena, &row));
    }
    const struct audit_report *report = audit->report;
    struct store *other = report->store_of == NULL
                              ? decision->store
                              : report->store_of(report->argument, (group_id)destination);
    struct outbox outbox = outbox_of(audit, destination);
    bool right = outbox.contiguous && (outbox.last == 0 || outbox.last == row.sequence);
    uint64_t applied = 0;
    if (other != NULL) {
        TRY(message_watermark(other, (group_id)destination, audit->group, &applied));
    }
    // After a recovery each group enters the new epoch in its time (renewal.h).
    if (other != NULL && renewal_same_epoch(applied, row.sequence)) {
        right = right && applied <= row.sequence &&
                (outbox.first != 0 ? applied + 1 >= outbox.first : applied == row.sequence);
    }
    if (!right) {
        audit_fault(
            audit,
            28,
            "stream to group %u: messages %llu to %llu, newest %llu, applied %llu",
            destination,
            (unsigned long long)outbox.first,
            (unsigned long long)outbox.last,
            (unsigned long long)row.sequence,
            (unsigned long long)applied
        );
    }
    return ERR_NONE;
}

static err streams(struct audit *audit) {
    while (audit->destination < audit->group_count && audit->rows > 0) {
        TRY(stream(audit, (uint16_t)audit->destination));
        audit->destination++;
        audit->rows -= audit->rows > 0 ? 1 : 0;
    }
    if (audit->destination >= audit->group_count) {
        next_phase(audit, AUDIT_DONE);
    }
    return ERR_NONE;
}

// --- for all phases
// ---------------------------------------------------------------------------------------

bool audit_has_row(struct audit *audit, const struct key *key) {
    bytes value = BYTES_EMPTY;
    return !err_is(store_txn_get(audit->decision.txn, key_bytes(key), &value));
}

void audit_fault(struct audit *audit, uint32_t invariant, const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    check(size >= 0);
    audit->report->fault(audit->report->argument, invariant, text);
}
