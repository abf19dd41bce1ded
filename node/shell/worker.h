// A thread that does one job at a time and says when it is done: the log's syncs and the
// checkpoints leave the core thread this way.
//
// The owner calls everything on its own thread; only the job runs on the other one. A job that
// returns an error ends the process inside the worker, before anybody could act on a write that may
// not be there (distributed.md §13).
#pragma once

#include "node/log.h"
#include "proto/base/attr.h"
#include "proto/base/err.h"

#include <stdbool.h>

struct worker;
typedef err worker_job(void *argument);

// Starts the thread. Its name goes into log lines. Errors: ERR_IO.
MUST_USE err worker_create(const struct log *log, const char *name, struct worker **out_worker);

// Waits for the job under way, stops the thread, frees. Leaves NULL. Accepts NULL.
void worker_destroy(struct worker **worker);

// Hands a job over. The worker must be idle.
void worker_submit(struct worker *worker, worker_job *job, void *argument);

// The descriptor that becomes readable when the job is done.
int worker_descriptor(const struct worker *worker);

// Whether the job has ended since it was submitted; takes the notice. Never blocks.
bool worker_take_done(struct worker *worker);

// Blocks until the job under way has ended; at once when there is none.
void worker_wait(struct worker *worker);
