// What a backup and a restore stand on: a server that is asked, step by step, and a folder. Both
// are tables of functions, so that the command and the simulator run the same drivers. Thread: one.
#pragma once

#include "node/backup/chunk.h"

#include <stdbool.h>

struct backup_question {
    const char *method;
    const char *path;  // from '/' on
    const char *query; // `a=b&c=d`, plain; "" for none
    bytes body;
};

struct backup_answer {
    uint16_t status;
    bytes body; // in the arena that was given
};

// Any node of the cluster. Errors of `ask`: ERR_IO (no whole answer; it may have been done).
struct backup_server {
    void *argument;
    err (*ask
    )(void *argument,
      const struct backup_question *question,
      struct arena *arena,
      struct backup_answer *out_answer);
    void (*wait)(void *argument, int64_t ms); // lets time go by
    int64_t (*now_ms)(void *argument);        // of a clock that does not go back
};

// Files by name in one place. Errors of all: ERR_IO, ERR_FULL.
struct backup_folder {
    void *argument;
    err (*size)(void *argument, const char *name, uint64_t *out_size); // 0: no such file
    err (*read)(void *argument, const char *name, uint64_t offset, size_t size, uint8_t *out);
    err (*append)(void *argument, const char *name, bytes content);
    err (*cut)(void *argument, const char *name, uint64_t size); // what is behind it goes
    err (*sync)(void *argument, const char *name);
    // The file is there whole or not at all, and durable once this returned.
    err (*publish)(void *argument, const char *name, bytes content);
};

struct backup_session {
    const struct backup_server *server;
    const struct backup_folder *folder;
    // Called now and then with a line for a person, or NULL.
    void (*progress)(void *argument, const char *line);
    void *progress_argument;
};

// Asks until there is an answer other than 503 or LIMIT_BACKUP_PATIENCE_MS have gone by: every step
// may be repeated. Errors: ERR_IO, with a text in `arena`.
MUST_USE err backup_ask(
    const struct backup_session *session,
    const struct backup_question *question,
    struct arena *arena,
    struct backup_answer *out_answer
);

// The same; an answer other than 200 is an error with what the server said: ERR_CONFLICT for 409,
// ERR_INVALID otherwise.
MUST_USE err backup_ask_well(
    const struct backup_session *session,
    const struct backup_question *question,
    struct arena *arena,
    bytes *out_body
);

PRINTF_LIKE(2, 3) void backup_say(const struct backup_session *session, const char *format, ...);

// A number or text of an answer's object; 0 or empty when it is not there.
int64_t backup_number(bytes object, const char *name);
bytes backup_text(bytes object, const char *name, struct arena *arena);

// --- files of chunks -----------------------------------------------------------------------------

enum {
    BACKUP_NAME_BYTES = 32
};

// The files of a partition. `out_name` has BACKUP_NAME_BYTES.
void backup_file_name(group_id group, enum backup_chunk_kind kind, char *out_name);
extern const char BACKUP_MANIFEST[];

// A file of chunks, walked from its first.
struct backup_walk {
    const struct backup_folder *folder;
    char name[BACKUP_NAME_BYTES];
    enum backup_chunk_kind kind;
    uint64_t size;
    uint64_t at;
    uint64_t count; // of rows or entries so far
    hash128 digest; // of all chunks so far
};

MUST_USE err backup_walk_begin(
    const struct backup_folder *folder,
    group_id group,
    enum backup_chunk_kind kind,
    struct backup_walk *out_walk
);

// The next chunk, in `arena`. False in `out_more`: the file ends here. Errors: ERR_CORRUPT with the
// file's name and the place; `walk->at` is then where the bad chunk begins.
MUST_USE err backup_walk_next(
    struct backup_walk *walk,
    struct arena *arena,
    bool *out_more,
    struct backup_chunk *out_head,
    bytes *out_body
);

// The digest of chunks and one more.
hash128 backup_digest(hash128 digest, bytes chunk);
