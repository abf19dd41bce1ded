// A line is built in one buffer and written with one call, so that lines of several threads and
// processes do not mix. A line longer than the buffer is cut and says so.
#include "node/log.h"

#include <stdarg.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    LOG_LINE_BYTES = 2048
};

static const char *const LEVELS[] = {"error", "warn", "info", "debug"};

void log_line(
    const struct log *log, enum log_level level, const char *event, const char *format, ...
) {
    if (level > log->level) {
        return;
    }
    char line[LOG_LINE_BYTES];
    char time[WALL_TIME_ISO_BYTES];
    wall_time_iso(log->clock(), time);
    int head = snprintf(
        line,
        sizeof(line),
        "ts=%.*s level=%s node=%u event=%s ",
        WALL_TIME_ISO_BYTES,
        time,
        LEVELS[level],
        log->node,
        event
    );
    va_list arguments;
    va_start(arguments, format);
    int tail = vsnprintf(line + head, sizeof(line) - (size_t)head, format, arguments);
    va_end(arguments);
    size_t size = (size_t)head + (tail > 0 ? (size_t)tail : 0);
    if (size > sizeof(line) - 8) {
        size = sizeof(line) - 8;
        memcpy(line + size, " cut=1", 6);
        size += 6;
    }
    line[size++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, size);
    (void)written; // nowhere left to complain
}

int log_level_parse(const char *word, enum log_level *out_level) {
    for (int level = LOG_ERROR; level <= LOG_DEBUG; level++) {
        if (strcmp(word, LEVELS[level]) == 0) {
            *out_level = (enum log_level)level;
            return 1;
        }
    }
    return 0;
}
