// Every record that is stored or sent, by name. `tests/unit/formats/test_records.c` fails when a
// WIRE_STRUCT of the tree is not here.
#pragma once

#define EVERY_RECORD(RECORD)  \
    RECORD(backup_chunk)      \
    RECORD(call_report)       \
    RECORD(cluster_row)       \
    RECORD(frozen_count_row)  \
    RECORD(idempotency_row)   \
    RECORD(limit_row)         \
    RECORD(link_hello)        \
    RECORD(log_row)           \
    RECORD(look_answer)       \
    RECORD(look_question)     \
    RECORD(mark_row)          \
    RECORD(member_row)        \
    RECORD(message_row)       \
    RECORD(partition_row)     \
    RECORD(peer_answer)       \
    RECORD(peer_applied)      \
    RECORD(peer_attest)       \
    RECORD(peer_catalog)      \
    RECORD(peer_delivery)     \
    RECORD(peer_fitness)      \
    RECORD(peer_forward)      \
    RECORD(peer_hint)         \
    RECORD(peer_interest)     \
    RECORD(peer_leads)        \
    RECORD(peer_outside)      \
    RECORD(peer_part)         \
    RECORD(peer_polled)       \
    RECORD(peer_progress)     \
    RECORD(peer_report)       \
    RECORD(peer_stream)       \
    RECORD(peer_truth)        \
    RECORD(peer_want)         \
    RECORD(permit_home_row)   \
    RECORD(poll_row)          \
    RECORD(queue_counter_row) \
    RECORD(queue_row)         \
    RECORD(reference_row)     \
    RECORD(renewal_row)       \
    RECORD(stage_row)         \
    RECORD(stream_row)        \
    RECORD(swim_datagram)     \
    RECORD(swim_news)         \
    RECORD(task_place_row)    \
    RECORD(task_row)          \
    RECORD(watermark_row)     \
    RECORD(workflow_row)
