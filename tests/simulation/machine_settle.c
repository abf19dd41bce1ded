// The end of a run: jobs one after the other until nothing is left to write, then the state itself
// is looked at.

#include "proto/base/check.h"
#include "storage/view/row.h"
#include "tests/simulation/machine_internal.h"

enum {
    SETTLE_ROUNDS_MAX = 1000
};

static void check_state_hash(struct machine *machine, group_id group) {
    struct store_cursor *cursor = store_cursor_open(machine->store, NULL, group, BYTES_EMPTY);
    struct row_room room = {0};
    hash128 sum = {0, 0};
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    while (store_cursor_next(cursor, &key, &value)) {
        struct row_key map_key = row_key(group, key);
        sum = row_hash_add(sum, row_hash(&room, row_key_bytes(&map_key), value));
    }
    store_cursor_close(&cursor);
    row_room_deinit(&room);
    hash128 kept = {0, 0};
    err read = store_state_hash(machine->store, group, &kept);
    if (err_is(read) || !hash128_equal(kept, sum)) {
        world_fail(machine->world, "state hash", "of group %u differs from a recount", group);
    }
}

static void settle_core(struct machine *machine) {
    struct node_event event = {
        .kind = NODE_LOG_DONE,
        .lsn = machine->untold_lsn,
        .mono = clock_mono(&machine->clock),
        .wall = clock_wall(&machine->clock),
    };
    machine->untold_lsn = 0;
    shadow_batch_told(machine->shadow);
    node_step(machine->node, &event, machine->effects);
    (void)machine_follow(machine);
}

// Ends the batch that is out, or the next one. False: there is nothing to write.
static bool settle_log(struct machine *machine) {
    if (machine->batch == NULL) {
        machine->batch = store_batch_begin(machine->store);
        machine->batch_written = false;
        if (machine->batch == NULL && machine->untold_lsn == 0) {
            return false;
        }
        if (machine->batch == NULL) {
            settle_core(machine);
            return true;
        }
        shadow_batch_taken(machine->shadow);
    }
    if (!machine->batch_written) {
        check(!err_is(store_batch_write(machine->batch)));
        shadow_batch_durable(machine->shadow);
    }
    machine->untold_lsn = store_batch_end(machine->store, &machine->batch);
    shadow_batch_ended(machine->shadow);
    settle_core(machine);
    return true;
}

static bool settle_checkpoint(struct machine *machine) {
    if (machine->checkpoint == NULL) {
        machine->checkpoint =
            store_checkpoint_begin(machine->store, clock_mono(&machine->clock), true);
        machine->checkpoint_written = false;
    }
    if (machine->checkpoint == NULL) {
        return false;
    }
    if (!machine->checkpoint_written) {
        check(!err_is(store_checkpoint_write(machine->checkpoint)));
    }
    store_checkpoint_end(machine->store, &machine->checkpoint);
    return true;
}

void machine_settle(struct machine *machine) {
    check(machine->up);
    machine->incarnation++; // what was planned is done here
    for (int round = 0; round < SETTLE_ROUNDS_MAX && !world_failed(machine->world); round++) {
        if (!settle_log(machine) && !settle_checkpoint(machine)) {
            break;
        }
    }
    machine->rows_compared +=
        chronicle_compare(machine->plan.chronicle, machine->store, machine->plan.number);
    for (uint32_t i = 0; i < machine->settings.group_count && !world_failed(machine->world); i++) {
        check_state_hash(machine, (group_id)i);
    }
}
