// The cluster has work of its own. How much is seen by how long an answer takes: a node that is
// busy lets a question wait. So LIMIT_BACKUP_PAUSES times what it took pass between two questions,
// but no less than the rate demands, and no more than makes it a fourth of the rate: a backup ends.
//
// Rejected: asking the node how busy it is. It knows its own thread, not the machine's other work.
#include "node/backup/pace.h"

#include "proto/limits.h"

struct backup_pace
backup_pace_begin(const struct backup_server *server, uint64_t bytes_per_second) {
    return (struct backup_pace){
        .server = server,
        .rate = bytes_per_second,
        .due_ms = server->now_ms(server->argument),
    };
}

void backup_pace_step(struct backup_pace *pace, size_t bytes_read, int64_t took_ms) {
    const struct backup_server *server = pace->server;
    if (pace->rate == 0) {
        return;
    }
    uint64_t owed = (bytes_read + LIMIT_BACKUP_STEP_BYTES) * UINT64_C(1000) + pace->rest;
    int64_t least_ms = (int64_t)(owed / pace->rate);
    int64_t most_ms = least_ms * LIMIT_BACKUP_SLOWEST;
    int64_t wanted_ms = took_ms * LIMIT_BACKUP_PAUSES;
    int64_t pause_ms = wanted_ms < least_ms ? least_ms : wanted_ms > most_ms ? most_ms : wanted_ms;
    int64_t now_ms = server->now_ms(server->argument);
    pace->rest = owed % pace->rate;
    // Time that was lost otherwise, a little of it, is made up for.
    int64_t oldest_ms = now_ms - LIMIT_BACKUP_CATCH_UP_MS;
    pace->due_ms = (pace->due_ms < oldest_ms ? oldest_ms : pace->due_ms) + pause_ms;
    if (pace->due_ms > now_ms) {
        server->wait(server->argument, pace->due_ms - now_ms);
    }
}
