// Poll data: who polled a (type, domain) last. Choosing a domain reads it (engine.md §7.6).
#include "scheduler/commands/commands.h"
#include "scheduler/rows.h"

err record_poll(struct decision *decision, const struct poll_row *poll) {
    struct key key = key_poll_data(queue_hash(poll->type), queue_hash(poll->domain));
    row_put(decision->txn, &key, &poll_row_record, poll);
    return ERR_NONE;
}
