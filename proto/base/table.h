// A map from 64-bit keys to pointers. Nothing iterates it, so the order of its slots is nobody's
// business. Keys may be any number; values are never NULL. A table belongs to one thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table_slot {
    uint64_t key;
    void *value; // NULL: free
};

struct table {
    struct table_slot *slots;
    size_t capacity; // a power of two, or 0
    size_t count;
};

// An empty table is all zeroes; it allocates at the first put.
void table_init(struct table *table);
void table_deinit(struct table *table);

// The value of `key`, or NULL.
void *table_get(const struct table *table, uint64_t key);

// Sets the value, replacing an older one.
void table_put(struct table *table, uint64_t key, void *value);

// Takes the key out. Returns its value, or NULL when there was none.
void *table_take(struct table *table, uint64_t key);
