// Messages of one class that wait for a peer: first in, first out, bounded in bytes. A queue
// belongs to one thread.
#pragma once

#include "proto/base/attr.h"
#include "proto/base/bytes.h"

struct link_queue {
    uint8_t *data; // each message behind its size
    size_t begin;
    size_t end;
    size_t capacity;
    size_t bytes_max;
    uint64_t count;
};

// Empty; allocates at the first message. `bytes_max` counts messages and LINK_QUEUE_HEAD_BYTES
// each.
void link_queue_init(struct link_queue *queue, size_t bytes_max);
void link_queue_deinit(struct link_queue *queue);

enum {
    LINK_QUEUE_HEAD_BYTES = 4
};

// Copies the message in. False: it does not fit, nothing changed.
MUST_USE bool link_queue_push(struct link_queue *queue, bytes message);

// The oldest message, or false. Borrows until the next change.
MUST_USE bool link_queue_first(const struct link_queue *queue, bytes *out_message);

// Forgets the oldest message.
void link_queue_pop(struct link_queue *queue);

// Forgets all and gives large memory back. How many they were.
uint64_t link_queue_clear(struct link_queue *queue);

// What waits, heads included.
size_t link_queue_bytes(const struct link_queue *queue);
