// Compiled programs by their text, the least recently used leaves when there are too many. What a
// program is, only the engine knows. One thread.
#pragma once

#include "proto/base/hash.h"

#include <stddef.h>

struct programs;

// `release` is called for a program that leaves.
struct programs *programs_create(size_t count_max, void (*release)(void *program));

// The program kept under `key`, or NULL; it becomes the most recently used.
void *programs_get(struct programs *programs, hash128 key);

// Keeps `program`, which is not NULL, under a key that has none.
void programs_put(struct programs *programs, hash128 key, void *program);
