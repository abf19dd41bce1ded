// Rows in key order, in memory: a skip list whose nodes point at keys and values elsewhere.
//
// Belongs to one thread. Deterministic: heights come from a counter.
#pragma once

#include "proto/base/attr.h"
#include "proto/base/bytes.h"
#include "storage/store.h"

enum {
    ORDERED_HEIGHT_MAX = 10 // of 4-way levels: a million rows
};

struct ordered_node {
    uint64_t head;  // the key's first 8 bytes as a number: most comparisons end there
    bytes key;      // borrowed
    bytes value;    // borrowed; data NULL: the row is deleted
    uint64_t index; // of the entry that wrote it, or a place in it
    uint8_t height;
    struct ordered_node *next[];
};

struct ordered {
    struct ordered_node *first[ORDERED_HEIGHT_MAX];
    size_t count;
    size_t bytes;   // of memory for nodes
    uint64_t drawn; // of heights
};

// Starts empty; `seed` varies the heights.
void ordered_init(struct ordered *ordered, uint64_t seed);

// Frees all nodes; usable again.
void ordered_clear(struct ordered *ordered);

// The row of `key`, or NULL.
struct ordered_node *ordered_find(const struct ordered *ordered, bytes key);

// The first row ≥ `from`, or > `from` when `after`; NULL when there is none.
struct ordered_node *ordered_seek(const struct ordered *ordered, bytes from, bool after);

// The row of `key`, made when it is not there. A new row's key is `key` itself, its value empty.
struct ordered_node *ordered_put(struct ordered *ordered, bytes key, bool *out_fresh);

// Moves the first row out of `from` into `into`, or frees it when `into` has its key already: then
// that row gets its key, value and index. Returns the row in `into`.
struct ordered_node *ordered_move_first(struct ordered *from, struct ordered *into);

// Frees all rows whose index is at most `index`.
void ordered_drop(struct ordered *ordered, uint64_t index);
