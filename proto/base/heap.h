// A binary heap of items of one size, the least by `order` on top. A heap belongs to one thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct heap {
    unsigned char *items;
    size_t count;
    size_t capacity;
    size_t item_bytes;
    int (*order)(const void *left, const void *right); // <0: left goes first
};

void heap_init(struct heap *heap, size_t item_bytes, int (*order)(const void *, const void *));
void heap_deinit(struct heap *heap);
void heap_clear(struct heap *heap);

// Copies the item in.
void heap_push(struct heap *heap, const void *item);

// The first item, or NULL. Borrows: valid until the next change.
const void *heap_top(const struct heap *heap);

// Copies the first item out and removes it. False: empty.
bool heap_pop(struct heap *heap, void *out_item);
