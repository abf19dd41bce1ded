// The fields of a walk, for audit.c and audit_*.c.
#pragma once

#include "proto/base/attr.h"
#include "proto/base/table.h"
#include "scheduler/audit.h"
#include "scheduler/payload.h"
#include "scheduler/task.h"
#include "storage/keys.h"

enum audit_phase {
    AUDIT_WORKFLOWS,  // each with its tasks, and the rows they must have
    AUDIT_AGAIN,      // those that changed since; then, at once, the counters
    AUDIT_QUEUE_ROWS, // each has its task …
    AUDIT_TIMER_ROWS, // … its owner …
    AUDIT_INDEX_ROWS, // … its header
    AUDIT_BLOBS,      // each is named, each name has its bytes; of whole audits only
    AUDIT_STREAMS,
    AUDIT_DONE
};

// What one workflow adds to counters.
enum tally_kind {
    TALLY_READY,
    TALLY_DELAYED,
    TALLY_IN_PROGRESS,
    TALLY_PERMIT,
    TALLY_DEFINITION, // of whole audits only: every execution has one
    TALLY_KINDS
};

struct tally_item {
    uint64_t hash; // of the queue, the limit, or the definition
    enum tally_kind kind;
};

struct tally {
    uint32_t count;
    struct tally_item items[];
};

// A queue or a limit, counted over all workflows.
struct tally_total {
    uint32_t counts[TALLY_KINDS];
    struct tally_total *next;
};

struct audit {
    struct store *store;
    group_id group;
    uint32_t group_count;
    bool whole; // in one slice, whatever it takes
    enum audit_phase phase;
    struct key next; // where the phase goes on
    uint32_t destination;
    bool counted; // nothing was left out of the tallies
    struct table tallies;
    struct table totals;
    struct tally_total *total_first;
    size_t item_count;
    struct tally_item *items; // of the workflow that is being looked at
    uint32_t items_count;
    uint32_t items_capacity;
    id128 *dirty;
    size_t dirty_count;
    size_t dirty_capacity;
    struct table is_dirty;
    struct random random;
    struct table swept; // workflows whose runs are being removed; of whole audits only

    // of the slice
    struct decision decision;
    struct scheduler_settings settings;
    const struct audit_report *report;
    uint32_t rows; // that are left of it
};

// audit_workflow.c: looks at one workflow and all its rows; tallies what it adds to counters.
MUST_USE err audit_workflow(struct audit *audit, id128 id);
MUST_USE err audit_workflow_again(struct audit *audit, id128 id);

// audit_rows.c: rows of one kind, from audit->next on, each with its owner. `*out_end`: no more.
MUST_USE err audit_rows(struct audit *audit, enum key_kind kind, bool *out_end);

// audit_blobs.c: payloads and who names them, after the timers.
MUST_USE err audit_blobs(struct audit *audit);
// Between slices, of one payload that is named: its first and last row are there, and none behind.
void audit_payload(struct audit *audit, struct workflow *workflow, struct payload payload);

// audit_count.c
void tally_item_add(struct audit *audit, uint64_t hash, enum tally_kind kind);
void tally_keep(struct audit *audit, id128 id); // the items are the workflow's, from now on
MUST_USE err audit_counters(struct audit *audit);
void tallies_forget(struct audit *audit);

// audit.c
bool audit_has_row(struct audit *audit, const struct key *key);
PRINTF_LIKE(3, 4)
void audit_fault(struct audit *audit, uint32_t invariant, const char *format, ...);
