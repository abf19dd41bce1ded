// A scheduler to try things on: one store over the memory twins, a clock that stands until told to
// go on, workers and clients as functions. After every command the rows of every group are audited.
#pragma once

#include "proto/base/arena.h"
#include "proto/json/json.h"
#include "proto/limits.h"
#include "scheduler/audit.h"
#include "scheduler/commands/commands.h"
#include "storage/memory/memory.h"
#include "tests/unit/test.h"

#include <string.h>

struct world;

// What a fake evaluator says to a script. The real ones are tested where they live.
struct world_script {
    const char *text;  // NULL: any
    const char *input; // JSON, NULL: any
    enum evaluation_outcome outcome;
    const char *answer;                                  // JSON, or the text of an error
    bytes (*work_out)(struct world *world, bytes input); // instead of `answer`; NULL: none
};

// What commands cost, counted at their commit.
struct world_cost {
    uint64_t entries;   // commands that wrote
    uint64_t bytes;     // of their write-sets
    size_t bytes_max;   // of the largest one
    uint64_t allocated; // arena bytes they took, those given up for a script included: their work
};

struct world {
    struct memory_faults faults;
    struct disk *disk;
    struct sorted_map *map;
    struct store *store;
    struct arena *arena; // of the whole test
    struct random random;
    struct definition_cache *definitions;
    struct scheduler_settings settings;
    struct decision decision; // of the command that runs
    wall_time now;
    bool count_faults; // of the audit, instead of failing the test
    uint32_t faults_seen;
    uint16_t slot; // of the next starts; 0: any
    err last;      // what the newest command said
    struct reply reply;
    struct random random_begun; // as it was when the newest command began
    const struct world_script *scripts;
    size_t script_count;
    uint64_t evaluations;         // answered
    uint64_t evaluated_bytes;     // of their inputs
    uint64_t suspensions;         // decisions that were run again
    bool stages;                  // large bodies are staged
    size_t stages_lost;           // of the next ones: they are begun, and nobody goes on
    struct task_claim claim;      // of the newest poll that got a task
    struct call_claim call_claim; // of the newest call
    struct call call;             // what it asks for
    uint64_t calls;               // claimed

    // For big work: memory of a command goes with it, and rows are audited when asked for
    // (world_audit), not after each command.
    bool is_big;
    struct arena *command_arena;
    struct world_cost cost; // since the test last cleared it
};

void world_init(struct world *world);
void world_deinit(struct world *world);

// Registers definitions; the workflow's lacks nothing but what `json` leaves to defaults.
void world_tasks(struct world *world, const char *json_array);
void world_workflow(struct world *world, const char *json);
// SIMPLE task definitions named by the letters, retryCount 0, responseTimeoutSeconds 3600.
void world_simple(struct world *world, const char *letters);

// --- clients: each call is one command
// --------------------------------------------------------------

// Starts `name` (the newest version) with an input; the id's text. Fails the test when refused.
bytes world_start(struct world *world, const char *name, const char *input);
// Starts with a whole StartWorkflowRequest; the outcome is in world->last.
bytes world_start_request(struct world *world, const char *request);
// The same start once more, under the same id.
void world_repeat_start(struct world *world, bytes id, const char *name);
void world_pause(struct world *world, bytes workflow);
void world_resume(struct world *world, bytes workflow);
void world_terminate(struct world *world, bytes workflow, const char *reason);

// The verbs of an ended execution; the outcome is in world->last.
void world_restart(struct world *world, bytes workflow, bool latest_definition);
void world_retry(struct world *world, bytes workflow);
// With resumeSubworkflowTasks, as the core walks down.
void world_retry_deepest(struct world *world, bytes workflow);
// A RerunWorkflowRequest as JSON.
void world_rerun(struct world *world, bytes workflow, const char *request);
void world_skip(struct world *world, bytes workflow, const char *reference, const char *request);
void world_reset_callbacks(struct world *world, bytes workflow);
void world_remove(struct world *world, bytes workflow, bool archive);
void world_signal(struct world *world, bytes task, const char *status, const char *output);

// Rows in all groups of one kind, or of one part of runs: S tasks, R references, B blobs, E log
// lines, X stages.
uint64_t world_rows(struct world *world, char letter);

// The execution with its tasks; NULL data when there is none.
bytes world_get(struct world *world, bytes workflow);
bytes world_get_status(struct world *world, bytes workflow, bool output, bool variables);
// T-16 in the partition of world->slot.
bytes world_requeue(struct world *world, const char *type);

// --- workers
// ----------------------------------------------------------------------------------------

// The task that a poll of the type gets, or BYTES_EMPTY.
bytes world_poll(struct world *world, const char *type);
bytes world_poll_domain(struct world *world, const char *type, const char *domain);

// Claims the next task to be called; false: there is none, or it ended without a call.
bool world_call(struct world *world);
// The answer to it.
void world_called(struct world *world, int32_t status, const char *headers, const char *body);
void world_called_with(
    struct world *world, const struct call_claim *claim, const struct call_result *result
);

// Attests that the worker never got the task of a claim.
void world_return(struct world *world, const struct task_claim *claim);

// A poll of this (type, domain) was seen now.
void world_record_poll(struct world *world, const char *type, const char *domain);

// Reports a result for the newest attempt of a reference: `members` are more members of the
// TaskResult, for example `"outputData":{"x":1}`, or NULL.
void world_result(
    struct world *world,
    bytes workflow,
    const char *reference,
    const char *status,
    const char *members
);
void world_complete(struct world *world, bytes workflow, const char *reference, const char *output);
void world_fail(struct world *world, bytes workflow, const char *reference, const char *reason);
// Reports for a task by its id.
void world_result_of(
    struct world *world, bytes workflow, bytes task, const char *status, const char *members
);

// Reports by reference name (T-5).
void world_by_reference(
    struct world *world,
    bytes workflow,
    const char *reference,
    const char *status,
    const char *output
);
void world_extend_lease(struct world *world, bytes workflow, const char *reference);
void world_log(struct world *world, bytes task, const char *text);
// The lines as JSON, BYTES_EMPTY when there are none.
bytes world_logs(struct world *world, bytes task);

// --- time and messages
// --------------------------------------------------------------------------------

// Delivers messages and fires what is due now until nothing happens any more.
void world_settle(struct world *world);
// Fires a timer's key in the partition of a workflow, due or not, there or not.
void world_fire(struct world *world, bytes workflow, bytes timer_key);
// Lets time pass, firing each timer at its moment, and settles.
void world_advance(struct world *world, int64_t ms);

// --- looking
// ------------------------------------------------------------------------------------------

// The value of a path of keys and indices, `tasks.0.status`; JSON null when there is none.
bytes world_at(struct world *world, bytes json, const char *path);
// As text: strings decoded, else the JSON text.
bytes world_text(struct world *world, bytes json, const char *path);
// The newest attempt of a reference as JSON, BYTES_EMPTY when there is none.
bytes world_task(struct world *world, bytes workflow, const char *reference);
// Attempt number `retry` of a reference.
bytes world_attempt(struct world *world, bytes workflow, const char *reference, uint32_t retry);
bytes world_status(struct world *world, bytes workflow);
// `a:COMPLETED b#1:SCHEDULED …` in order of seq.
const char *world_list(struct world *world, bytes workflow);
// Checks the rows of all groups.
void world_audit(struct world *world);
// Messages that no group has taken yet, all groups.
uint64_t world_outbox(struct world *world);

#define world_scripts(world, rules) \
    ((world)->scripts = (rules), (world)->script_count = sizeof(rules) / sizeof((rules)[0]))

// Texts of definitions.
#define S(name) S_WITH(name, "")
#define S_WITH(name, members) \
    "{\"name\":\"" name "\",\"taskReferenceName\":\"" name "\",\"type\":\"SIMPLE\"" members "}"
#define TYPED(type, name, members) \
    "{\"name\":\"" name "\",\"taskReferenceName\":\"" name "\",\"type\":\"" type "\"" members "}"
#define WORKFLOW(tasks) "{\"name\":\"w\",\"tasks\":[" tasks "]}"
#define WORKFLOW_WITH(tasks, members) "{\"name\":\"w\",\"tasks\":[" tasks "]" members "}"

#define assert_list(world, workflow, text) \
    assert_string_equal(world_list((world), (workflow)), (text))
#define assert_at(world, json, path, text) \
    assert_bytes_text(world_text((world), (json), (path)), text)
#define assert_json(world, json, path, text) \
    assert_true(json_equal(world_at((world), (json), (path)), BYTES_LITERAL(text)))
#define assert_status(world, workflow, text) \
    assert_bytes_text(world_status((world), (workflow)), text)
#define assert_starts_with(view, text) assert_true(bytes_starts_with((view), BYTES_LITERAL(text)))

// For cmocka: a world in *state.
int world_setup(void **state);
int world_teardown(void **state);
#define world_test(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
