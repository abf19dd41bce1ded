// An evaluator process from its start to its end.
#pragma once

#include "scheduler/evaluation.h"

enum {
    SERVE_EXIT_END = 0,     // the server closed its end
    SERVE_EXIT_BROKEN = 4,  // the stream made no sense, or a pipe broke
    SERVE_EXIT_REFUSED = 5, // the sandbox could not be entered
};

// Answers on standard output the requests that come over standard input, in order, until that
// closes. The exit status.
int serve(enum evaluation_language language);
