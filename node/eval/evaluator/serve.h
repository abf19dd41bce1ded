// An evaluator process from its start to its end.
#pragma once

#include "scheduler/evaluation.h"

enum {
    SERVE_EXIT_END = 0,     // the server closed the socket
    SERVE_EXIT_BROKEN = 4,  // the stream made no sense, or the socket broke
    SERVE_EXIT_REFUSED = 5, // the sandbox could not be entered
};

// Answers the requests that come over `socket`, in order, until it closes. The exit status.
int serve(enum evaluation_language language, int socket);
