#include "tests/unit/node_peer_link/ends.h"

#include "proto/limits.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

void ends_init(struct ends *ends) {
    memset(ends, 0, sizeof(*ends));
    ends->now = (mono_time){INT64_C(5) * 1000 * 1000 * 1000};
    ends->frame = malloc(LIMIT_PEER_FRAME_BYTES);
    assert_non_null(ends->frame);
    for (int end = 0; end < 2; end++) {
        ends->options[end] = (struct link_options){
            .self =
                {
                    .cluster_id = {{0xc1, 0x05}},
                    .node_id = (uint32_t)end + 1,
                    .store_uuid = {{0x50, (uint8_t)end}},
                    .incarnation = 7 + (uint64_t)end,
                    .release_low = 1,
                    .release_high = 2,
                    .release = BYTES_LITERAL("0.1.0"),
                },
            .peer = 2 - (uint32_t)end,
            .key = link_key_from_secret(BYTES_LITERAL("a secret of the cluster")),
            .heartbeat_ms = LIMIT_PEER_HEARTBEAT_MS,
            .silence_ms = LIMIT_PEER_SILENCE_MS,
        };
    }
}

void ends_open(struct ends *ends) {
    for (int end = 0; end < 2; end++) {
        ends->links[end] = link_create(&ends->options[end]);
    }
}

void ends_deinit(struct ends *ends) {
    link_destroy(&ends->links[0]);
    link_destroy(&ends->links[1]);
    free(ends->frame);
}

void ends_connect(struct ends *ends) {
    for (int end = 0; end < 2; end++) {
        uint8_t nonce[LINK_NONCE_BYTES] = {0};
        bytes_put_u64(nonce, ++ends->nonces);
        link_connected(ends->links[end], ends->now, bytes_of(nonce, sizeof(nonce)));
    }
}

void ends_disconnect(struct ends *ends) {
    link_disconnected(ends->links[0], ends->now);
    link_disconnected(ends->links[1], ends->now);
}

bool ends_take_frame(struct ends *ends, int from) {
    size_t size = link_frame_begin(ends->links[from], ends->now);
    assert_in_range(size, 0, LIMIT_PEER_FRAME_BYTES);
    if (size == 0) {
        return false;
    }
    link_frame_finish(ends->links[from], ends->frame);
    ends->frame_bytes = size;
    return true;
}

void ends_give_frame(struct ends *ends, int to) {
    // Of exactly this size, so that reading past it is noticed.
    uint8_t *copy = malloc(ends->frame_bytes > 0 ? ends->frame_bytes : 1);
    assert_non_null(copy);
    memcpy(copy, ends->frame, ends->frame_bytes);
    link_receive(ends->links[to], ends->now, copy, ends->frame_bytes);
    enum peer_class peer_class;
    bytes message;
    while (link_next_message(ends->links[to], &peer_class, &message)) {
    }
    free(copy);
}

bool ends_carry(struct ends *ends, int from) {
    if (!ends_take_frame(ends, from)) {
        return false;
    }
    ends_give_frame(ends, 1 - from);
    return true;
}

void ends_settle(struct ends *ends) {
    bool more = true;
    while (more) {
        more = ends_carry(ends, 0);
        more = ends_carry(ends, 1) || more;
    }
}

void ends_join(struct ends *ends) {
    ends_connect(ends);
    ends_settle(ends);
    assert_true(link_is_up(ends->links[0]));
    assert_true(link_is_up(ends->links[1]));
}

void ends_wait(struct ends *ends, int64_t ms) {
    ends->now.ns += ms * 1000 * 1000;
    link_tick(ends->links[0], ends->now);
    link_tick(ends->links[1], ends->now);
}

const struct peer_counters *ends_counters(const struct ends *ends, int end) {
    return link_counters(ends->links[end]);
}
