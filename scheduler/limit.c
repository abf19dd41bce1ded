// Alone, a claim adds up what all groups of the node hold: exact, because one core sees each change
// at once, committed or not. Among several nodes it looks into the purse of its own group.
#include "scheduler/limit.h"

#include "proto/base/hash.h"
#include "proto/base/mutant.h"
#include "proto/limits.h"
#include "scheduler/permit.h"
#include "scheduler/queue.h"
#include "scheduler/window.h"
#include "storage/keys.h"

static int64_t window_ms(const struct task *task);
static int64_t rate_of(const struct task *task);
static bool travels(const struct task *task);
static uint32_t limit_of(const struct task *task, enum permit_kind kind);
static err add_up(struct task *task, bool *out_admits, int64_t *out_until_ms);
static err ask_purse(struct task *task, uint32_t wanted, bool *out_admits, int64_t *out_until_ms);
static err save(struct task *task, struct permits *permits);
static err came_back(struct task *task, struct permits *permits);
static err read_row(const struct task *task, group_id group, struct limit_row *out_row);
static void write_row(const struct task *task, const struct limit_row *row);

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

static bool travels(const struct task *task) {
    return task->workflow->decision->settings->permits_travel;
}

// 0: it has none of this kind.
static uint32_t limit_of(const struct task *task, enum permit_kind kind) {
    int64_t limit = 0;
    if (kind == PERMIT_RATE) {
        limit = rate_of(task);
    } else if (limit_is_concurrent(task)) {
        limit = task->definition->task_definition.concurrent_exec_limit.value;
    }
    return limit <= 0 ? 0 : limit > UINT32_MAX ? UINT32_MAX : (uint32_t)limit;
}

err limit_admits(struct task *task, uint32_t wanted, bool *out_admits, int64_t *out_until_ms) {
    *out_admits = true;
    *out_until_ms = 0;
    if (!limit_is_concurrent(task) && rate_of(task) <= 0) {
        return ERR_NONE;
    }
    return travels(task) ? ask_purse(task, wanted, out_admits, out_until_ms)
                         : add_up(task, out_admits, out_until_ms);
}

static err add_up(struct task *task, bool *out_admits, int64_t *out_until_ms) {
    bool concurrent = limit_is_concurrent(task);
    int64_t rate = rate_of(task);
    int64_t held = 0;
    int64_t used = 0;
    int64_t oldest_ms = INT64_MAX;
    for (uint32_t group = 1; group < task->workflow->decision->settings->group_count; group++) {
        struct limit_row row = {0};
        TRY(read_row(task, (group_id)group, &row));
        held += row.held;
        int64_t first_ms = INT64_MAX;
        used += window_prune(&row, task->workflow->decision->now.ms, window_ms(task), &first_ms);
        oldest_ms = first_ms < oldest_ms ? first_ms : oldest_ms;
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

// Asks for no more than there are tasks for.
static err ask_purse(struct task *task, uint32_t wanted, bool *out_admits, int64_t *out_until_ms) {
    struct permits permits;
    TRY(permits_open(task->workflow->decision, task->definition->task_definition.name, &permits));
    if (rate_of(task) > 0 && permits.row.window_ms != window_ms(task)) {
        permits.row.window_ms = window_ms(task);
        permits.purses[PERMIT_RATE].limit = 0; // another window is another limit
    }
    uint32_t ready = 0;
    TRY(queue_ready_count(task, &ready));
    wanted = wanted < ready ? wanted : ready;
    wanted = wanted < 1 ? 1 : wanted > LIMIT_PERMITS_ASKED ? LIMIT_PERMITS_ASKED : wanted;
    for (int kind = 0; kind < PERMIT_KINDS && *out_admits; kind++) {
        uint32_t limit = limit_of(task, (enum permit_kind)kind);
        if (limit > 0) {
            TRY(permits_admit(&permits, (enum permit_kind)kind, limit, wanted, out_admits));
        }
        if (!*out_admits && kind == PERMIT_RATE && permits.purses[kind].given > 0) {
            *out_until_ms = permits_next_token_ms(&permits);
        }
    }
    return permits.changed ? permits_save(&permits) : ERR_NONE;
}

err limit_take(struct task *task) {
    bool concurrent = limit_is_concurrent(task);
    bool rated = rate_of(task) > 0;
    if (!concurrent && !rated) {
        return ERR_NONE;
    }
    struct decision *decision = task->workflow->decision;
    struct permits permits;
    TRY(permits_open(decision, task->definition->task_definition.name, &permits));
    if (concurrent) {
        permits.row.held++;
        permits_used(&permits, PERMIT_CONCURRENT);
    }
    if (rated) {
        window_note(
            &permits.row, decision->now.ms, window_ms(task), rate_of(task), decision->arena
        );
        permits_used(&permits, PERMIT_RATE);
    }
    return save(task, &permits);
}

err limit_return(struct task *task) {
    if (!limit_is_concurrent(task)) {
        return ERR_NONE;
    }
    struct permits permits;
    TRY(permits_open(task->workflow->decision, task->definition->task_definition.name, &permits));
    check(permits.row.held > 0);
    permits.row.held--;
    return came_back(task, &permits);
}

err limit_forget(struct task *task) {
    if (rate_of(task) <= 0) {
        return ERR_NONE;
    }
    struct permits permits;
    TRY(permits_open(task->workflow->decision, task->definition->task_definition.name, &permits));
    // Its own goes: a newer one stays in the window for longer.
    window_forget(&permits.row, task->row.update_ms, window_ms(task), rate_of(task));
    return came_back(task, &permits);
}

static err save(struct task *task, struct permits *permits) {
    if (travels(task)) {
        return permits_save(permits);
    }
    write_row(task, &permits->row);
    return ERR_NONE;
}

static err came_back(struct task *task, struct permits *permits) {
    permits->came_back = true;
    permits->row.freed = travels(task) ? 0 : 1;
    return save(task, permits);
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
