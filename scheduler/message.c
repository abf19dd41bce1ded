// The outbox is empty once everything is acknowledged, so the newest number has a row of its own
// (U): it never goes back, and the receiver's watermark can trust it.
#include "scheduler/message.h"

#include "storage/keys.h"

err message_send(
    struct decision *decision, group_id destination, const struct message_row *message
) {
    struct key stream_key = key_stream(destination);
    struct stream_row stream = {0};
    err error = row_get(decision->txn, &stream_key, &stream_row_record, decision->arena, &stream);
    if (error.code != ERR_NOT_FOUND) {
        TRY(error);
    }
    stream.sequence++;
    row_put(decision->txn, &stream_key, &stream_row_record, &stream);
    struct key key = key_outbox(destination, stream.sequence);
    row_put(decision->txn, &key, &message_row_record, message);
    return ERR_NONE;
}

group_id message_group_of(const struct decision *decision, id128 id) {
    return (group_id)(1 + id_slot(id) % (decision->settings->group_count - 1));
}

group_id decision_group_of(const struct scheduler_settings *settings, bytes id) {
    return (group_id)(1 + id_slot_of_text(id) % (settings->group_count - 1));
}
