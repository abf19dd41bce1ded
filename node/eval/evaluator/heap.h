// The memory of the JavaScript engine: one run of addresses that can be put back to what it was.
//
// The engine is started once and its heap remembered (heap_remember, about 100 KB); after every
// script that much is copied back, and nothing a script did is left. One thread.
#pragma once

#include <stddef.h>

struct heap;

// A heap of at most `size_max` bytes; only what is touched takes memory. NULL: the system refuses.
// Lives as long as the process.
struct heap *heap_create(size_t size_max);

// What malloc and its relatives do; NULL when the heap is full.
void *heap_alloc(struct heap *heap, size_t size);
void heap_free(struct heap *heap, void *at);
void *heap_resize(struct heap *heap, void *at, size_t size);
size_t heap_block_size(const void *at);

// Takes the present content as the one to come back to. Once.
void heap_remember(struct heap *heap);

// Back to what was remembered: pointers made since are void.
void heap_restore(struct heap *heap);
