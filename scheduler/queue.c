// A Q row's key is rebuilt from what the task row remembers (priority, ready time, sequence), so it
// is always the row that was written that is deleted. The sequence is drawn from the queue's N row,
// which the same step rewrites anyway: a counter of its own would be one more row.
#include "scheduler/queue.h"

#include "proto/base/hash.h"
#include "proto/base/mutant.h"
#include "proto/json/json.h"
#include "scheduler/commands/commands.h"
#include "scheduler/limit.h"
#include "scheduler/tasks/kind.h"
#include "storage/keys.h"

// engine.md §7.6: a domain is active while its newest poll is younger than this.
#define DOMAIN_ACTIVE_MS 10000

static err counters_read(const struct task *task, bytes name, struct queue_counter_row *out_row);
static void counters_write(const struct task *task, const struct queue_counter_row *row);
static uint32_t *counter_of(struct queue_counter_row *row, enum task_place place);
static struct key row_key(const struct task *task, bytes name);
static bool stands_behind(const struct task *task, bytes queue_key);
static err move_to(struct task *task, enum task_place place);
static bytes domain_list(const struct task *task, bytes map);
static err domain_is_active(const struct task *task, bytes domain, bool *out_active);
static bool is_no_domain(bytes name);

bytes queue_name(bytes type, bytes domain, struct arena *arena) {
    if (domain.size == 0) {
        return arena_copy(arena, type);
    }
    return bytes_from_text(arena_format(arena, "%.*s:%.*s", BYTES_ARG(domain), BYTES_ARG(type)));
}

uint64_t queue_hash(bytes name) {
    return hash_sip64(name);
}

group_id poll_row_group(const struct scheduler_settings *settings, bytes type) {
    return (group_id)(1 + hash_sip64(type) % (settings->group_count - 1));
}

bytes queue_name_of(const struct task *task) {
    struct arena *arena = task->workflow->decision->arena;
    bytes type = task_type_text(task->definition);
    if (task_kind_of(task->definition->type)->called) {
        return type; // one queue, served by the server itself
    }
    if (task->definition->has_task_definition) {
        const struct api_task_definition *definition = &task->definition->task_definition;
        if (definition->execution_name_space.size > 0) {
            type = bytes_from_text(arena_format(
                arena, "%.*s@%.*s", BYTES_ARG(type), BYTES_ARG(definition->execution_name_space)
            ));
        }
        if (definition->isolation_group_id.size > 0) {
            type = bytes_from_text(arena_format(
                arena, "%.*s-%.*s", BYTES_ARG(type), BYTES_ARG(definition->isolation_group_id)
            ));
        }
    }
    return queue_name(type, task->row.domain, arena);
}

err queue_enter(struct task *task, int64_t ready_ms) {
    struct workflow *workflow = task->workflow;
    TRY(queue_leave(task));
    task->row.ready_ms = ready_ms;
    if (ready_ms > workflow->decision->now.ms) {
        return move_to(task, TASK_PLACE_DELAYED);
    }
    TRY(move_to(task, TASK_PLACE_READY));
    bytes name = queue_name_of(task);
    struct queue_row row = {
        .queue = name,
        .workflow = workflow->id,
        .run = workflow->row.run,
        .task_no = task->number,
    };
    struct key key = row_key(task, name);
    row_put(workflow->decision->txn, &key, &queue_row_record, &row);
    return ERR_NONE;
}

err queue_claim(struct task *task) {
    check(task->row.place == TASK_PLACE_READY);
    TRY(queue_leave(task));
    return move_to(task, TASK_PLACE_CLAIMED);
}

err queue_leave(struct task *task) {
    if (task->row.place == TASK_PLACE_READY) {
        struct key key = queue_key_of(task);
        store_txn_del(task->workflow->decision->txn, key_bytes(&key));
    }
    return move_to(task, TASK_PLACE_NONE);
}

err queue_find(struct decision *decision, bytes queue_key, struct task **out_task) {
    bytes value = BYTES_EMPTY;
    TRY(store_txn_get(decision->txn, queue_key, &value));
    struct queue_row row = {0};
    value = arena_copy(decision->arena, value);
    TRY(wire_decode(&queue_row_record, value, decision->arena, &row));
    struct workflow *workflow = NULL;
    *out_task = NULL;
    err error = workflow_open_any(decision, row.workflow, &workflow);
    if (error.code != ERR_NOT_FOUND) {
        TRY(error);
    }
    struct task *task = NULL;
    if (!err_is(error) && workflow->row.run == row.run &&
        row.task_no < workflow->row.next_task_no) {
        TRY(task_find(workflow, row.task_no, &task));
    }
    if (task != NULL && (task->is_closing || stands_behind(task, queue_key))) {
        *out_task = task;
    } else {
        store_txn_del(decision->txn, queue_key);
    }
    return ERR_NONE;
}

err queue_ready_count(const struct task *task, uint32_t *out_count) {
    struct queue_counter_row row = {0};
    TRY(counters_read(task, queue_name_of(task), &row));
    *out_count = row.ready;
    return ERR_NONE;
}

struct key queue_key_of(const struct task *task) {
    return row_key(task, queue_name_of(task));
}

static bool stands_behind(const struct task *task, bytes queue_key) {
    if (mutant_is("double_claim")) {
        return !task_is_terminal(task);
    }
    if (task->row.status != API_TASK_SCHEDULED || task->row.place != TASK_PLACE_READY) {
        return false;
    }
    struct key key = queue_key_of(task);
    return bytes_equal(key_bytes(&key), queue_key);
}

err queue_choose_domain(struct task *task) {
    struct workflow *workflow = task->workflow;
    task->row.domain = BYTES_EMPTY;
    task->row.flags &= ~(uint32_t)TASK_HAS_DOMAIN;
    task->dirty = true;
    if (workflow->row.domains_blob == 0) {
        return ERR_NONE;
    }
    bytes map = BYTES_EMPTY;
    TRY(payload_load(
        workflow, (struct payload){workflow->row.domains_blob, workflow->row.domains_bytes}, &map
    ));
    bytes list = domain_list(task, map);
    bytes chosen = BYTES_EMPTY;
    for (size_t at = 0; at <= list.size && list.size > 0;) {
        size_t end = bytes_find(list, at, ',');
        bytes name = bytes_trim(bytes_slice(list, at, end));
        at = end + 1;
        chosen = is_no_domain(name) ? BYTES_EMPTY : name;
        bool active = false;
        if (chosen.size > 0) {
            TRY(domain_is_active(task, chosen, &active));
        }
        if (active) {
            break;
        }
    }
    if (chosen.size > 0) {
        task->row.domain = arena_copy(workflow->decision->arena, chosen);
        task->row.flags |= TASK_HAS_DOMAIN;
    }
    return ERR_NONE;
}

// Counts the task out of the place it had and into the one it gets.
static err move_to(struct task *task, enum task_place place) {
    enum task_place from = (enum task_place)task->row.place;
    if (from == place) {
        return ERR_NONE;
    }
    if (place == TASK_PLACE_CLAIMED) {
        TRY(limit_take(task));
    } else if (from == TASK_PLACE_CLAIMED && !(task->row.status == API_TASK_CANCELED && mutant_is("permit_kept_on_terminate"))) {
        TRY(limit_return(task));
    }
    bytes name = queue_name_of(task);
    struct queue_counter_row row = {0};
    TRY(counters_read(task, name, &row));
    if (from != TASK_PLACE_NONE) {
        uint32_t *counter = counter_of(&row, from);
        check(*counter > 0);
        (*counter)--;
    }
    if (place != TASK_PLACE_NONE) {
        (*counter_of(&row, place))++;
    }
    if (place == TASK_PLACE_READY) {
        task->row.queue_sequence = ++row.sequence;
        task->row.queue_priority = task->workflow->row.priority;
    }
    counters_write(task, &row);
    task->row.place = (uint8_t)place;
    task->dirty = true;
    return ERR_NONE;
}

static err counters_read(const struct task *task, bytes name, struct queue_counter_row *out_row) {
    struct decision *decision = task->workflow->decision;
    struct key key = key_queue_counters(queue_hash(name));
    err error = row_get(decision->txn, &key, &queue_counter_row_record, decision->arena, out_row);
    if (error.code == ERR_NOT_FOUND) {
        *out_row = (struct queue_counter_row){.queue = name};
        return ERR_NONE;
    }
    return error;
}

static void counters_write(const struct task *task, const struct queue_counter_row *row) {
    struct key key = key_queue_counters(queue_hash(row->queue));
    row_put(task->workflow->decision->txn, &key, &queue_counter_row_record, row);
}

static uint32_t *counter_of(struct queue_counter_row *row, enum task_place place) {
    check(place != TASK_PLACE_NONE);
    if (place == TASK_PLACE_READY) {
        return &row->ready;
    }
    return place == TASK_PLACE_DELAYED ? &row->delayed : &row->in_progress;
}

static struct key row_key(const struct task *task, bytes name) {
    return key_queue(
        queue_hash(name), task->row.queue_priority, task->row.ready_ms, task->row.queue_sequence
    );
}

// The comma list that applies to the task's type: its own entry, else `*`.
static bytes domain_list(const struct task *task, bytes map) {
    struct arena *arena = task->workflow->decision->arena;
    bytes value = BYTES_EMPTY;
    bytes list = BYTES_EMPTY;
    if (json_get_text(map, "*", &value) && json_is_string(value)) {
        list = bytes_trim(json_string(value, arena));
    }
    if (json_get(map, task_type_text(task->definition), &value) && json_is_string(value)) {
        list = bytes_trim(json_string(value, arena));
    }
    return list;
}

static err domain_is_active(const struct task *task, bytes domain, bool *out_active) {
    struct decision *decision = task->workflow->decision;
    bytes type = task_type_text(task->definition);
    struct key key = key_poll_data(queue_hash(type), queue_hash(domain));
    bytes value = BYTES_EMPTY;
    err error = store_get(
        decision->store, poll_row_group(decision->settings, type), key_bytes(&key), &value
    );
    *out_active = false;
    if (error.code == ERR_NOT_FOUND) {
        return ERR_NONE;
    }
    TRY(error);
    struct poll_row row = {0};
    TRY(wire_decode(&poll_row_record, value, decision->arena, &row));
    *out_active = decision->now.ms - row.time_ms < DOMAIN_ACTIVE_MS;
    return ERR_NONE;
}

static bool is_no_domain(bytes name) {
    static const char wanted[] = "NO_DOMAIN";
    if (name.size != sizeof wanted - 1) {
        return false;
    }
    for (size_t i = 0; i < name.size; i++) {
        uint8_t letter = name.data[i];
        if (letter >= 'a' && letter <= 'z') {
            letter = (uint8_t)(letter - 'a' + 'A');
        }
        if (letter != (uint8_t)wanted[i]) {
            return false;
        }
    }
    return true;
}
