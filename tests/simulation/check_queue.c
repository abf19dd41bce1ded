// Queues: the best ready task goes first, and a waiting poll does not sit beside ready work.
//
// Both read the Q rows of all groups, which is the truth that matching only guesses at. A second of
// slack covers what is legal: a task that became ready while the claim was under way.

#include "proto/base/hash.h"
#include "scheduler/commands/commands.h"
#include "storage/keys.h"
#include "tests/simulation/checks.h"
#include "tests/simulation/read.h"

static const char *const CHECKER = "queue";

enum {
    SLACK_MS = 1000,
    LED_MS = 6000,          // an answer may be clogged for so long
    POLL_IDLE_MS_MAX = 1200 // invariant 36
};

// The first row of a queue in one group; false: none.
static bool
first_row(struct store *store, group_id group, uint64_t queue, struct key_queue_parts *out_parts) {
    struct key prefix = key_queue_prefix(queue);
    struct store_cursor *cursor = store_cursor_open(store, NULL, group, key_bytes(&prefix));
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    bool found = store_cursor_next(cursor, &key, &value) &&
                 bytes_starts_with(key, key_bytes(&prefix)) && key_queue_parse(key, out_parts);
    store_cursor_close(&cursor);
    return found;
}

static bool is_limited(struct scene *scene, bytes type) {
    for (uint32_t i = 0; i < scene->flows.type_count; i++) {
        if (bytes_equal_text(type, scene->flows.types[i].name)) {
            return task_type_is_limited(&scene->flows.types[i]);
        }
    }
    return false;
}

// When any node was last told that a client is gone.
static int64_t last_gone_ms(const struct scene *scene) {
    int64_t last_ms = 0;
    for (uint16_t number = 1; number <= fleet_size(scene->fleet); number++) {
        const struct machine *machine = fleet_machine(scene->fleet, number);
        int64_t ms = machine == NULL ? 0 : machine_last_gone(machine).ms;
        last_ms = ms > last_ms ? ms : last_ms;
    }
    return last_ms;
}

static group_id group_of(struct scene *scene, bytes task) {
    bytes workflow = read_text(task, "workflowInstanceId", scene->scratch);
    return decision_group_of(fleet_settings(scene->fleet), workflow);
}

void check_priority(struct scene *scene, bytes task) {
    bytes domain = read_text(task, "domain", scene->scratch);
    bytes type = read_text(task, "taskType", scene->scratch);
    uint64_t queue = queue_hash(queue_name(type, domain, scene->scratch));
    int64_t priority = read_int(task, "workflowPriority");
    // The time of this hand-out; startTime is the time of the first.
    int64_t claimed_ms = read_int(task, "updateTime");
    if (last_gone_ms(scene) >= claimed_ms - SLACK_MS) {
        return; // a better one may just have come back
    }
    if (is_limited(scene, type)) {
        return; // a better one may have been refused before a permit came back
    }
    uint16_t giver = fleet_leader(scene->fleet, group_of(scene, task));
    uint32_t groups = fleet_settings(scene->fleet)->group_count;
    for (uint32_t group = 0; group < groups && giver != 0; group++) {
        // A node knows what is best among the groups it leads, and led when it chose.
        if (fleet_leader(scene->fleet, (group_id)group) != giver ||
            (!fleet_is_alone(scene->fleet) &&
             fleet_led_ns(scene->fleet, giver, (group_id)group) < LED_MS * WORLD_MS)) {
            continue;
        }
        struct store *store = machine_store(fleet_machine(scene->fleet, giver));
        struct key_queue_parts row;
        if (first_row(store, (group_id)group, queue, &row) && row.priority > priority &&
            row.ready_ms < claimed_ms - SLACK_MS) {
            world_fail(
                scene->world,
                CHECKER,
                "task %s of priority %lld was handed out before one of priority %u, ready for %lld "
                "ms",
                id_text(read_id(task, "taskId")).text,
                (long long)priority,
                row.priority,
                (long long)(claimed_ms - row.ready_ms)
            );
        }
    }
}

// Whether the leader of a group could not hand out anything within the time a poll may wait: while
// a checkpoint takes longer than that and the overlay is full, every decision is refused (503, the
// disk cannot keep up), claims too. With the checkpoint's end the time begins anew.
static bool had_no_room(struct scene *scene, group_id group) {
    const struct machine *machine = fleet_machine(scene->fleet, fleet_leader(scene->fleet, group));
    int64_t full_ns = machine == NULL ? 0 : machine_last_full(machine).ns;
    int64_t since_ns = world_mono(scene->world).ns - full_ns;
    return full_ns != 0 && since_ns <= POLL_IDLE_MS_MAX * WORLD_MS;
}

void check_poll_is_not_idle(
    struct scene *scene, const char *type, const char *domain, int64_t waited_ms
) {
    if (waited_ms <= POLL_IDLE_MS_MAX || is_limited(scene, bytes_from_text(type))) {
        return;
    }
    bytes name = queue_name(bytes_from_text(type), bytes_from_text(domain), scene->scratch);
    uint32_t groups = fleet_settings(scene->fleet)->group_count;
    int64_t now_ms = world_wall(scene->world).ms;
    for (uint32_t group = 0; group < groups; group++) {
        struct store *store = fleet_store(scene->fleet, (group_id)group);
        struct key_queue_parts row;
        if (store != NULL && first_row(store, (group_id)group, queue_hash(name), &row) &&
            now_ms - row.ready_ms > POLL_IDLE_MS_MAX && !had_no_room(scene, (group_id)group)) {
            world_fail(
                scene->world,
                CHECKER,
                "a poll for %s waits for %lld ms beside a task that is ready for %lld ms",
                type,
                (long long)waited_ms,
                (long long)(now_ms - row.ready_ms)
            );
        }
    }
}
