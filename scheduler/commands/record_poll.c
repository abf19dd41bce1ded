// Poll data: who polled a (type, domain) last. Choosing a domain reads it (engine.md §7.6).
#include "scheduler/commands/commands.h"
#include "storage/keys.h"

err record_poll(struct decision *decision, const struct poll_row *poll) {
    SCOPED(buffer_deinit) struct buffer buffer;
    buffer_init(&buffer, SIZE_MAX / 2);
    wire_encode(&poll_row_record, poll, &buffer);
    struct key key = key_poll_data(queue_hash(poll->type), queue_hash(poll->domain));
    store_txn_put(decision->txn, key_bytes(&key), buffer_bytes(&buffer));
    return ERR_NONE;
}
