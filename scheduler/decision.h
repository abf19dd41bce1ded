// What a command may touch while it decides: rows of one group, the catalog, time and chance that
// came with the event, memory that dies with the answer.
#pragma once

#include "proto/api/model.h"
#include "proto/base/arena.h"
#include "proto/base/bytes.h"
#include "proto/base/err.h"
#include "proto/base/random.h"
#include "proto/base/time.h"
#include "proto/limits.h"
#include "proto/wire/wire.h"
#include "scheduler/definition/definition.h"
#include "scheduler/evaluation.h"
#include "storage/store.h"

// How payloads are cut into rows and entries; 0 each: as proto/limits.h says. Tests draw others.
struct staging_bounds {
    uint32_t chunk_bytes; // LIMIT_BLOB_CHUNK_BYTES
    uint32_t bytes;       // LIMIT_STAGE_BYTES
    uint32_t entry_bytes; // LIMIT_STAGE_ENTRY_BYTES, at least a chunk
    int64_t expiry_ms;    // LIMIT_STAGE_EXPIRY_MS
};

// Set once from the configuration (rest-api.md §21).
struct scheduler_settings {
    uint32_t group_count; // partitions are groups 1 … group_count-1; group 0 is the system's
    bool owner_email_mandatory; // ownerEmail checks
    bool name_validation;       // workflow name character set
    bytes server_name;          // workerId of what the server runs itself
    bool permits_travel;        // groups are led by several nodes: limits go by permits (permit.h)
    uint32_t decision_tasks;    // cuts a decision; 0: LIMIT_DECISION_TASKS. Tests draw others
    uint32_t
        answer_tasks; // an execution of more is told in steps of so many; 0: LIMIT_ANSWER_TASKS
    struct staging_bounds staging;
    // Objects of texts by name (engine.md §9.6); data NULL: none.
    bytes secrets;     // `${workflow.secrets.NAME}`, at hand-out only
    bytes environment; // `${workflow.env.NAME}`
};

// What the evaluator answered so far for one decision, found by key. Owned by the core, which runs
// the decision again from its start until it asks for nothing new (distributed.md §5.1).
struct decision_results {
    const hash128 *keys;
    const struct evaluation_result *results;
    size_t count;
    bool allowed;     // false: timers and messages, which never evaluate
    bool record_only; // run again after ERR_LATER: note what happened, decide nothing, CONTINUE
};

// A large body that a decision names and that is not in the log yet.
struct staging_wish {
    id128 workflow;
    uint32_t run;
    uint32_t blob; // a number for as long as this decision lasts
    bytes text;    // in the decision's arena
    struct staging_wish *next;
};

// What a decision has to do with bodies that are written ahead of it (staging.h).
struct decision_staging {
    bool allowed; // false: its bodies lie in its own entry, however large
    bool again;   // it ran before, and what it wanted then is staged
    struct staging_wish *wanted;
    size_t wanted_count;
    size_t bytes; // of bodies that it wants or found
};

struct decision {
    struct store *store;   // reads of the catalog (group 0), committed or not
    struct store_txn *txn; // the rows of the command's own group; all writes go here
    struct arena *arena;   // reply and everything in between
    wall_time now;         // partition time of the entry to be
    struct random *random;
    struct definition_cache *definitions;
    const struct scheduler_settings *settings;
    struct decision_results evaluated;
    struct evaluation wanted[LIMIT_DECISION_WANTED]; // asked for with ERR_SUSPENDED; in the arena
    size_t wanted_count;
    struct evaluation foreseen[LIMIT_DECISION_FORESEEN]; // asked for with those, ahead
    size_t foreseen_count;
    bool reruns_whole;       // in one entry: not every member knows one that is in the middle
    size_t evaluations_used; // found results; from LIMIT_DECISION_EVALUATIONS on the decider cuts
    struct decision_staging staging;
};

// The result of an evaluation, if it is known. ERR_SUSPENDED: not yet; it was added to `wanted`.
// Give the error up to the caller – after asking for others that are needed as well – and the whole
// decision is forgotten and run again later, from the start, with the same now, random numbers and
// the results at hand. ERR_LATER: this command must not evaluate; it is run again to record only.
// `evaluation` must live in the decision's arena; so does the result.
MUST_USE err decision_evaluate(
    struct decision *decision,
    const struct evaluation *evaluation,
    struct evaluation_result *out_result
);

// The result of an evaluation if it is known, else NULL; asks for nothing.
const struct evaluation_result *
decision_known(const struct decision *decision, const struct evaluation *evaluation);

// A decision that waits for a script will probably want this one, too: it is asked for with it,
// unless there are too many. As `evaluation` of decision_evaluate.
void decision_foresee(struct decision *decision, const struct evaluation *evaluation);

// Says when something happened to the execution. Only a decision that waited for scripts, while
// others went on, can be older: then ERR_SUSPENDED with nothing wanted, and `now` is that moment,
// as of which it is to be run again. Else a task could end before it began.
MUST_USE err decision_follow(struct decision *decision, int64_t happened_ms);

enum reply_kind {
    REPLY_VOID,
    REPLY_TEXT,
    REPLY_JSON,
    REPLY_BINARY,
};

struct telling;

// A successful answer. An error answer is the command's `err`: its transaction is then aborted.
struct reply {
    uint16_t status; // 200, 204 …
    enum reply_kind kind;
    bytes body;              // in the decision's arena
    struct telling *telling; // instead of a body: large, told step by step (telling.h); owned
};

// The partition of an execution or task id (distributed.md §2): its slot modulo the partitions,
// plus 1.
group_id decision_group_of(const struct scheduler_settings *settings, bytes id);
