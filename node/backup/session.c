#include "node/backup/session.h"

#include "proto/base/check.h"
#include "proto/json/json.h"
#include "proto/limits.h"

#include <stdarg.h>

#include <stdio.h>
#include <string.h>

const char BACKUP_MANIFEST[] = "manifest.json";

// --- asking --------------------------------------------------------------------------------------

err backup_ask(
    const struct backup_session *session,
    const struct backup_question *question,
    struct arena *arena,
    struct backup_answer *out_answer
) {
    const struct backup_server *server = session->server;
    int64_t begun = server->now_ms(server->argument);
    bool said_so = false;
    for (;;) {
        struct backup_answer answer = {0};
        err asked = server->ask(server->argument, question, arena, &answer);
        bool answered = !err_is(asked) && answer.status != 503;
        if (answered) {
            *out_answer = answer;
            return ERR_NONE;
        }
        if (asked.code != ERR_IO && err_is(asked)) {
            return asked;
        }
        int64_t waited_ms = server->now_ms(server->argument) - begun;
        bytes said = err_is(asked) ? bytes_from_text(asked.text) : answer.body;
        if (!said_so && waited_ms > LIMIT_BACKUP_SAY_MS) {
            said_so = true;
            backup_say(session, "%s is not answered yet: %.*s", question->path, BYTES_ARG(said));
        }
        if (waited_ms > LIMIT_BACKUP_PATIENCE_MS) {
            return err_make(
                ERR_IO,
                arena_format(
                    arena,
                    "%s %s is not answered: %.*s",
                    question->method,
                    question->path,
                    BYTES_ARG(said)
                )
            );
        }
        server->wait(server->argument, LIMIT_BACKUP_RETRY_MS);
    }
}

err backup_ask_well(
    const struct backup_session *session,
    const struct backup_question *question,
    struct arena *arena,
    bytes *out_body
) {
    struct backup_answer answer = {0};
    TRY(backup_ask(session, question, arena, &answer));
    if (answer.status == 200) {
        *out_body = answer.body;
        return ERR_NONE;
    }
    bytes object = BYTES_EMPTY;
    bytes said = answer.body;
    if (!err_is(json_validate(answer.body, arena, &object))) {
        said = backup_text(object, "message", arena);
    }
    return err_make(
        answer.status == 409 ? ERR_CONFLICT : ERR_INVALID,
        arena_format(arena, "the cluster answers %u: %.*s", answer.status, BYTES_ARG(said))
    );
}

void backup_say(const struct backup_session *session, const char *format, ...) {
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    check(size >= 0);
    if (session->progress != NULL) {
        session->progress(session->progress_argument, line);
    }
}

int64_t backup_number(bytes object, const char *name) {
    bytes value = BYTES_EMPTY;
    int64_t number = 0;
    bool known = json_is_object(object) && json_get_text(object, name, &value);
    return known && json_i64(value, &number) ? number : 0;
}

bytes backup_text(bytes object, const char *name, struct arena *arena) {
    bytes value = BYTES_EMPTY;
    bool known =
        json_is_object(object) && json_get_text(object, name, &value) && json_is_string(value);
    return known ? json_string(value, arena) : BYTES_EMPTY;
}

// --- files ---------------------------------------------------------------------------------------

void backup_file_name(group_id group, enum backup_chunk_kind kind, char *out_name) {
    const char *ending = kind == BACKUP_ROWS ? "rows" : "log";
    int size = snprintf(out_name, BACKUP_NAME_BYTES, "partition-%05u.%s", group, ending);
    check(size > 0 && size < BACKUP_NAME_BYTES);
}

err backup_walk_begin(
    const struct backup_folder *folder,
    group_id group,
    enum backup_chunk_kind kind,
    struct backup_walk *out_walk
) {
    struct backup_walk walk = {.folder = folder, .kind = kind};
    backup_file_name(group, kind, walk.name);
    TRY(folder->size(folder->argument, walk.name, &walk.size));
    *out_walk = walk;
    return ERR_NONE;
}

static err named(const struct backup_walk *walk, struct arena *arena, err error) {
    if (error.code != ERR_CORRUPT) {
        return error;
    }
    return err_make(
        ERR_CORRUPT,
        arena_format(
            arena, "%s at byte %llu: %s", walk->name, (unsigned long long)walk->at, error.text
        )
    );
}

static err chunk_load(struct backup_walk *walk, struct arena *arena, bytes *out_chunk) {
    const struct backup_folder *folder = walk->folder;
    uint8_t front[BACKUP_CHUNK_FRONT_BYTES];
    uint64_t rest = walk->size - walk->at;
    size_t front_bytes = rest < sizeof(front) ? (size_t)rest : sizeof(front);
    TRY(folder->read(folder->argument, walk->name, walk->at, front_bytes, front));
    size_t size = 0;
    TRY(backup_chunk_size(bytes_of(front, front_bytes), arena, &size));
    if (size > rest) {
        return err_make(ERR_CORRUPT, "a chunk is cut short");
    }
    uint8_t *chunk = arena_alloc(arena, size);
    TRY(folder->read(folder->argument, walk->name, walk->at, size, chunk));
    *out_chunk = bytes_of(chunk, size);
    return ERR_NONE;
}

err backup_walk_next(
    struct backup_walk *walk,
    struct arena *arena,
    bool *out_more,
    struct backup_chunk *out_head,
    bytes *out_body
) {
    if (walk->at == walk->size) {
        *out_more = false;
        return ERR_NONE;
    }
    bytes chunk = BYTES_EMPTY;
    err loaded = chunk_load(walk, arena, &chunk);
    if (err_is(loaded)) {
        return named(walk, arena, loaded);
    }
    enum backup_chunk_kind kind = BACKUP_CHUNK_KINDS;
    err read = backup_chunk_read(chunk, arena, &kind, out_head, out_body);
    if (!err_is(read) && kind != walk->kind) {
        read = err_make(ERR_CORRUPT, "a chunk is of another file");
    }
    if (err_is(read)) {
        return named(walk, arena, read);
    }
    walk->at += chunk.size;
    walk->count += out_head->count;
    walk->digest = backup_digest(walk->digest, chunk);
    *out_more = true;
    return ERR_NONE;
}

hash128 backup_digest(hash128 digest, bytes chunk) {
    uint8_t both[32];
    hash128_store(digest, both);
    hash128_store(hash_sip128(chunk), both + 16);
    return hash_sip128(bytes_of(both, sizeof(both)));
}
