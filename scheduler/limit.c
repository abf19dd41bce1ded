// Each group counts its own; a claim adds up what all groups of this node hold. That is exact as
// long as one core owns all groups, because it sees each change at once, committed or not. Permits
// that move between nodes by messages (distributed.md §8) take this file's place.
//
// Hand-outs are kept by the millisecond while few fit a window; above LIMIT_RATE_TIMES they are
// kept by the quantum of the window, rounded up: a token may return a little late, never early.
#include "scheduler/limit.h"

#include "proto/base/hash.h"
#include "proto/base/mutant.h"
#include "proto/limits.h"
#include "storage/keys.h"

static int64_t window_ms(const struct task *task);
static int64_t rate_of(const struct task *task);
static err read_row(const struct task *task, group_id group, struct limit_row *out_row);
static void write_row(const struct task *task, const struct limit_row *row);
static void
prune(const struct task *task, struct limit_row *row, int64_t *in_out_oldest, int64_t *in_out_used);
static int64_t kept_as(const struct task *task, int64_t at_ms);
static void note_time(const struct task *task, struct limit_row *row);

bool limit_is_concurrent(const struct task *task) {
    return task->definition->has_task_definition &&
           task->definition->task_definition.concurrent_exec_limit.value > 0;
}

uint64_t limit_hash(const struct task *task) {
    return hash_sip64(task->definition->task_definition.name);
}

static int64_t window_ms(const struct task *task) {
    return (int64_t)task->definition->task_definition.rate_limit_frequency_in_seconds * 1000;
}

static int64_t rate_of(const struct task *task) {
    bool limited = task->definition->has_task_definition && window_ms(task) > 0;
    return limited ? task->definition->task_definition.rate_limit_per_frequency : 0;
}

err limit_admits(struct task *task, bool *out_admits, int64_t *out_until_ms) {
    bool concurrent = limit_is_concurrent(task);
    int64_t rate = rate_of(task);
    *out_admits = true;
    if (!concurrent && rate <= 0) {
        return ERR_NONE;
    }
    int64_t held = 0;
    int64_t used = 0;
    int64_t oldest_ms = INT64_MAX;
    for (uint32_t group = 1; group < task->workflow->decision->settings->group_count; group++) {
        struct limit_row row = {0};
        TRY(read_row(task, (group_id)group, &row));
        held += row.held;
        prune(task, &row, &oldest_ms, &used);
    }
    if (rate > 0 && used >= rate) {
        *out_admits = false;
        *out_until_ms = oldest_ms + window_ms(task);
    }
    held -= mutant_is("limit_admits_one_more") ? 1 : 0;
    if (concurrent && held >= task->definition->task_definition.concurrent_exec_limit.value) {
        *out_admits = false;
        *out_until_ms = 0;
    }
    return ERR_NONE;
}

err limit_take(struct task *task) {
    bool concurrent = limit_is_concurrent(task);
    bool rated = rate_of(task) > 0;
    if (!concurrent && !rated) {
        return ERR_NONE;
    }
    struct limit_row row = {0};
    TRY(read_row(task, store_txn_group(task->workflow->decision->txn), &row));
    row.held += concurrent ? 1u : 0u;
    row.freed = 0;
    if (rated) {
        note_time(task, &row);
    }
    write_row(task, &row);
    return ERR_NONE;
}

err limit_return(struct task *task) {
    if (!limit_is_concurrent(task)) {
        return ERR_NONE;
    }
    struct limit_row row = {0};
    TRY(read_row(task, store_txn_group(task->workflow->decision->txn), &row));
    check(row.held > 0);
    row.held--;
    row.freed = 1;
    write_row(task, &row);
    return ERR_NONE;
}

err limit_forget(struct task *task) {
    if (rate_of(task) <= 0) {
        return ERR_NONE;
    }
    struct limit_row row = {0};
    TRY(read_row(task, store_txn_group(task->workflow->decision->txn), &row));
    // Its own goes: a newer one stays in the window for longer.
    int64_t at_ms = kept_as(task, task->row.update_ms);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < row.counts.count && i < row.times_ms.count; i++) {
        uint32_t count = row.counts.items[i] - (row.base_ms + row.times_ms.items[i] == at_ms);
        if (count > 0) {
            row.times_ms.items[kept] = row.times_ms.items[i];
            row.counts.items[kept] = count;
            kept++;
        }
    }
    row.times_ms.count = kept;
    row.counts.count = kept;
    row.freed = 1;
    write_row(task, &row);
    return ERR_NONE;
}

static err read_row(const struct task *task, group_id group, struct limit_row *out_row) {
    struct decision *decision = task->workflow->decision;
    struct key key = key_limit(limit_hash(task));
    bytes value = BYTES_EMPTY;
    err error = group == store_txn_group(decision->txn)
                    ? store_txn_get(decision->txn, key_bytes(&key), &value)
                    : store_get(decision->store, group, key_bytes(&key), &value);
    if (error.code == ERR_NOT_FOUND) {
        *out_row = (struct limit_row){0};
        return ERR_NONE;
    }
    TRY(error);
    value = arena_copy(decision->arena, value);
    return wire_decode(&limit_row_record, value, decision->arena, out_row);
}

static void write_row(const struct task *task, const struct limit_row *row) {
    struct key key = key_limit(limit_hash(task));
    struct limit_row named = *row;
    named.name = task->definition->task_definition.name;
    row_put(task->workflow->decision->txn, &key, &limit_row_record, &named);
}

// Drops hand-outs that left the window; adds up the rest.
static void prune(
    const struct task *task, struct limit_row *row, int64_t *in_out_oldest, int64_t *in_out_used
) {
    int64_t from_ms = task->workflow->decision->now.ms - window_ms(task);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < row->counts.count && i < row->times_ms.count; i++) {
        int64_t at_ms = row->base_ms + row->times_ms.items[i];
        if (at_ms <= from_ms) {
            continue;
        }
        *in_out_oldest = at_ms < *in_out_oldest ? at_ms : *in_out_oldest;
        *in_out_used += row->counts.items[i];
        row->times_ms.items[kept] = row->times_ms.items[i];
        row->counts.items[kept] = row->counts.items[i];
        kept++;
    }
    row->times_ms.count = kept;
    row->counts.count = kept;
}

// The time a hand-out is kept by.
static int64_t kept_as(const struct task *task, int64_t at_ms) {
    int64_t quantum_ms =
        rate_of(task) > LIMIT_RATE_TIMES ? window_ms(task) / LIMIT_RATE_TIMES + 1 : 1;
    return (at_ms + quantum_ms - 1) / quantum_ms * quantum_ms;
}

static void note_time(const struct task *task, struct limit_row *row) {
    struct arena *arena = task->workflow->decision->arena;
    int64_t oldest_ms = INT64_MAX;
    int64_t used = 0;
    prune(task, row, &oldest_ms, &used);
    int64_t at_ms = kept_as(task, task->workflow->decision->now.ms);
    uint32_t count = row->counts.count;
    uint32_t *times = ARENA_ARRAY(arena, uint32_t, count + 1);
    uint32_t *counts = ARENA_ARRAY(arena, uint32_t, count + 1);
    int64_t base_ms = count > 0 ? oldest_ms : at_ms;
    for (uint32_t i = 0; i < count; i++) {
        times[i] = (uint32_t)(row->base_ms + row->times_ms.items[i] - base_ms);
        counts[i] = row->counts.items[i];
    }
    if (count > 0 && base_ms + times[count - 1] >= at_ms) {
        counts[count - 1]++;
    } else {
        times[count] = (uint32_t)(at_ms - base_ms);
        counts[count] = 1;
        count++;
    }
    row->base_ms = base_ms;
    row->times_ms.items = times;
    row->counts.items = counts;
    row->times_ms.count = count;
    row->counts.count = count;
}
