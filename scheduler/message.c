// The outbox is empty once everything is acknowledged, so the newest number has a row of its own
// (U): it never goes back, and the receiver's watermark can trust it.
#include "scheduler/message.h"

#include "storage/keys.h"

static void put_row(
    struct decision *decision,
    const struct key *key,
    const struct wire_record *record,
    const void *row
);

err message_send(
    struct decision *decision, group_id destination, const struct message_row *message
) {
    struct key stream_key = key_stream(destination);
    struct stream_row stream = {0};
    bytes value = BYTES_EMPTY;
    err error = store_txn_get(decision->txn, key_bytes(&stream_key), &value);
    if (error.code != ERR_NOT_FOUND) {
        TRY(error);
        TRY(wire_decode(&stream_row_record, value, decision->arena, &stream));
    }
    stream.sequence++;
    put_row(decision, &stream_key, &stream_row_record, &stream);
    struct key key = key_outbox(destination, stream.sequence);
    put_row(decision, &key, &message_row_record, message);
    return ERR_NONE;
}

group_id message_group_of(const struct decision *decision, id128 id) {
    return (group_id)(1 + id_slot(id) % (decision->settings->group_count - 1));
}

group_id decision_group_of(const struct scheduler_settings *settings, bytes id) {
    return (group_id)(1 + id_slot_of_text(id) % (settings->group_count - 1));
}

static void put_row(
    struct decision *decision,
    const struct key *key,
    const struct wire_record *record,
    const void *row
) {
    SCOPED(buffer_deinit) struct buffer buffer;
    buffer_init(&buffer, SIZE_MAX / 2);
    wire_encode(record, row, &buffer);
    store_txn_put(decision->txn, key_bytes(key), buffer_bytes(&buffer));
}
