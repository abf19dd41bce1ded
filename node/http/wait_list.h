// Connections in the order of their deadlines. Internal to this room.
//
// One list a phase: as every wait of one phase lasts the same, the newest goes to the end and the
// list stays in order by itself. No heap, no clock.
#pragma once

#include "proto/base/time.h"

#include <stdbool.h>
#include <stddef.h>

// Inside what waits; `owner` leads back.
struct wait_node {
    void *owner;
    struct wait_node *previous;
    struct wait_node *next;
    mono_time deadline;
};

struct wait_list {
    struct wait_node *first;
    struct wait_node *last;
    int64_t duration_ns; // 0: no deadline
};

// Puts `node`, which is in no list, at the end, its deadline one duration after `now`.
void wait_list_add(struct wait_list *list, struct wait_node *node, mono_time now);

void wait_list_remove(struct wait_list *list, struct wait_node *node);

// The first node when its deadline is at or before `now`, else NULL.
struct wait_node *wait_list_due(const struct wait_list *list, mono_time now);
