// Calls outside for tasks of the groups this node leads (distributed.md §9): claimed while there is
// room, made once the claim is committed (EFFECT_CALL), their answers brought into the tasks.
//
// Soft: a call that is forgotten – the process died, the answer never came – is a claim whose lease
// ends, and the task is claimed again. Thread: core.
#pragma once

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

// Leadership of the group ended: its calls are the new leader's to make again after their leases.
// Whatever they are answered is not brought in.
void calls_lost(struct node *node, group_id group);

// Tasks of a group (0: of all) that a limit refused are looked at again: a permit came.
void calls_unblock(struct node *node, uint64_t limit, group_id group);

// The queues load anew: who was refused is among them.
void calls_forget_refused(struct calls *calls);

// Whether any wait for a limit; when the first window moves. False: none waits for one.
bool calls_wait(const struct calls *calls);
bool calls_next_unblock(const struct calls *calls, wall_time *out_at);

// When room that is taken comes free at the latest. False: there is room now.
bool calls_next_look(const struct calls *calls, mono_time *out_at);

size_t calls_open(const struct calls *calls);
