// Starting and ending one evaluator process. Thread: the loop's.
#pragma once

#include "proto/base/attr.h"
#include "proto/base/err.h"
#include "scheduler/evaluation.h"

#include <stdbool.h>
#include <sys/types.h>

// The server's ends of the two pipes to a process, not blocking. Writing to one that is gone raises
// SIGPIPE, which the server ignores.
struct process_pipes {
    int requests; // written
    int answers;  // read
};

// Starts `program` for a language by spawn and exec, with nothing but its two pipes as standard
// input and output and an empty environment. The pipes are the caller's to close. Errors: ERR_IO.
MUST_USE err process_start(
    const char *program,
    enum evaluation_language language,
    pid_t *out_pid,
    struct process_pipes *out_pipes
);

void process_pipes_close(struct process_pipes *pipes);

// Lets it run only when nobody else wants the processor.
void process_yield(pid_t pid);

// Ends it at once. It stays to be reaped.
void process_kill(pid_t pid);

// Whether an ended process is gone from the system's table; never waits.
bool process_reap(pid_t pid);

// Waits for it to end.
void process_await(pid_t pid);
