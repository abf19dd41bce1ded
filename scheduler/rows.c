// The records of rows.h and of commands.h, defined once each from their field tables.
#include "scheduler/rows.h"

#include "proto/base/check.h"
#include "proto/limits.h"
#include "scheduler/commands/commands.h"
#include "scheduler/frozen.h"
#include "scheduler/limit.h"
#include "scheduler/permit_home.h"

#define WIRE_SELF struct workflow_row
WIRE_RECORD(workflow_row, WORKFLOW_ROW_FIELDS)
#undef WIRE_SELF
#define WIRE_SELF struct task_row
WIRE_RECORD(task_row, TASK_ROW_FIELDS)
#undef WIRE_SELF
#define WIRE_SELF struct reference_row
WIRE_RECORD(reference_row, REFERENCE_ROW_FIELDS)
#undef WIRE_SELF
#define WIRE_SELF struct task_place_row
WIRE_RECORD(task_place_row, TASK_PLACE_ROW_FIELDS)
#undef WIRE_SELF
#define WIRE_SELF struct log_row
WIRE_RECORD(log_row, LOG_ROW_FIELDS)
#undef WIRE_SELF
#define WIRE_SELF struct stage_row
WIRE_RECORD(stage_row, STAGE_ROW_FIELDS)
#undef WIRE_SELF
#define WIRE_SELF struct idempotency_row
WIRE_RECORD(idempotency_row, IDEMPOTENCY_ROW_FIELDS)
#undef WIRE_SELF
#define WIRE_SELF struct message_row
WIRE_RECORD(message_row, MESSAGE_ROW_FIELDS)
#undef WIRE_SELF
#define WIRE_SELF struct stream_row
WIRE_RECORD(stream_row, STREAM_ROW_FIELDS)
#undef WIRE_SELF
#define WIRE_SELF struct watermark_row
WIRE_RECORD(watermark_row, WATERMARK_ROW_FIELDS)
#undef WIRE_SELF
#define WIRE_SELF struct renewal_row
WIRE_RECORD(renewal_row, RENEWAL_ROW_FIELDS)
#undef WIRE_SELF
#define WIRE_SELF struct limit_row
WIRE_RECORD(limit_row, LIMIT_ROW_FIELDS)
#undef WIRE_SELF
#define WIRE_SELF struct frozen_count_row
WIRE_RECORD(frozen_count_row, FROZEN_COUNT_ROW_FIELDS)
#undef WIRE_SELF
#define WIRE_SELF struct permit_home_row
WIRE_RECORD(permit_home_row, PERMIT_HOME_ROW_FIELDS)
#undef WIRE_SELF
#define WIRE_SELF struct queue_row
WIRE_RECORD(queue_row, QUEUE_ROW_FIELDS)
#undef WIRE_SELF
#define WIRE_SELF struct queue_counter_row
WIRE_RECORD(queue_counter_row, QUEUE_COUNTER_FIELDS)
#undef WIRE_SELF
#define WIRE_SELF struct poll_row
WIRE_RECORD(poll_row, POLL_ROW_FIELDS)
#undef WIRE_SELF

err row_get(
    struct store_txn *txn,
    const struct key *key,
    const struct wire_record *record,
    struct arena *arena,
    void *out_row
) {
    bytes value = BYTES_EMPTY;
    TRY(store_txn_get(txn, key_bytes(key), &value));
    // The view of the store dies with the next write, the row must not.
    return wire_decode(record, arena_copy(arena, value), arena, out_row);
}

err row_get_own(
    struct store_txn *txn,
    const struct key *key,
    const struct wire_record *record,
    struct arena *arena,
    void *out_row
) {
    bytes value = BYTES_EMPTY;
    TRY(store_txn_get_own(txn, key_bytes(key), &value));
    return wire_decode(record, arena_copy(arena, value), arena, out_row);
}

void row_put(
    struct store_txn *txn, const struct key *key, const struct wire_record *record, const void *row
) {
    SCOPED(buffer_deinit) struct buffer buffer;
    buffer_init(&buffer, LIMIT_ROW_BYTES);
    wire_encode(record, row, &buffer);
    check(!buffer.overflowed);
    store_txn_put(txn, key_bytes(key), buffer_bytes(&buffer));
}
