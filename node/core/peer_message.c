#include "node/core/peer_message.h"

#define WIRE_SELF struct peer_forward
WIRE_RECORD(peer_forward, PEER_FORWARD_FIELDS)
#undef WIRE_SELF
#define WIRE_SELF struct peer_answer
WIRE_RECORD(peer_answer, PEER_ANSWER_FIELDS)
#undef WIRE_SELF
#define WIRE_SELF struct peer_part
WIRE_RECORD(peer_part, PEER_PART_FIELDS)
#undef WIRE_SELF
#define WIRE_SELF struct peer_want
WIRE_RECORD(peer_want, PEER_WANT_FIELDS)
#undef WIRE_SELF
#define WIRE_SELF struct peer_delivery
WIRE_RECORD(peer_delivery, PEER_DELIVERY_FIELDS)
#undef WIRE_SELF
#define WIRE_SELF struct peer_interest
WIRE_RECORD(peer_interest, PEER_INTEREST_FIELDS)
#undef WIRE_SELF
#define WIRE_SELF struct peer_hint
WIRE_RECORD(peer_hint, PEER_HINT_FIELDS)
#undef WIRE_SELF
#define WIRE_SELF struct peer_stream
WIRE_RECORD(peer_stream, PEER_STREAM_FIELDS)
#undef WIRE_SELF
#define WIRE_SELF struct peer_applied
WIRE_RECORD(peer_applied, PEER_APPLIED_FIELDS)
#undef WIRE_SELF
#define WIRE_SELF struct peer_polled
WIRE_RECORD(peer_polled, PEER_POLLED_FIELDS)
#undef WIRE_SELF
#define WIRE_SELF struct peer_catalog
WIRE_RECORD(peer_catalog, PEER_CATALOG_FIELDS)
#undef WIRE_SELF
#define WIRE_SELF struct peer_leads
WIRE_RECORD(peer_leads, PEER_LEADS_FIELDS)
#undef WIRE_SELF
#define WIRE_SELF struct peer_fitness
WIRE_RECORD(peer_fitness, PEER_FITNESS_FIELDS)
#undef WIRE_SELF
#define WIRE_SELF struct peer_truth
WIRE_RECORD(peer_truth, PEER_TRUTH_FIELDS)
#undef WIRE_SELF
#define WIRE_SELF struct peer_report
WIRE_RECORD(peer_report, PEER_REPORT_FIELDS)
#undef WIRE_SELF
#define WIRE_SELF struct peer_progress
WIRE_RECORD(peer_progress, PEER_PROGRESS_FIELDS)
#undef WIRE_SELF
#define WIRE_SELF struct peer_outside
WIRE_RECORD(peer_outside, PEER_OUTSIDE_FIELDS)
#undef WIRE_SELF
#define WIRE_SELF struct peer_attest
WIRE_RECORD(peer_attest, PEER_ATTEST_FIELDS)
#undef WIRE_SELF

void peer_message_write(
    enum peer_message_kind kind,
    const struct wire_record *record,
    const void *value,
    struct buffer *out
) {
    buffer_append_byte(out, (uint8_t)kind);
    wire_encode(record, value, out);
}

err peer_message_read(bytes message, enum peer_message_kind *out_kind, bytes *out_content) {
    if (message.size == 0 || message.data[0] == 0 || message.data[0] >= PEER_MESSAGE_KINDS) {
        return err_make(ERR_CORRUPT, "a message of a kind that this release does not know");
    }
    *out_kind = (enum peer_message_kind)message.data[0];
    *out_content = bytes_slice(message, 1, message.size);
    return ERR_NONE;
}
