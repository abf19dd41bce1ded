// One backup of a cluster at a time: two would cut into each other. Pure. Thread: one.
#pragma once

#include "node/backup/session.h"

// Numbers a backup; `after` is the number that this client had before, or 0. What is answered is in
// `arena`. Errors: ERR_CONFLICT (another backup goes on; which, and how far it is); as
// backup_ask_well.
MUST_USE err backup_turn_begin(
    const struct backup_session *session, uint64_t after, struct arena *arena, bytes *out_body
);

// Says that the backup goes on, or is done: to be said every LIMIT_BACKUP_TELL_MS. Asked once; that
// it is heard is no matter to this backup.
void backup_turn_keep(
    const struct backup_session *session,
    uint64_t number,
    uint32_t scanned,
    bool done,
    struct arena *arena
);
