// Requests of the pool, in lists that keep their order. A request is in one list at a time. Thread:
// the loop's.
#pragma once

#include "node/eval/pool.h"
#include "proto/base/buffer.h"

// An evaluation asked for.
struct request {
    struct request *next;
    uint64_t serial;
    uint64_t request_id;
    evaluator_pool_callback *callback;
    void *argument;
    uint32_t deaths;  // of processes that were running it
    uint64_t program; // hash of its text
    bool ahead;       // given up when it takes a slice
    struct buffer frame;
};

// An empty one is all zeroes.
struct request_list {
    struct request *first;
    struct request *last;
    uint32_t count;
};

void request_list_append(struct request_list *list, struct request *request);

// The first one, taken out; NULL: none.
struct request *request_list_take(struct request_list *list);

// Moves all of `from` before what is in `to`, in order.
void request_list_prepend(struct request_list *to, struct request_list *from);
