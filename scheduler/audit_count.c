// Counters: what each workflow adds is kept beside the sums, so that one that changed is taken out
// and added again.
#include "proto/base/check.h"
#include "proto/base/hash.h"
#include "proto/limits.h"
#include "scheduler/audit_internal.h"
#include "scheduler/commands/commands.h"
#include "scheduler/frozen.h"
#include "scheduler/limit.h"
#include "scheduler/permit.h"
#include "scheduler/timer.h"

#include <stdlib.h>
#include <string.h>

static err queue_counters(struct audit *audit);
static err limits(struct audit *audit);
static err definitions(struct audit *audit);

// --- tallies
// ----------------------------------------------------------------------------------------------

void tally_item_add(struct audit *audit, uint64_t hash, enum tally_kind kind) {
    if (audit->items_count == audit->items_capacity) {
        audit->items_capacity = audit->items_capacity == 0 ? 64 : audit->items_capacity * 2;
        audit->items = realloc(audit->items, audit->items_capacity * sizeof(*audit->items));
        check(audit->items != NULL);
    }
    audit->items[audit->items_count++] = (struct tally_item){hash, kind};
}

static struct tally_total *total_of(struct audit *audit, uint64_t hash) {
    struct tally_total *total = table_get(&audit->totals, hash);
    if (total == NULL) {
        total = calloc(1, sizeof(*total));
        check(total != NULL);
        total->next = audit->total_first;
        audit->total_first = total;
        table_put(&audit->totals, hash, total);
    }
    return total;
}

static void take_out(struct audit *audit, uint64_t workflow) {
    struct tally *tally = table_take(&audit->tallies, workflow);
    for (uint32_t i = 0; tally != NULL && i < tally->count; i++) {
        total_of(audit, tally->items[i].hash)->counts[tally->items[i].kind]--;
        audit->item_count--;
    }
    free(tally);
}

void tally_keep(struct audit *audit, id128 id) {
    uint64_t workflow = hash_sip64(bytes_of(id.bytes, sizeof(id.bytes)));
    take_out(audit, workflow);
    if (audit->items_count == 0 || !audit->counted) {
        return;
    }
    if (!audit->whole && audit->item_count + audit->items_count > LIMIT_AUDIT_TALLIES) {
        audit->counted = false;
        return;
    }
    size_t size = audit->items_count * sizeof(struct tally_item);
    struct tally *tally = malloc(sizeof(*tally) + size);
    check(tally != NULL);
    tally->count = audit->items_count;
    memcpy(tally->items, audit->items, size);
    for (uint32_t i = 0; i < tally->count; i++) {
        total_of(audit, tally->items[i].hash)->counts[tally->items[i].kind]++;
    }
    audit->item_count += tally->count;
    table_put(&audit->tallies, workflow, tally);
}

void tallies_forget(struct audit *audit) {
    for (size_t i = 0; i < audit->tallies.capacity; i++) {
        free(audit->tallies.slots[i].value);
    }
    table_deinit(&audit->tallies);
    table_deinit(&audit->totals);
    table_init(&audit->tallies);
    table_init(&audit->totals);
    while (audit->total_first != NULL) {
        struct tally_total *next = audit->total_first->next;
        free(audit->total_first);
        audit->total_first = next;
    }
    audit->item_count = 0;
}

// --- comparing
// --------------------------------------------------------------------------------------------

err audit_counters(struct audit *audit) {
    TRY(limits(audit));
    if (audit->whole) {
        TRY(definitions(audit));
    }
    return audit->counted ? queue_counters(audit) : ERR_NONE;
}

static void queue_look(struct audit *audit, uint64_t hash, const struct queue_counter_row *row) {
    static const struct tally_total none = {0};
    const struct tally_total *total = table_get(&audit->totals, hash);
    const uint32_t *counts = total != NULL ? total->counts : none.counts;
    if (row->ready != counts[TALLY_READY] || row->delayed != counts[TALLY_DELAYED] ||
        row->in_progress != counts[TALLY_IN_PROGRESS]) {
        audit_fault(
            audit,
            26,
            "queue %.*s counts %u ready, %u delayed, %u in progress; there are %u, %u, %u",
            BYTES_ARG(row->queue),
            row->ready,
            row->delayed,
            row->in_progress,
            counts[TALLY_READY],
            counts[TALLY_DELAYED],
            counts[TALLY_IN_PROGRESS]
        );
    }
}

static err queue_counters(struct audit *audit) {
    struct decision *decision = &audit->decision;
    struct key prefix = key_kind_prefix(KEY_QUEUE_COUNTERS);
    struct store_cursor *cursor =
        store_cursor_open(decision->store, decision->txn, audit->group, key_bytes(&prefix));
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    uint64_t hash = 0;
    err error = ERR_NONE;
    while (!err_is(error) && store_cursor_next(cursor, &key, &value) &&
           key_queue_counters_parse(key, &hash)) {
        struct queue_counter_row row = {0};
        error = wire_decode(&queue_counter_row_record, value, decision->arena, &row);
        if (!err_is(error)) {
            queue_look(audit, hash, &row);
        }
        audit->rows -= audit->rows > 0 ? 1 : 0;
    }
    store_cursor_close(&cursor);
    return error;
}

// As many executions refer to a definition as its count says.
static err definitions(struct audit *audit) {
    struct decision *decision = &audit->decision;
    struct key prefix = key_kind_prefix(KEY_FROZEN_COUNT);
    struct store_cursor *cursor =
        store_cursor_open(decision->store, decision->txn, audit->group, key_bytes(&prefix));
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    err error = ERR_NONE;
    while (!err_is(error) && store_cursor_next(cursor, &key, &value) &&
           bytes_starts_with(key, key_bytes(&prefix))) {
        struct frozen_count_row row = {0};
        const struct tally_total *total = table_get(&audit->totals, bytes_get_u64(key.data + 1));
        uint32_t count = total != NULL ? total->counts[TALLY_DEFINITION] : 0;
        error = wire_decode(&frozen_count_row_record, value, decision->arena, &row);
        if (!err_is(error) && row.count != count) {
            audit_fault(
                audit, 26, "a definition counts %u executions, there are %u", row.count, count
            );
        }
    }
    store_cursor_close(&cursor);
    return error;
}

static void limit_look(struct audit *audit, uint64_t hash, const struct limit_row *row) {
    const struct tally_total *total = table_get(&audit->totals, hash);
    uint32_t held = total != NULL ? total->counts[TALLY_PERMIT] : 0;
    if (row->held != held && audit->counted) {
        audit_fault(
            audit,
            27,
            "limit %.*s has %u permits in use for %u tasks",
            BYTES_ARG(row->name),
            row->held,
            held
        );
    }
    struct key timer = key_timer(row->timer_ms, TIMER_LIMIT, permit_timer_id(hash), 0, 0);
    if (row->timer_ms != 0 && !audit_has_row(audit, &timer)) {
        audit_fault(audit, 23, "limit %.*s has no timer to return permits", BYTES_ARG(row->name));
    }
}

// Permits in use equal the tasks that use one (distributed.md §15.2, 27).
static err limits(struct audit *audit) {
    struct decision *decision = &audit->decision;
    struct key prefix = key_kind_prefix(KEY_LIMIT);
    struct store_cursor *cursor =
        store_cursor_open(decision->store, decision->txn, audit->group, key_bytes(&prefix));
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    uint64_t hash = 0;
    err error = ERR_NONE;
    while (!err_is(error) && store_cursor_next(cursor, &key, &value) &&
           bytes_starts_with(key, key_bytes(&prefix))) {
        struct limit_row row = {0};
        if (!key_limit_parse(key, &hash)) {
            continue; // home's
        }
        error = wire_decode(&limit_row_record, value, decision->arena, &row);
        if (!err_is(error)) {
            limit_look(audit, hash, &row);
        }
        audit->rows -= audit->rows > 0 ? 1 : 0;
    }
    store_cursor_close(&cursor);
    return error;
}
