// `orpheus cluster VERB …`: status, and the orders that change who is a member. An order is one
// request to the API of any node; then its effect is watched until it is there. Thread: one that
// runs no loop.
#pragma once

#include "proto/base/attr.h"

enum orders_exit {
    ORDERS_DONE = 0,
    ORDERS_NOT_SO = 1,       // status: something is missing; an order: not done in its time
    ORDERS_USAGE = 64,       // EX_USAGE of sysexits.h
    ORDERS_UNAVAILABLE = 69, // EX_UNAVAILABLE: the node does not answer
    ORDERS_REFUSED = 77,     // EX_NOPERM: the cluster says no, and why
};

// The lines of `orpheus help` about them.
extern const char ORDERS_HELP[];

// Runs what stands behind `orpheus cluster`; writes to stdout, complaints to stderr. Returns the
// process's exit code.
MUST_USE int orders_run(int argument_count, char *const *arguments);
