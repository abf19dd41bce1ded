// The online auditor (distributed.md §15.2): the groups led here are walked through again and
// again, a few rows at a time, and what must always hold of their rows is checked. It reports –
// EFFECT_FINDING and counts, which must be 0 – and repairs nothing. Thread: core.
#pragma once

#include "proto/base/id.h"
#include "proto/base/time.h"
#include "storage/store.h"

#include <stdbool.h>
#include <stdint.h>

struct node;

// Invariants that have a count of their own; others are counted under the last.
#define AUDITED(INVARIANT)                                          \
    INVARIANT(22, "ready tasks without queue rows, or the reverse") \
    INVARIANT(23, "timers without rows, or the reverse")            \
    INVARIANT(26, "counters that differ from a recount")            \
    INVARIANT(27, "permits in use that differ from a recount")      \
    INVARIANT(28, "messages between groups with gaps")              \
    INVARIANT(32, "index rows that differ from what they are of")   \
    INVARIANT(0, "anything else, rows that cannot be read among them")

enum {
#define AUDITED_ENUM(invariant, meaning) AUDITED_##invariant,
    AUDITED(AUDITED_ENUM)
#undef AUDITED_ENUM
    AUDITED_COUNT
};

struct auditor_stats {
    uint64_t groups;    // walks to their end
    uint64_t uncounted; // of them without a comparison of counters
    uint64_t faults[AUDITED_COUNT];
};

struct auditor;
struct auditor *auditor_create(int64_t rest_ms); // between two walks over all; 0: the release's
void auditor_destroy(struct auditor **auditor);

// A slice, when one is due.
void auditor_pump(struct node *node);
bool auditor_next_wakeup(const struct node *node, mono_time *out_at);

// A row of a workflow was written; leadership of the group ended.
void auditor_touched(struct auditor *auditor, group_id group, id128 workflow);
void auditor_lost(struct auditor *auditor, group_id group);

struct auditor_stats auditor_stats(const struct auditor *auditor);
