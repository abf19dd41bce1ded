// How NNG's threads tell the core's thread that there is something: a descriptor that becomes
// readable, written once however often it rings.
#pragma once

#include "proto/base/attr.h"
#include "proto/base/err.h"

#include <stdatomic.h>
#include <stdbool.h>

struct doorbell {
    int fd;
    atomic_bool rung;
};

// Errors: ERR_IO.
MUST_USE err doorbell_init(struct doorbell *bell);
void doorbell_deinit(struct doorbell *bell);

// Thread: any.
void doorbell_ring(struct doorbell *bell);

// Makes it quiet; what rings from now on is heard again. Before looking at what it rang for.
void doorbell_quiet(struct doorbell *bell);
