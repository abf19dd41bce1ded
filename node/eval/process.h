// Starting and ending one evaluator process. Thread: the loop's.
#pragma once

#include "proto/base/attr.h"
#include "proto/base/err.h"
#include "scheduler/evaluation.h"

#include <stdbool.h>
#include <sys/types.h>

// Starts `program` for a language by spawn and exec, with nothing but one end of a socket and an
// empty environment; `*out_socket` is the other end, not blocking, the caller's to close. Errors:
// ERR_IO.
MUST_USE err process_start(
    const char *program, enum evaluation_language language, pid_t *out_pid, int *out_socket
);

// Lets it run only when nobody else wants the processor.
void process_yield(pid_t pid);

// Ends it at once. It stays to be reaped.
void process_kill(pid_t pid);

// Whether an ended process is gone from the system's table; never waits.
bool process_reap(pid_t pid);

// Waits for it to end.
void process_await(pid_t pid);
