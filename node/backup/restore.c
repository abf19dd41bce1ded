// Rows of a partition go in first, then the entries up to the one at which the source stated the
// hash of its state. When all is written out over there, the hash must be the source's, less the
// rows that are each cluster's own. Then the rest up to the mark; then all partitions are opened.
//
// Streams between partitions go on with their numbers: the cut is consistent, and no message of the
// old cluster can reach this one, for links prove which cluster they are of.
#include "node/backup/restore.h"

#include "proto/json/json.h"
#include "proto/limits.h"

// A row of the old cluster's own, as it was at the entry whose hash is known.
struct own_row {
    bytes key;
    bytes value; // no data: deleted
    struct own_row *next;
};

struct restore {
    const struct backup_session *session;
    struct arena *lasting;
    struct arena *step;  // of one chunk
    struct arena *asked; // of one question
    struct backup_manifest manifest;
    char source[33];
    hash128 *expected; // by partition: the hash once it has all up to `checked`
    struct buffer writes;
    uint32_t write_count;
    int64_t time_ms;
    struct backup_restored done;
};

static err begin_all(struct restore *restore, uint32_t *out_open);
static err load_checked(struct restore *restore, uint32_t number);
static err compare(struct restore *restore, uint32_t number);
static err load_entries(
    struct restore *restore, uint32_t number, log_index from, log_index until, struct own_row **own
);
static err open_all(struct restore *restore);

static err load_all(struct restore *restore) {
    for (uint32_t i = 0; i < restore->manifest.group_count; i++) {
        TRY(load_checked(restore, i));
        backup_say(
            restore->session,
            "partition %u of %u is loaded: %llu bytes so far",
            i,
            restore->manifest.group_count - 1,
            (unsigned long long)restore->done.bytes
        );
    }
    for (uint32_t i = 0; i < restore->manifest.group_count; i++) {
        TRY(compare(restore, i));
    }
    for (uint32_t i = 0; i < restore->manifest.group_count; i++) {
        const struct backup_group *group = &restore->manifest.groups[i];
        TRY(load_entries(restore, i, group->checked, group->mark, NULL));
    }
    return ERR_NONE;
}

static err run(struct restore *restore) {
    const struct backup_folder *folder = restore->session->folder;
    uint32_t open = 0;
    TRY(backup_manifest_load(folder, restore->lasting, &restore->manifest));
    backup_hash_text(restore->manifest.seal, restore->source);
    restore->expected = ARENA_ARRAY(restore->lasting, hash128, restore->manifest.group_count);
    TRY(begin_all(restore, &open));
    // Opening comes after all is loaded: what is open says that nothing is missing.
    if (open == 0) {
        TRY(load_all(restore));
    }
    return open_all(restore);
}

err backup_restore(
    const struct backup_session *session, struct arena *arena, struct backup_restored *out_restored
) {
    struct restore restore = {
        .session = session,
        .lasting = arena,
        .step = arena_create(LIMIT_ARENA_BLOCK_BYTES),
        .asked = arena_create(LIMIT_ARENA_BLOCK_BYTES),
    };
    buffer_init(&restore.writes, LIMIT_BACKUP_CHUNK_BYTES_MAX);
    err done = run(&restore);
    if (err_is(done)) {
        done.text = arena_text(arena, bytes_from_text(done.text));
    }
    restore.done.partitions = restore.manifest.group_count;
    *out_restored = restore.done;
    buffer_deinit(&restore.writes);
    arena_destroy(&restore.asked);
    arena_destroy(&restore.step);
    return done;
}

err backup_manifest_load(
    const struct backup_folder *folder, struct arena *arena, struct backup_manifest *out_manifest
) {
    uint64_t size = 0;
    TRY(folder->size(folder->argument, BACKUP_MANIFEST, &size));
    if (size == 0) {
        return err_make(
            ERR_NOT_FOUND, "the folder has no manifest: the backup in it was never finished"
        );
    }
    if (size > LIMIT_BACKUP_MANIFEST_BYTES) {
        return err_make(ERR_CORRUPT, "the manifest is larger than any can be");
    }
    uint8_t *text = arena_alloc(arena, (size_t)size);
    TRY(folder->read(folder->argument, BACKUP_MANIFEST, 0, (size_t)size, text));
    return backup_manifest_read(bytes_of(text, (size_t)size), arena, out_manifest);
}

err backup_walk_check(
    const struct backup_walk *walk, const struct backup_file *file, struct arena *arena
) {
    if (walk->at == file->bytes && walk->count == file->count &&
        hash128_equal(walk->digest, file->digest)) {
        return ERR_NONE;
    }
    return err_make(
        ERR_CORRUPT,
        arena_format(arena, "%s is not the file that the manifest speaks of", walk->name)
    );
}

// The part of a chunk that is in the stretch; `*last` is the newest entry seen of it.
static err chunk_each(
    const struct backup_stretch *stretch,
    log_index first,
    bytes body,
    log_index *last,
    backup_entry_visit visit,
    void *argument
) {
    struct store_entry entry;
    for (log_index at = first; backup_entry_take(&body, &entry); at++) {
        if (at <= stretch->from || at > stretch->until) {
            continue;
        }
        if (at != *last + 1) {
            return err_make(ERR_CORRUPT, "an entry of the log is missing");
        }
        *last = at;
        TRY(visit(argument, &entry));
    }
    return ERR_NONE;
}

err backup_entries_each(
    const struct backup_stretch *stretch,
    struct arena *step,
    struct arena *lasting,
    backup_entry_visit visit,
    void *argument
) {
    struct backup_walk walk;
    log_index last = stretch->from;
    TRY(backup_walk_begin(stretch->folder, stretch->group, BACKUP_ENTRIES, &walk));
    for (;;) {
        struct backup_chunk head;
        bytes body = BYTES_EMPTY;
        bool more = false;
        TRY(backup_walk_next(&walk, step, &more, &head, &body));
        if (!more) {
            break;
        }
        TRY(chunk_each(stretch, head.index, body, &last, visit, argument));
        arena_reset(step);
    }
    TRY(backup_walk_check(&walk, stretch->file, lasting));
    if (last != stretch->until) {
        const char *text = arena_format(
            lasting, "%s lacks entries up to %llu", walk.name, (unsigned long long)stretch->until
        );
        return err_make(ERR_CORRUPT, text);
    }
    return ERR_NONE;
}

// --- steps ---------------------------------------------------------------------------------------

// One step on a partition. `out_root` lives until the next.
static err
ask(struct restore *restore,
    uint32_t number,
    const char *method,
    const char *step,
    bytes body,
    bytes *out_root) {
    arena_reset(restore->asked);
    struct backup_question question = {
        method,
        arena_format(restore->asked, "/api/backup/%u%s", number, step),
        arena_format(restore->asked, "source=%s", restore->source),
        body,
    };
    bytes answer = BYTES_EMPTY;
    TRY(backup_ask_well(restore->session, &question, restore->asked, &answer));
    return json_validate(answer, restore->asked, out_root);
}

static err begin_all(struct restore *restore, uint32_t *out_open) {
    bytes root = BYTES_EMPTY;
    TRY(ask(restore, 0, "GET", "", BYTES_EMPTY, &root));
    int64_t there = backup_number(root, "partitions");
    int64_t here = (int64_t)restore->manifest.group_count - 1;
    if (there != here) {
        return err_make(
            ERR_CONFLICT,
            arena_format(
                restore->step,
                "the backup is of %lld partitions and the cluster has %lld: start its nodes on new "
                "data folders with --partitions %lld; the number of nodes does not matter",
                (long long)here,
                (long long)there,
                (long long)here
            )
        );
    }
    // The system group last: the others need it to decide that they are empty.
    for (uint32_t i = 1; i <= restore->manifest.group_count; i++) {
        uint32_t number = i % restore->manifest.group_count;
        TRY(ask(restore, number, "POST", "/restore", BYTES_EMPTY, &root));
        bytes restoring = BYTES_EMPTY;
        bool still =
            json_get_text(root, "restoring", &restoring) && bytes_equal_text(restoring, "true");
        *out_open += !still;
    }
    return ERR_NONE;
}

// The system group first: partitions that decide need it.
static err open_all(struct restore *restore) {
    bytes root = BYTES_EMPTY;
    for (uint32_t i = 0; i < restore->manifest.group_count; i++) {
        TRY(ask(restore, i, "POST", "/open", BYTES_EMPTY, &root));
    }
    return ERR_NONE;
}

// --- writes --------------------------------------------------------------------------------------

static err flush(struct restore *restore, uint32_t number) {
    if (restore->write_count == 0) {
        return ERR_NONE;
    }
    struct backup_chunk head = {
        .cluster = restore->manifest.cluster,
        .group = (group_id)number,
        .groups = restore->manifest.group_count,
        .count = restore->write_count,
        .time_ms = restore->time_ms,
    };
    struct buffer chunk;
    buffer_init(&chunk, LIMIT_BACKUP_CHUNK_BYTES_MAX);
    backup_chunk_write(BACKUP_WRITES, &head, buffer_bytes(&restore->writes), &chunk);
    err sent = buffer_status(&chunk);
    bytes root = BYTES_EMPTY;
    if (!err_is(sent)) {
        sent = ask(restore, number, "PUT", "/rows", buffer_bytes(&chunk), &root);
    }
    buffer_deinit(&chunk);
    restore->done.bytes += restore->writes.size;
    restore->done.writes += restore->write_count;
    buffer_clear(&restore->writes);
    restore->write_count = 0;
    return sent;
}

static err write(struct restore *restore, uint32_t number, bytes key, bytes value) {
    if (restore->writes.size + key.size + value.size > LIMIT_BACKUP_LOAD_BYTES) {
        TRY(flush(restore, number));
    }
    store_writes_put(&restore->writes, key, value);
    restore->write_count++;
    return buffer_status(&restore->writes);
}

// Remembers a row that is not restored, for the hash.
static void note_own(struct restore *restore, struct own_row **own, bytes key, bytes value) {
    struct own_row *row = *own;
    while (row != NULL && !bytes_equal(row->key, key)) {
        row = row->next;
    }
    if (row == NULL) {
        row = ARENA_NEW(restore->lasting, struct own_row);
        *row = (struct own_row){.key = arena_copy(restore->lasting, key), .next = *own};
        *own = row;
    }
    row->value = value.data == NULL ? BYTES_EMPTY : arena_copy(restore->lasting, value);
}

// All writes of rows, or of an entry.
static err
writes_load(struct restore *restore, uint32_t number, bytes writes, struct own_row **own) {
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    while (writes.size > 0) {
        if (!store_writes_take(&writes, &key, &value)) {
            return err_make(ERR_CORRUPT, "an entry of the backup holds no writes");
        }
        if (!backup_is_own((group_id)number, key)) {
            TRY(write(restore, number, key, value));
        } else if (own != NULL) {
            note_own(restore, own, key, value);
        }
    }
    return ERR_NONE;
}

static err load_rows(struct restore *restore, uint32_t number, struct own_row **own) {
    struct backup_walk walk;
    const struct backup_folder *folder = restore->session->folder;
    TRY(backup_walk_begin(folder, (group_id)number, BACKUP_ROWS, &walk));
    for (;;) {
        struct backup_chunk head;
        bytes body = BYTES_EMPTY;
        bool more = false;
        TRY(backup_walk_next(&walk, restore->step, &more, &head, &body));
        if (!more) {
            break;
        }
        restore->time_ms = head.time_ms;
        TRY(writes_load(restore, number, body, own));
        arena_reset(restore->step);
    }
    return backup_walk_check(&walk, &restore->manifest.groups[number].rows, restore->step);
}

struct loading {
    struct restore *restore;
    uint32_t number;
    struct own_row **own;
};

static err entry_load(void *argument, const struct store_entry *entry) {
    const struct loading *loading = argument;
    loading->restore->time_ms = entry->time_ms;
    return writes_load(loading->restore, loading->number, entry->payload, loading->own);
}

// The entries behind `from` up to `until`.
static err load_entries(
    struct restore *restore, uint32_t number, log_index from, log_index until, struct own_row **own
) {
    struct loading loading = {restore, number, own};
    const struct backup_stretch stretch = {
        .folder = restore->session->folder,
        .group = (group_id)number,
        .file = &restore->manifest.groups[number].log,
        .from = from,
        .until = until,
    };
    TRY(backup_entries_each(&stretch, restore->step, restore->step, entry_load, &loading));
    return flush(restore, number);
}

// --- up to the entry whose hash is known ---------------------------------------------------------

static err load_checked(struct restore *restore, uint32_t number) {
    const struct backup_group *group = &restore->manifest.groups[number];
    struct own_row *own = NULL;
    TRY(load_rows(restore, number, &own));
    TRY(load_entries(restore, number, group->first, group->checked, &own));
    hash128 expected = group->state;
    for (const struct own_row *row = own; row != NULL; row = row->next) {
        if (row->value.data != NULL) {
            expected = store_hash_subtract(expected, store_row_hash(row->key, row->value));
        }
    }
    restore->expected[number] = expected;
    return ERR_NONE;
}

static err compare(struct restore *restore, uint32_t number) {
    const struct backup_server *server = restore->session->server;
    int64_t begun = server->now_ms(server->argument);
    for (;;) {
        bytes root = BYTES_EMPTY;
        bytes settled = BYTES_EMPTY;
        id128 hash;
        TRY(ask(restore, number, "GET", "", BYTES_EMPTY, &root));
        if (json_get_text(root, "settled", &settled) && bytes_equal_text(settled, "true") &&
            id_parse(backup_text(root, "hash", restore->asked), &hash)) {
            if (hash128_equal(backup_hash_unpack(hash), restore->expected[number])) {
                return ERR_NONE;
            }
            return err_make(
                ERR_CORRUPT,
                arena_format(
                    restore->step,
                    "partition %u has other rows than its source had: its hash differs",
                    number
                )
            );
        }
        if (server->now_ms(server->argument) - begun > LIMIT_BACKUP_PATIENCE_MS) {
            return err_make(
                ERR_IO, arena_format(restore->step, "partition %u is never written out", number)
            );
        }
        server->wait(server->argument, LIMIT_BACKUP_RETRY_MS);
    }
}
