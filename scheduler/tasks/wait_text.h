// The texts a WAIT task understands (engine.md §10.16). Pure text. Thread: any.
#pragma once

#include "proto/base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

// `1 day 2 hrs 3 min 4s`: parts in this order, any may be missing, case and blanks do not matter.
// False: anything else, or more than a hundred years.
bool wait_text_duration(bytes text, int64_t *out_seconds);

// `yyyy-MM-dd HH:mm`, `yyyy-MM-dd HH:mm z`, `yyyy-MM-dd`. Without a zone: UTC, the server's. A zone
// is `UTC`, `GMT`, `Z`, or an offset `+hh:mm`, `+hhmm`, `GMT+h`; names of places need a time zone
// database and are not understood.
bool wait_text_until(bytes text, int64_t *out_ms);
