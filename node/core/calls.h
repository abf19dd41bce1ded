// Calls outside for tasks of the groups this node leads (distributed.md §9): claimed while there is
// room, made once the claim is committed (EFFECT_CALL), what they come to brought into the tasks
// (call_report.h), by this node or by whoever leads the group then. A call outlives the leadership
// that claimed it; a claim whose call is never made is given back.
//
// Soft: a call that is forgotten – the process died, nobody could be told in time – is a claim
// whose lease ends, and the task is claimed again. Thread: core.
#pragma once

#include "proto/base/attr.h"
#include "proto/base/time.h"
#include "scheduler/call.h"
#include "storage/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct node;
struct calls;

// `room`: calls at a time, 0: LIMIT_CALLS. `executor` names this life of the process.
struct calls *calls_create(uint32_t room, uint64_t executor);
void calls_destroy(struct calls **calls);

// Claims what is ready while there is room, brings answers in that the store had no room for.
// Bounded; sets more_to_do.
void calls_pump(struct node *node);

// A call was answered, or came to nothing. An unknown one is ignored.
void calls_told(struct node *node, uint64_t call_id, const struct call_result *result);

// The claim of a call is committed: whether to make it. Not when so much of its lease has passed
// meanwhile that its answer may come too late: then the claim is given back.
MUST_USE bool calls_may_leave(struct node *node, uint64_t call_id, int64_t total_ms);

// The claim of a call was never committed here, so it is not made. Another leader may have it.
void calls_unmade(struct node *node, uint64_t call_id);

// What became of a report (call_report_send); its bytes are copied if they are needed again.
enum report_outcome {
    REPORT_TAKEN,
    REPORT_LATER,  // the leader has no room, or there was none to be found
    REPORT_REFUSED // it is none to the leader
};
void calls_reported(struct node *node, uint64_t call_id, enum report_outcome outcome, bytes report);

// The rows of the group are replaced: nothing is known of its calls any more.
void calls_forget(struct node *node, group_id group);

// This node shall end: nothing is claimed any more; calls that come to nothing within
// LIMIT_LEAVE_CALLS_MS are given back.
void calls_leave(struct node *node);

// Tasks of a group (0: of all) that a limit refused are looked at again: a permit came.
void calls_unblock(struct node *node, uint64_t limit, group_id group);

// The queues load anew: who was refused is among them.
void calls_forget_refused(struct calls *calls);

// Whether any wait for a limit; when the first window moves. False: none waits for one.
bool calls_wait(const struct calls *calls);
bool calls_next_unblock(const struct calls *calls, wall_time *out_at);

// When something is to be done here at the latest. False: nothing waits for a time.
bool calls_next_wakeup(const struct calls *calls, mono_time *out_at);

size_t calls_open(const struct calls *calls);
