// Assertions that stay on in release: a broken invariant stops the process before it does harm.
#pragma once

#include "proto/base/attr.h"

// Stops the process unless `condition` holds. One fact per check; never for input.
#define check(condition)                                  \
    do {                                                  \
        if (!(condition)) {                               \
            check_failed(#condition, __FILE__, __LINE__); \
        }                                                 \
    } while (0)

// Prints the broken condition and its place to stderr and aborts. Thread: any.
NO_RETURN void check_failed(const char *condition, const char *file, int line);
