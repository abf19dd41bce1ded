#include "node/backup/turn.h"

#include "proto/limits.h"

// Of a client that was killed nothing is heard soon; nor is it of this one, should the answer to
// its own beginning have been lost. So a refusal is waited out for that long.
err backup_turn_begin(
    const struct backup_session *session, uint64_t after, struct arena *arena, bytes *out_body
) {
    const struct backup_server *server = session->server;
    const struct backup_question question = {
        "POST",
        "/api/backup",
        arena_format(arena, "after=%llu", (unsigned long long)after),
        BYTES_EMPTY,
    };
    int64_t begun_ms = server->now_ms(server->argument);
    for (;;) {
        err asked = backup_ask_well(session, &question, arena, out_body);
        int64_t waited_ms = server->now_ms(server->argument) - begun_ms;
        if (asked.code != ERR_CONFLICT || waited_ms > LIMIT_BACKUP_TURN_MS + LIMIT_BACKUP_TELL_MS) {
            return asked;
        }
        server->wait(server->argument, LIMIT_BACKUP_RETRY_MS);
    }
}

void backup_turn_keep(
    const struct backup_session *session,
    uint64_t number,
    uint32_t scanned,
    bool done,
    struct arena *arena
) {
    const struct backup_server *server = session->server;
    const struct backup_question question = {
        "PUT",
        "/api/backup",
        arena_format(
            arena,
            "backup=%llu&scanned=%u&done=%s",
            (unsigned long long)number,
            scanned,
            done ? "true" : "false"
        ),
        BYTES_EMPTY,
    };
    struct backup_answer answer;
    (void)server->ask(server->argument, &question, arena, &answer);
}
