// A chain of blocks; a large request gets a block of its own. Reset keeps the first block.
#include "proto/base/arena.h"

#include "proto/base/check.h"

#include <stdarg.h>

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct block {
    struct block *next;
    size_t size;
    size_t used;
    alignas(max_align_t) uint8_t data[];
};

struct arena {
    struct block *first;
    struct block *current;
    size_t used;
};

static struct block *block_create(size_t size) {
    struct block *block = malloc(sizeof(struct block) + size);
    check(block != NULL);
    block->next = NULL;
    block->size = size;
    block->used = 0;
    return block;
}

struct arena *arena_create(size_t block_bytes) {
    struct arena *arena = malloc(sizeof(*arena));
    check(arena != NULL);
    arena->first = block_create(block_bytes);
    arena->current = arena->first;
    arena->used = 0;
    return arena;
}

static void blocks_free(struct block *block) {
    while (block != NULL) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
}

void arena_destroy(struct arena **arena) {
    if (*arena != NULL) {
        blocks_free((*arena)->first);
        free(*arena);
        *arena = NULL;
    }
}

void arena_reset(struct arena *arena) {
    blocks_free(arena->first->next);
    arena->first->next = NULL;
    arena->first->used = 0;
    arena->current = arena->first;
    arena->used = 0;
}

static void *arena_take(struct arena *arena, size_t size) {
    size_t rounded = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    check(rounded >= size);
    struct block *block = arena->current;
    if (block->size - block->used < rounded) {
        size_t least = arena->first->size;
        struct block *fresh = block_create(rounded > least ? rounded : least);
        block->next = fresh;
        arena->current = fresh;
        block = fresh;
    }
    void *taken = block->data + block->used;
    block->used += rounded;
    arena->used += rounded;
    return taken;
}

void *arena_alloc(struct arena *arena, size_t size) {
    return memset(arena_take(arena, size), 0, size);
}

bytes arena_copy(struct arena *arena, bytes view) {
    if (view.size == 0) {
        return (bytes){(const uint8_t *)"", 0};
    }
    return bytes_of(memcpy(arena_take(arena, view.size), view.data, view.size), view.size);
}

const char *arena_text(struct arena *arena, bytes view) {
    char *text = arena_take(arena, view.size + 1);
    if (view.size > 0) {
        memcpy(text, view.data, view.size);
    }
    text[view.size] = '\0';
    return text;
}

const char *arena_format(struct arena *arena, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    check(size >= 0);
    char *text = arena_take(arena, (size_t)size + 1);
    va_start(arguments, format);
    (void)vsnprintf(text, (size_t)size + 1, format, arguments);
    va_end(arguments);
    return text;
}

size_t arena_used(const struct arena *arena) {
    return arena->used;
}
