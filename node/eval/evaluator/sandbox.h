// What an evaluator process may do after it has started: compute, take memory up to a bound, read
// the clock, and use the pipes it has. Everything else is refused by the kernel (EPERM).
#pragma once

#include "proto/base/attr.h"
#include "proto/base/err.h"

#include <stdbool.h>

// Closes the door behind this process, for good; only the standard descriptors are left open. Also
// ends the process when its parent ends. Errors: ERR_IO when the kernel refuses.
MUST_USE err sandbox_enter(void);

// Tries to leave: files, sockets, processes. False: one of them worked. For tests, inside a
// sandbox.
bool sandbox_holds(void);
