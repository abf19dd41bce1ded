// The textbook structure over an array that doubles.
#include "proto/base/heap.h"

#include "proto/base/check.h"

#include <stdlib.h>
#include <string.h>

enum {
    HEAP_CAPACITY_FIRST = 16
};

void heap_init(struct heap *heap, size_t item_bytes, int (*order)(const void *, const void *)) {
    *heap = (struct heap){.item_bytes = item_bytes, .order = order};
}

void heap_deinit(struct heap *heap) {
    free(heap->items);
    heap_init(heap, heap->item_bytes, heap->order);
}

void heap_clear(struct heap *heap) {
    heap->count = 0;
}

static unsigned char *item_at(const struct heap *heap, size_t index) {
    return heap->items + index * heap->item_bytes;
}

void heap_push(struct heap *heap, const void *item) {
    if (heap->count == heap->capacity) {
        heap->capacity = heap->capacity == 0 ? HEAP_CAPACITY_FIRST : heap->capacity * 2;
        heap->items = realloc(heap->items, heap->capacity * heap->item_bytes);
        check(heap->items != NULL);
    }
    size_t at = heap->count++;
    while (at > 0) {
        size_t parent = (at - 1) / 2;
        if (heap->order(item, item_at(heap, parent)) >= 0) {
            break;
        }
        memcpy(item_at(heap, at), item_at(heap, parent), heap->item_bytes);
        at = parent;
    }
    memcpy(item_at(heap, at), item, heap->item_bytes);
}

const void *heap_top(const struct heap *heap) {
    return heap->count == 0 ? NULL : heap->items;
}

bool heap_pop(struct heap *heap, void *out_item) {
    if (heap->count == 0) {
        return false;
    }
    memcpy(out_item, heap->items, heap->item_bytes);
    heap->count--;
    const unsigned char *last = item_at(heap, heap->count);
    size_t at = 0;
    for (;;) {
        size_t child = at * 2 + 1;
        if (child >= heap->count) {
            break;
        }
        if (child + 1 < heap->count &&
            heap->order(item_at(heap, child + 1), item_at(heap, child)) < 0) {
            child++;
        }
        if (heap->order(last, item_at(heap, child)) <= 0) {
            break;
        }
        memcpy(item_at(heap, at), item_at(heap, child), heap->item_bytes);
        at = child;
    }
    if (heap->count > 0) {
        memmove(item_at(heap, at), last, heap->item_bytes);
    }
    return true;
}
