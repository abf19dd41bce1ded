// What calls came to, brought into their tasks by whoever leads them (distributed.md §9).
//
// A node that made a call tells what came of it to the leader of the task's partition, which may be
// another one by now: as a forwarded request with the claim in it, asked again until its entry is
// committed. The claim makes that safe: a task takes one answer of the claim it is under, however
// often it is told. Thread: core.
#pragma once

#include "proto/wire/wire.h"
#include "scheduler/commands/commands.h"

#include <stdbool.h>

struct node;
struct node_request;
struct peer_answer;

#define CALL_REPORT_FIELDS(FIELD)                 \
    FIELD(1, ID, workflow)                        \
    FIELD(2, U32, run)                            \
    FIELD(3, U32, task_no)                        \
    FIELD(4, U64, executor)                       \
    FIELD(5, U64, number)                         \
    FIELD(6, U8, outcome) /* enum call_outcome */ \
    FIELD(7, U16, status)                         \
    FIELD(8, TEXT, headers)                       \
    FIELD(9, TEXT, body)                          \
    FIELD(10, TEXT, error)
WIRE_STRUCT(call_report, CALL_REPORT_FIELDS);

// The method of a forwarded request whose body is a report.
#define CALL_REPORT_METHOD "CALLED"

// A report as bytes on the C heap; the caller frees them.
bytes call_report_write(const struct call_claim *claim, const struct call_result *result);

// Brings a result into its task, in a group that is led here. False: not now; nothing was done. The
// decision may want bodies staged (stages_look).
MUST_USE bool call_report_decide(
    struct node *node,
    group_id group,
    const struct call_claim *claim,
    const struct call_result *result,
    struct decision *out_decision
);

// Tells the group's leader, for at most `timeout_ms`: calls_reported hears of it, once, perhaps at
// once. The report is copied.
void call_report_send(
    struct node *node, group_id group, uint64_t number, bytes report, int64_t timeout_ms
);

// Another node's report, or this one's, in the body: answers the run once it is committed.
void call_report_run(struct node *node, uint64_t run_id, const struct node_request *http);
