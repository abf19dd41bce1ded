// Blocks of fixed classes (multiples of 16 up to 512, then four steps for each doubling) are carved
// from the front of one map and kept, when freed, in a list of their class. No joining of
// neighbours: a script lives for microseconds and its heap dies as a whole. A block at the front
// grows in place, which is what the one big string or array of a script needs.
//
// Rejected: a fresh context for each script (90 µs where copying back takes 3), and one context
// with frozen globals (assigning `toString` to an object of one's own then fails, top-level
// variables need a wrapper, and what cannot be frozen still leaks).
#include "node/eval/evaluator/heap.h"

#include "proto/base/check.h"
#include "proto/limits.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    UNIT = 16,
    SMALL_MAX = 512,
    SMALL_CLASSES = SMALL_MAX / UNIT + 1,
    CLASSES = SMALL_CLASSES + 4 * 48,
};

struct block {
    size_t size; // usable, a multiple of UNIT
    struct block *next;
};

_Static_assert(sizeof(struct block) == UNIT, "a block's head keeps the alignment");

// What changes with every call, in one piece to be put back.
struct position {
    size_t used;
    struct block *free[CLASSES];
};

struct heap {
    uint8_t *base;
    size_t size_max;
    struct position now;
    struct position remembered;
    uint8_t *copy;
};

struct heap *heap_create(size_t size_max) {
    void *base = mmap(
        NULL, size_max, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0
    );
    if (base == MAP_FAILED) {
        return NULL;
    }
    struct heap *heap = calloc(1, sizeof(*heap));
    check(heap != NULL);
    heap->base = base;
    heap->size_max = size_max;
    return heap;
}

// The class whose blocks are at least `size` (a multiple of UNIT), and their size.
static size_t class_of(size_t size, size_t *out_size) {
    if (size <= SMALL_MAX) {
        *out_size = size;
        return size / UNIT;
    }
    unsigned doubling = 63U - (unsigned)__builtin_clzll(size - 1);
    size_t step = (size_t)1 << (doubling - 2);
    size_t steps = (size - 1 - ((size_t)1 << doubling)) / step; // 0…3
    *out_size = ((size_t)1 << doubling) + (steps + 1) * step;
    return SMALL_CLASSES + 4 * (doubling - 9) + steps;
}

void *heap_alloc(struct heap *heap, size_t size) {
    if (size > heap->size_max) {
        return NULL;
    }
    size_t block_size = 0;
    size_t class = class_of(size < UNIT ? UNIT : (size + UNIT - 1) / UNIT * UNIT, &block_size);
    struct block *block = heap->now.free[class];
    if (block != NULL) {
        heap->now.free[class] = block->next;
        return block + 1;
    }
    if (heap->size_max - heap->now.used < block_size + sizeof(*block)) {
        return NULL;
    }
    block = (struct block *)(void *)(heap->base + heap->now.used);
    block->size = block_size;
    heap->now.used += sizeof(*block) + block_size;
    return block + 1;
}

void heap_free(struct heap *heap, void *at) {
    if (at == NULL) {
        return;
    }
    struct block *block = (struct block *)at - 1;
    size_t block_size = 0;
    size_t class = class_of(block->size, &block_size);
    check(block_size == block->size);
    block->next = heap->now.free[class];
    heap->now.free[class] = block;
}

// Whether the block at the front could be made to hold `size`.
static bool grow_in_place(struct heap *heap, struct block *block, size_t size) {
    uint8_t *end = (uint8_t *)(block + 1) + block->size;
    size_t block_size = 0;
    (void)class_of((size + UNIT - 1) / UNIT * UNIT, &block_size);
    if (end != heap->base + heap->now.used ||
        heap->size_max - heap->now.used < block_size - block->size) {
        return false;
    }
    heap->now.used += block_size - block->size;
    block->size = block_size;
    return true;
}

void *heap_resize(struct heap *heap, void *at, size_t size) {
    if (at == NULL) {
        return heap_alloc(heap, size);
    }
    struct block *block = (struct block *)at - 1;
    if (size <= block->size) {
        return at;
    }
    if (size > heap->size_max) {
        return NULL;
    }
    if (grow_in_place(heap, block, size)) {
        return at;
    }
    void *moved = heap_alloc(heap, size);
    if (moved != NULL) {
        memcpy(moved, at, block->size);
        heap_free(heap, at);
    }
    return moved;
}

size_t heap_block_size(const void *at) {
    return at == NULL ? 0 : ((const struct block *)at - 1)->size;
}

void heap_remember(struct heap *heap) {
    check(heap->copy == NULL);
    heap->copy = malloc(heap->now.used);
    check(heap->copy != NULL);
    memcpy(heap->copy, heap->base, heap->now.used);
    heap->remembered = heap->now;
}

void heap_restore(struct heap *heap) {
    size_t used = heap->now.used;
    heap->now = heap->remembered;
    memcpy(heap->base, heap->copy, heap->now.used);
    if (used > LIMIT_EVALUATION_HEAP_KEPT_BYTES) {
        uint8_t *kept = heap->base + LIMIT_EVALUATION_HEAP_KEPT_BYTES;
        (void)madvise(kept, heap->size_max - LIMIT_EVALUATION_HEAP_KEPT_BYTES, MADV_DONTNEED);
    }
}
