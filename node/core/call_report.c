// Rejected: a message and an acknowledgement of its own. Finding the leader, asking again and being
// told that nobody knows are what forward.c does for every other request.
#include "node/core/call_report.h"

#include "node/core/forward.h"
#include "node/core/lead.h"
#include "node/core/node_internal.h"
#include "proto/base/check.h"
#include "proto/limits.h"

#include <stdlib.h>
#include <string.h>

#define WIRE_SELF struct call_report
WIRE_RECORD(call_report, CALL_REPORT_FIELDS)
#undef WIRE_SELF

// --- telling -------------------------------------------------------------------------------------

bytes call_report_write(const struct call_claim *claim, const struct call_result *result) {
    struct call_report report = {
        .workflow = claim->workflow,
        .run = claim->run,
        .task_no = claim->task_no,
        .executor = claim->executor,
        .number = claim->number,
        .outcome = (uint8_t)result->outcome,
        .status = (uint16_t)result->status,
        .headers = result->headers,
        .body = result->body,
        .error = result->error,
    };
    struct buffer out;
    buffer_init(&out, LIMIT_PEER_BODY_BYTES);
    wire_encode(&call_report_record, &report, &out);
    check(!err_is(buffer_status(&out))); // texts of a result are bounded by those of a call
    return buffer_bytes(&out);           // its memory is the caller's
}

void call_report_send(
    struct node *node, group_id group, uint64_t number, bytes report, int64_t timeout_ms
) {
    struct node_request request = {
        .method = BYTES_LITERAL(CALL_REPORT_METHOD),
        .body = report,
    };
    struct forward_wish wish = {
        .purpose = FORWARD_CALLED,
        .request_id = number,
        .request = &request,
        .group = group,
        .idempotent = true,
        .timeout_ms = timeout_ms,
    };
    forward_begin(node, &wish);
}

// --- being told ----------------------------------------------------------------------------------

struct arrival {
    const struct call_claim *claim;
    const struct call_result *result;
};

static err decide(struct decision *decision, void *argument) {
    const struct arrival *arrival = argument;
    return complete_call(decision, arrival->claim, arrival->result);
}

bool call_report_decide(
    struct node *node,
    group_id group,
    const struct call_claim *claim,
    const struct call_result *result,
    struct decision *out_decision
) {
    struct arrival arrival = {claim, result};
    err done = node_decide_to_record_large(node, group, decide, &arrival, out_decision);
    check(!err_is(done) || done.code == ERR_UNAVAILABLE);
    return !err_is(done);
}

static err read_report(
    bytes in, struct arena *arena, struct call_claim *out_claim, struct call_result *out_result
) {
    struct call_report report;
    TRY(wire_decode(&call_report_record, in, arena, &report));
    if (report.outcome >= CALL_OUTCOME_COUNT) {
        return err_make(ERR_CORRUPT, "what another node said of a call makes no sense");
    }
    *out_claim = (struct call_claim){
        .workflow = report.workflow,
        .run = report.run,
        .task_no = report.task_no,
        .executor = report.executor,
        .number = report.number,
    };
    *out_result = (struct call_result){
        .outcome = (enum call_outcome)report.outcome,
        .status = report.status,
        .headers = report.headers,
        .body = report.body,
        .error = report.error,
    };
    return ERR_NONE;
}

static group_id group_of(const struct node *node, id128 workflow) {
    return (group_id)(1 + id_slot(workflow) % (node->settings.group_count - 1));
}

void call_report_run(struct node *node, uint64_t run_id, const struct node_request *http) {
    struct call_claim claim;
    struct call_result result;
    node->random_begun = node->job == NULL ? node->random : node->random_begun;
    err read = read_report(http->body, node->arena, &claim, &result);
    if (err_is(read)) {
        node_answer_error(node, run_id, read, GATE_OPEN);
        return;
    }
    group_id group = group_of(node, claim.workflow);
    if (!lead_may_decide(node, group)) {
        forward_run_refuse(node, run_id, group);
        return;
    }
    struct decision decision;
    if (!call_report_decide(node, group, &claim, &result, &decision)) {
        err full = err_make(ERR_UNAVAILABLE, "there is no room for the answer of a call now");
        node_answer_error(node, run_id, full, GATE_OPEN);
        return;
    }
    if (err_is(stages_look(&decision, ERR_NONE))) {
        const struct request request = {.id = run_id, .http = http};
        job_suspend_request(node, &request, &decision);
        return;
    }
    struct reply reply = {.status = 200, .kind = REPLY_VOID};
    node_answer(node, run_id, &reply, node_decision_commit(node, &decision));
}
