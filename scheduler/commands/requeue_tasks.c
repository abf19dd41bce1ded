// T-16: puts the waiting tasks of a type back into their queues. Here a waiting task has its row by
// construction (distributed.md §15.2, 22), so there is nothing to put back: the answer is their
// number, and a task in a worker's hands is not handed out a second time.
#include "scheduler/commands/commands.h"
#include "storage/keys.h"

static bool is_of_type(bytes queue, bytes type);

err requeue_tasks(struct decision *decision, bytes type, struct reply *out_reply) {
    struct key prefix = key_kind_prefix(KEY_QUEUE_COUNTERS);
    struct store_cursor *cursor = store_cursor_open(
        decision->store, decision->txn, store_txn_group(decision->txn), key_bytes(&prefix)
    );
    uint64_t count = 0;
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    err error = ERR_NONE;
    while (!err_is(error) && store_cursor_next(cursor, &key, &value) &&
           bytes_starts_with(key, key_bytes(&prefix))) {
        struct queue_counter_row row = {0};
        error = wire_decode(&queue_counter_row_record, value, decision->arena, &row);
        if (!err_is(error) && is_of_type(row.queue, type)) {
            count += row.ready + row.delayed;
        }
    }
    store_cursor_close(&cursor);
    TRY(error);
    const char *text = arena_format(decision->arena, "%llu", (unsigned long long)count);
    *out_reply = (struct reply){.status = 200, .kind = REPLY_TEXT, .body = bytes_from_text(text)};
    return ERR_NONE;
}

// `type` or `domain:type`.
static bool is_of_type(bytes queue, bytes type) {
    if (bytes_equal(queue, type)) {
        return true;
    }
    return queue.size > type.size && bytes_ends_with(queue, type) &&
           queue.data[queue.size - type.size - 1] == ':';
}
