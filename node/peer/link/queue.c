// One run of memory, read at its front and written at its end. It slides back to the start when it
// is empty or at least half of it was read, so each byte is moved once on average; every message
// lies in one piece, and a steady state allocates nothing.
#include "node/peer/link/queue.h"

#include "proto/base/check.h"

#include <stdlib.h>
#include <string.h>

enum {
    CAPACITY_FIRST = 4 * 1024,
    CAPACITY_KEPT = 1024 * 1024, // more is given back when the queue is cleared
};

void link_queue_init(struct link_queue *queue, size_t bytes_max) {
    *queue = (struct link_queue){.bytes_max = bytes_max};
}

void link_queue_deinit(struct link_queue *queue) {
    free(queue->data);
    *queue = (struct link_queue){0};
}

static void make_room(struct link_queue *queue, size_t size) {
    size_t used = queue->end - queue->begin;
    if (queue->begin >= used && queue->capacity - used >= size && used > 0) {
        memcpy(queue->data, queue->data + queue->begin, used);
        queue->begin = 0;
        queue->end = used;
    }
    if (queue->capacity - queue->end >= size) {
        return;
    }
    size_t capacity = queue->capacity == 0 ? CAPACITY_FIRST : queue->capacity;
    while (capacity - queue->end < size) {
        capacity *= 2;
    }
    uint8_t *data = realloc(queue->data, capacity);
    check(data != NULL);
    queue->data = data;
    queue->capacity = capacity;
}

bool link_queue_push(struct link_queue *queue, bytes message) {
    size_t used = link_queue_bytes(queue);
    if (message.size > queue->bytes_max ||
        queue->bytes_max - used < message.size + LINK_QUEUE_HEAD_BYTES) {
        return false;
    }
    make_room(queue, message.size + LINK_QUEUE_HEAD_BYTES);
    bytes_put_u32(queue->data + queue->end, (uint32_t)message.size);
    memcpy(queue->data + queue->end + LINK_QUEUE_HEAD_BYTES, message.data, message.size);
    queue->end += LINK_QUEUE_HEAD_BYTES + message.size;
    queue->count++;
    return true;
}

bool link_queue_first(const struct link_queue *queue, bytes *out_message) {
    if (queue->count == 0) {
        return false;
    }
    const uint8_t *at = queue->data + queue->begin;
    *out_message = bytes_of(at + LINK_QUEUE_HEAD_BYTES, bytes_get_u32(at));
    return true;
}

void link_queue_pop(struct link_queue *queue) {
    bytes message = BYTES_EMPTY;
    check(link_queue_first(queue, &message));
    queue->begin += LINK_QUEUE_HEAD_BYTES + message.size;
    queue->count--;
    if (queue->count == 0) {
        queue->begin = 0;
        queue->end = 0;
    }
}

uint64_t link_queue_clear(struct link_queue *queue) {
    uint64_t count = queue->count;
    queue->begin = 0;
    queue->end = 0;
    queue->count = 0;
    if (queue->capacity > CAPACITY_KEPT) {
        free(queue->data);
        queue->data = NULL;
        queue->capacity = 0;
    }
    return count;
}

size_t link_queue_bytes(const struct link_queue *queue) {
    return queue->end - queue->begin;
}
