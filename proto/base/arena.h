// Memory that dies all at once: one arena a step or request.
//
// Allocation never fails: sizes were checked against proto/limits.h where they came in, and running
// out of memory stops the process. An arena belongs to one thread at a time.
#pragma once

#include "proto/base/attr.h"
#include "proto/base/bytes.h"

struct arena;

// Makes an arena whose first block has `block_bytes`. Owned by the caller: arena_destroy.
struct arena *arena_create(size_t block_bytes);

// Frees `*arena` and everything allocated from it; leaves NULL. Accepts NULL.
void arena_destroy(struct arena **arena);

// Forgets everything allocated; keeps the first block, so that a steady state allocates nothing.
void arena_reset(struct arena *arena);

// `size` zeroed bytes, aligned for any type, valid until reset or destroy. Never NULL.
void *arena_alloc(struct arena *arena, size_t size);

// A copy of `view` in the arena.
bytes arena_copy(struct arena *arena, bytes view);

// A copy of `view` with a terminating zero, for calls to libraries.
const char *arena_text(struct arena *arena, bytes view);

// printf into the arena; zero-terminated.
PRINTF_LIKE(2, 3) const char *arena_format(struct arena *arena, const char *format, ...);

// Bytes handed out since the last reset.
size_t arena_used(const struct arena *arena);

#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count) \
    ((type *)arena_alloc((arena), sizeof(type) * (size_t)(count)))
