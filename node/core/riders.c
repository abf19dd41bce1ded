// Rejected: holding urgent messages back for a few ms in the hope of company. Each of them is in
// the way of a client or of a worker.
#include "node/core/riders.h"

#include "node/core/node_internal.h"
#include "proto/base/check.h"
#include "proto/limits.h"

#include <string.h>

static const int64_t NS_PER_MS = 1000000;

// Each as the message it would have been.
static void go_alone(struct node *node, struct node_peer *peer) {
    struct riders *riders = &peer->riders;
    for (uint16_t at = 0; at < riders->size;) {
        uint8_t size = riders->bytes[at];
        node_send_bytes(node, peer->id, LINK_URGENT, bytes_of(riders->bytes + at + 1, size));
        at = (uint16_t)(at + 1 + size);
    }
    riders->size = 0;
}

void riders_add(
    struct node *node,
    uint16_t to,
    enum peer_message_kind kind,
    const struct wire_record *record,
    const void *value
) {
    struct node_peer *peer = node_peer_of(node, to);
    struct buffer message;
    buffer_init(&message, LIMIT_PEER_MESSAGE_BYTES);
    peer_message_write(kind, record, value, &message);
    bytes content = buffer_bytes(&message);
    if (peer == NULL || content.size + 2 > RIDERS_BYTES) {
        node_send_bytes(node, to, LINK_URGENT, content);
        buffer_deinit(&message);
        return;
    }
    struct riders *riders = &peer->riders;
    if (riders->size + content.size + 2 > RIDERS_BYTES) {
        go_alone(node, peer);
    }
    if (riders->size == 0) {
        riders->until.ns = node->mono.ns + LIMIT_RIDE_MS * NS_PER_MS;
    }
    riders->bytes[riders->size] = (uint8_t)content.size;
    memcpy(riders->bytes + riders->size + 1, content.data, content.size);
    riders->size = (uint16_t)(riders->size + 1 + content.size);
    buffer_deinit(&message);
}

bytes riders_take(struct node *node, uint16_t to) {
    struct node_peer *peer = node_peer_of(node, to);
    if (peer == NULL || peer->riders.size == 0) {
        return BYTES_EMPTY;
    }
    struct riders *riders = &peer->riders;
    check(riders->size < RIDERS_BYTES);
    riders->bytes[riders->size] = 0;
    bytes taken = bytes_of(riders->bytes, riders->size + 1U);
    riders->size = 0;
    return taken;
}

err riders_next(bytes *message, bytes *out_rider) {
    if (message->size == 0 || message->size - 1 < message->data[0]) {
        return err_make(ERR_CORRUPT, "a message that ends within another");
    }
    size_t size = message->data[0];
    *out_rider = bytes_slice(*message, 1, 1 + size);
    *message = bytes_slice(*message, 1 + size, message->size);
    return ERR_NONE;
}

void riders_pump(struct node *node) {
    for (size_t i = 0; i < node->peer_count; i++) {
        struct node_peer *peer = &node->peers[i];
        if (!peer->up) {
            peer->riders.size = 0;
        } else if (peer->riders.size > 0 && node->mono.ns >= peer->riders.until.ns) {
            go_alone(node, peer);
        }
    }
}

bool riders_next_wakeup(const struct node *node, mono_time *out_at) {
    bool some = false;
    for (size_t i = 0; i < node->peer_count; i++) {
        const struct riders *riders = &node->peers[i].riders;
        if (riders->size > 0 && (!some || riders->until.ns < out_at->ns)) {
            *out_at = riders->until;
            some = true;
        }
    }
    return some;
}
