// How fast a backup reads: no faster than it may, and slower where its questions wait for others'.
// Pure. Thread: one.
#pragma once

#include "node/backup/session.h"

// Zero: no bound.
struct backup_pace {
    const struct backup_server *server;
    uint64_t rate;  // bytes a second at most; LIMIT_BACKUP_SLOWEST-th of it at least
    int64_t due_ms; // when the next question may be asked
    uint64_t rest;  // of a millisecond, in bytes times 1000
};

// `bytes_per_second` 0: no bound.
struct backup_pace backup_pace_begin(const struct backup_server *server, uint64_t bytes_per_second);

// An answer of so many bytes came `took_ms` after it was asked for: waits until the next may be.
void backup_pace_step(struct backup_pace *pace, size_t bytes_read, int64_t took_ms);
