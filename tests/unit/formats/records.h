// Every record that is stored or sent, by name. `tests/unit/formats/test_records.c` fails when a
// WIRE_STRUCT of the tree is not here.
#pragma once

#define EVERY_RECORD(RECORD)  \
    RECORD(idempotency_row)   \
    RECORD(limit_row)         \
    RECORD(link_hello)        \
    RECORD(log_row)           \
    RECORD(message_row)       \
    RECORD(peer_answer)       \
    RECORD(peer_applied)      \
    RECORD(peer_catalog)      \
    RECORD(peer_delivery)     \
    RECORD(peer_forward)      \
    RECORD(peer_hint)         \
    RECORD(peer_interest)     \
    RECORD(peer_leads)        \
    RECORD(peer_polled)       \
    RECORD(peer_stream)       \
    RECORD(permit_home_row)   \
    RECORD(poll_row)          \
    RECORD(queue_counter_row) \
    RECORD(queue_row)         \
    RECORD(reference_row)     \
    RECORD(stream_row)        \
    RECORD(swim_datagram)     \
    RECORD(swim_news)         \
    RECORD(task_place_row)    \
    RECORD(task_row)          \
    RECORD(watermark_row)     \
    RECORD(workflow_row)
