// Log lines: an event name and fields, `ts=… level=info node=1 event=listening http=…` (craft §10).
// Payloads and secrets never. Thread: any; a line is written whole.
#pragma once

#include "proto/base/attr.h"
#include "proto/base/time.h"

#include <stdint.h>

enum log_level {
    LOG_ERROR,
    LOG_WARN,
    LOG_INFO,
    LOG_DEBUG,
};

struct log {
    enum log_level level; // lines above it are dropped
    uint32_t node;
    wall_time (*clock)(void); // any thread
};

// One line on stderr. `format` gives the fields behind the event, `key=value key="two words"`.
PRINTF_LIKE(4, 5)
void log_line(
    const struct log *log, enum log_level level, const char *event, const char *format, ...
);

// The level of a word (error, warn, info, debug). False: none of them.
int log_level_parse(const char *word, enum log_level *out_level);
