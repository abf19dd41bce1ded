// The log that rows of mixed age need is fetched while the scan goes on, once a second from every
// partition that was begun: a leader keeps it for LIMIT_BACKUP_HOLD_MS after it was asked, so it
// holds seconds of its log and not those of a whole scan. Should an entry be forgotten all the same
// – the leader changed to a node that started just now, or holds too much – that partition is
// scanned again.
//
// Rejected: a hold from the first row to the mark, as the design has it: minutes of log in the
// memory of every leader, in the hands of a client that may be gone.
#include "node/backup/take.h"

#include "node/backup/manifest.h"
#include "node/backup/pace.h"
#include "node/backup/turn.h"
#include "proto/base/mutant.h"
#include "proto/json/json.h"
#include "proto/limits.h"
#include "storage/keys.h"

struct part {
    bool begun;   // has a chunk of rows
    bool scanned; // has all of them
    struct backup_group group;
    uint8_t next[KEY_BYTES_MAX]; // the key to go on from
    size_t next_size;
    log_index log_next; // the entry to be fetched next
};

struct take {
    const struct backup_session *session;
    struct arena *lasting;
    struct arena *step;
    uint64_t number;
    id128 cluster;
    bytes version;
    uint32_t part_count;
    struct part *parts;
    uint64_t rate;
    struct backup_pace pace;
    int64_t followed_ms;
    int64_t told_ms;
    uint32_t again;
    bool cut; // some partition has its mark
};

static err begin(struct take *take);
static err take_up(struct take *take, uint32_t number);
static err scan_all(struct take *take);
static err scan(struct take *take, uint32_t number);
static err follow_all(struct take *take);
static err follow(struct take *take, uint32_t number, log_index until);
static err mark_all(struct take *take, bool *out_done);
static err finish(struct take *take);
static err begin_anew(struct take *take, uint32_t number, const char *why);
static void tell(struct take *take, bool done);

static err run(struct take *take) {
    TRY(begin(take));
    bool done = false;
    for (int tries = 0; !done; tries++) {
        if (tries == LIMIT_BACKUP_TRIES) {
            return err_make(
                ERR_CONFLICT,
                "other backups keep cutting in, or leaders change faster than their partitions can "
                "be read: try again later"
            );
        }
        TRY(scan_all(take));
        TRY(mark_all(take, &done));
    }
    return finish(take);
}

err backup_take(
    const struct backup_session *session,
    uint64_t bytes_per_second,
    struct arena *arena,
    struct backup_taken *out_taken
) {
    struct take take = {
        .session = session,
        .lasting = arena,
        .step = arena_create(LIMIT_ARENA_BLOCK_BYTES),
        .rate = bytes_per_second,
    };
    err done = run(&take);
    if (err_is(done)) {
        done.text = arena_text(arena, bytes_from_text(done.text));
    }
    if (take.number > 0) {
        tell(&take, true);
    }
    *out_taken = (struct backup_taken
    ){.number = take.number, .partitions = take.part_count, .again = take.again};
    for (uint32_t i = 0; i < take.part_count; i++) {
        const struct backup_group *group = &take.parts[i].group;
        out_taken->rows += group->rows.count;
        out_taken->entries += group->log.count;
        out_taken->bytes += group->rows.bytes + group->log.bytes;
    }
    arena_destroy(&take.step);
    return done;
}

// --- beginning, or going on ----------------------------------------------------------------------

// Numbers the backup; the first time also learns what is to be backed up.
static err number_it(struct take *take) {
    bytes body = BYTES_EMPTY;
    bytes root = BYTES_EMPTY;
    TRY(backup_turn_begin(take->session, take->number, take->step, &body));
    id128 cluster;
    if (err_is(json_validate(body, take->step, &root)) || backup_number(root, "backup") < 1 ||
        backup_number(root, "partitions") < 1 || backup_number(root, "partitions") >= UINT16_MAX ||
        !id_parse(backup_text(root, "cluster", take->step), &cluster)) {
        return err_make(ERR_INVALID, "what answers there is no cluster that can be backed up");
    }
    uint32_t part_count = (uint32_t)backup_number(root, "partitions") + 1;
    if (take->parts == NULL) {
        take->cluster = cluster;
        take->part_count = part_count;
        take->parts = ARENA_ARRAY(take->lasting, struct part, part_count);
        for (uint32_t i = 0; i < part_count; i++) {
            take->parts[i] = (struct part){0};
        }
        take->version = arena_copy(take->lasting, backup_text(root, "version", take->step));
    } else if (!id_equal(cluster, take->cluster) || part_count != take->part_count) {
        return err_make(ERR_CONFLICT, "another cluster answers than before");
    }
    take->number = (uint64_t)backup_number(root, "backup");
    arena_reset(take->step);
    return ERR_NONE;
}

static err begin(struct take *take) {
    const struct backup_folder *folder = take->session->folder;
    uint64_t finished = 0;
    TRY(folder->size(folder->argument, BACKUP_MANIFEST, &finished));
    if (finished > 0) {
        return err_make(
            ERR_CONFLICT, "the folder holds a finished backup: take this one into another folder"
        );
    }
    TRY(number_it(take));
    take->pace = backup_pace_begin(take->session->server, take->rate);
    take->followed_ms = take->pace.due_ms;
    take->told_ms = take->pace.due_ms;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < take->part_count; i++) {
        TRY(take_up(take, i));
        kept += take->parts[i].scanned;
    }
    backup_say(
        take->session,
        "backup %llu: %u partitions, %u of them scanned before",
        (unsigned long long)take->number,
        take->part_count,
        kept
    );
    return ERR_NONE;
}

static bool is_ours(const struct take *take, uint32_t number, const struct backup_chunk *head) {
    return id_equal(head->cluster, take->cluster) && head->group == number &&
           head->groups == take->part_count;
}

// What a chunk of rows says of how far the scan is.
static void rows_note(struct part *part, const struct backup_chunk *head) {
    if (!part->begun) {
        part->begun = true;
        part->group.first = head->index;
        part->log_next = head->index + 1;
    }
    part->group.checked = head->index;
    part->group.state = backup_hash_unpack(head->hash);
    part->scanned = head->next.size == 0;
    part->next_size = head->next.size < sizeof(part->next) ? head->next.size : 0;
    for (size_t i = 0; i < part->next_size; i++) {
        part->next[i] = head->next.data[i];
    }
}

static void file_note(struct backup_file *file, const struct backup_walk *walk) {
    *file = (struct backup_file){walk->at, walk->count, walk->digest};
}

// Reads one file of a backup that was cut short; a torn end is cut off.
static err file_take_up(struct take *take, uint32_t number, enum backup_chunk_kind kind) {
    const struct backup_folder *folder = take->session->folder;
    struct part *part = &take->parts[number];
    struct backup_walk walk;
    TRY(backup_walk_begin(folder, (group_id)number, kind, &walk));
    bool more = true;
    while (more) {
        struct backup_chunk head;
        bytes body = BYTES_EMPTY;
        err read = backup_walk_next(&walk, take->step, &more, &head, &body);
        if (read.code == ERR_CORRUPT) {
            TRY(folder->cut(folder->argument, walk.name, walk.at));
            more = false;
        } else {
            TRY(read);
        }
        if (more && !is_ours(take, number, &head)) {
            return err_make(ERR_CONFLICT, "the folder holds a part of another cluster's backup");
        }
        if (more && kind == BACKUP_ROWS) {
            rows_note(part, &head);
        } else if (more) {
            part->log_next = head.index + head.count;
        }
        arena_reset(take->step);
    }
    file_note(kind == BACKUP_ROWS ? &part->group.rows : &part->group.log, &walk);
    return ERR_NONE;
}

static err take_up(struct take *take, uint32_t number) {
    TRY(file_take_up(take, number, BACKUP_ROWS));
    return take->parts[number].begun ? file_take_up(take, number, BACKUP_ENTRIES)
                                     : begin_anew(take, number, NULL);
}

static err begin_anew(struct take *take, uint32_t number, const char *why) {
    const struct backup_folder *folder = take->session->folder;
    char name[BACKUP_NAME_BYTES];
    for (int kind = BACKUP_ROWS; kind <= BACKUP_ENTRIES; kind++) {
        backup_file_name((group_id)number, (enum backup_chunk_kind)kind, name);
        TRY(folder->cut(folder->argument, name, 0));
    }
    take->parts[number] = (struct part){0};
    if (why != NULL) {
        take->again++;
        backup_say(take->session, "partition %u is scanned again: %s", number, why);
    }
    return ERR_NONE;
}

// --- rows ----------------------------------------------------------------------------------------

static err scan_all(struct take *take) {
    uint32_t open = 1;
    for (int tries = 0; open > 0; tries++) {
        if (tries == LIMIT_BACKUP_TRIES) {
            return err_make(
                ERR_CONFLICT,
                "leaders change faster than their partitions can be read: try again later"
            );
        }
        open = 0;
        for (uint32_t i = 0; i < take->part_count; i++) {
            TRY(scan(take, i));
        }
        // Where the log was lost since, rows are read again before anything is cut.
        TRY(follow_all(take));
        for (uint32_t i = 0; i < take->part_count; i++) {
            open += !take->parts[i].scanned;
        }
    }
    return ERR_NONE;
}

static err keep(
    struct take *take,
    uint32_t number,
    enum backup_chunk_kind kind,
    bytes chunk,
    const struct backup_chunk *head
) {
    const struct backup_folder *folder = take->session->folder;
    struct backup_group *group = &take->parts[number].group;
    struct backup_file *file = kind == BACKUP_ROWS ? &group->rows : &group->log;
    char name[BACKUP_NAME_BYTES];
    backup_file_name((group_id)number, kind, name);
    TRY(folder->append(folder->argument, name, chunk));
    file->bytes += chunk.size;
    file->count += head->count;
    file->digest = backup_digest(file->digest, chunk);
    return ERR_NONE;
}

static err chunk_read(
    struct take *take,
    uint32_t number,
    enum backup_chunk_kind wanted,
    bytes chunk,
    struct backup_chunk *out_head
) {
    enum backup_chunk_kind kind = BACKUP_CHUNK_KINDS;
    bytes body = BYTES_EMPTY;
    TRY(backup_chunk_read(chunk, take->step, &kind, out_head, &body));
    if (kind != wanted || !is_ours(take, number, out_head)) {
        return err_make(ERR_INVALID, "a node answers with another chunk than it was asked for");
    }
    return ERR_NONE;
}

// Asks for a chunk, not too soon behind the one before, and says now and then that this goes on.
static err read_paced(struct take *take, const struct backup_question *question, bytes *out_chunk) {
    const struct backup_server *server = take->session->server;
    int64_t begun_ms = server->now_ms(server->argument);
    if (begun_ms - take->told_ms >= LIMIT_BACKUP_TELL_MS) {
        take->told_ms = begun_ms;
        tell(take, false);
        begun_ms = server->now_ms(server->argument);
    }
    TRY(backup_ask_well(take->session, question, take->step, out_chunk));
    int64_t took_ms = server->now_ms(server->argument) - begun_ms;
    backup_pace_step(&take->pace, out_chunk->size, took_ms);
    return ERR_NONE;
}

// One chunk. Rows that are older than the chunk before (of a leader that is behind the former one)
// would want entries that were not fetched.
static err scan_step(struct take *take, uint32_t number) {
    struct part *part = &take->parts[number];
    struct buffer query;
    buffer_init(&query, 2 * KEY_BYTES_MAX + 16);
    buffer_append_text(&query, "from=");
    for (size_t i = 0; i < part->next_size; i++) {
        buffer_format(&query, "%02x", part->next[i]);
    }
    const char *path = arena_format(take->step, "/api/backup/%u/rows", number);
    const char *wanted = arena_text(take->step, buffer_bytes(&query));
    struct backup_question question = {"GET", path, wanted, BYTES_EMPTY};
    buffer_deinit(&query);
    bytes chunk = BYTES_EMPTY;
    struct backup_chunk head;
    TRY(read_paced(take, &question, &chunk));
    TRY(chunk_read(take, number, BACKUP_ROWS, chunk, &head));
    if (part->begun && head.index < part->group.checked) {
        return begin_anew(take, number, "its new leader has written less out");
    }
    TRY(keep(take, number, BACKUP_ROWS, chunk, &head));
    rows_note(part, &head);
    return ERR_NONE;
}

static err scan(struct take *take, uint32_t number) {
    const struct backup_server *server = take->session->server;
    bool was_scanned = take->parts[number].scanned;
    while (!take->parts[number].scanned) {
        TRY(scan_step(take, number));
        arena_reset(take->step);
        int64_t now_ms = server->now_ms(server->argument);
        if (now_ms - take->followed_ms >= LIMIT_BACKUP_FOLLOW_MS) {
            take->followed_ms = now_ms;
            TRY(follow_all(take));
        }
    }
    if (!was_scanned) {
        const struct backup_group *group = &take->parts[number].group;
        backup_say(
            take->session,
            "partition %u of %u: %llu rows, %llu bytes",
            number,
            take->part_count - 1,
            (unsigned long long)group->rows.count,
            (unsigned long long)group->rows.bytes
        );
    }
    return ERR_NONE;
}

// --- the log -------------------------------------------------------------------------------------

static err follow_all(struct take *take) {
    for (uint32_t i = 0; i < take->part_count; i++) {
        if (take->parts[i].begun) {
            TRY(follow(take, i, 0));
        }
    }
    return ERR_NONE;
}

static err follow_step(struct take *take, uint32_t number, bool *out_all) {
    struct part *part = &take->parts[number];
    struct backup_question question = {
        "GET",
        arena_format(take->step, "/api/backup/%u/entries", number),
        arena_format(take->step, "from=%llu", (unsigned long long)part->log_next),
        BYTES_EMPTY,
    };
    bytes chunk = BYTES_EMPTY;
    struct backup_chunk head;
    err read = read_paced(take, &question, &chunk);
    if (read.code == ERR_CONFLICT) {
        *out_all = true;
        return begin_anew(take, number, "entries of its log are kept no more");
    }
    TRY(read);
    TRY(chunk_read(take, number, BACKUP_ENTRIES, chunk, &head));
    if (head.index != part->log_next) {
        return err_make(ERR_INVALID, "a node answers with other entries than it was asked for");
    }
    if (head.count > 0) {
        TRY(keep(take, number, BACKUP_ENTRIES, chunk, &head));
        part->log_next += head.count;
    }
    *out_all = part->log_next > head.committed || head.count == 0;
    return ERR_NONE;
}

// Fetches what there is, or through the entry `until`; a leader may not know yet that it is
// committed.
static err follow(struct take *take, uint32_t number, log_index until) {
    const struct backup_server *server = take->session->server;
    struct part *part = &take->parts[number];
    bool all = false;
    while (part->begun && (!all || part->log_next <= until)) {
        if (all) {
            server->wait(server->argument, LIMIT_BACKUP_RETRY_MS);
        }
        TRY(follow_step(take, number, &all));
        arena_reset(take->step);
        all = all || (until > 0 && part->log_next > until);
    }
    return ERR_NONE;
}

// --- marks ---------------------------------------------------------------------------------------

// False in `out_made`: a later backup has cut the partition.
static err mark(struct take *take, uint32_t number, bool *out_made) {
    struct backup_question question = {
        "POST",
        arena_format(take->step, "/api/backup/%u/mark", number),
        arena_format(take->step, "backup=%llu", (unsigned long long)take->number),
        BYTES_EMPTY,
    };
    bytes body = BYTES_EMPTY;
    bytes root = BYTES_EMPTY;
    err asked = backup_ask_well(take->session, &question, take->step, &body);
    *out_made = asked.code != ERR_CONFLICT;
    if (!*out_made) {
        return ERR_NONE;
    }
    TRY(asked);
    struct backup_group *group = &take->parts[number].group;
    TRY(json_validate(body, take->step, &root));
    group->mark = (log_index)backup_number(root, "index");
    if (group->mark <= group->checked) {
        return err_make(ERR_INVALID, "a mark lies before rows that were read earlier");
    }
    arena_reset(take->step);
    return ERR_NONE;
}

// The system group's is the last: definitions may be newer than what uses them, never older.
static err mark_all(struct take *take, bool *out_done) {
    if (take->cut) {
        TRY(number_it(take));
    }
    take->cut = true;
    *out_done = true;
    for (uint32_t i = 1; i <= take->part_count && *out_done; i++) {
        TRY(mark(take, i % take->part_count, out_done));
    }
    bool cut = *out_done && !mutant_is("backup_tail_cut_short");
    for (uint32_t i = 0; i < take->part_count && cut; i++) {
        TRY(follow(take, i, take->parts[i].group.mark));
        *out_done = *out_done && take->parts[i].scanned;
    }
    return ERR_NONE;
}

// --- the end -------------------------------------------------------------------------------------

static err finish(struct take *take) {
    const struct backup_folder *folder = take->session->folder;
    struct backup_manifest manifest = {
        .cluster = take->cluster,
        .number = take->number,
        .version = take->version,
        .group_count = take->part_count,
        .groups = ARENA_ARRAY(take->lasting, struct backup_group, take->part_count),
    };
    char name[BACKUP_NAME_BYTES];
    for (uint32_t i = 0; i < take->part_count; i++) {
        manifest.groups[i] = take->parts[i].group;
        for (int kind = BACKUP_ROWS; kind <= BACKUP_ENTRIES; kind++) {
            backup_file_name((group_id)i, (enum backup_chunk_kind)kind, name);
            TRY(folder->sync(folder->argument, name));
        }
    }
    struct buffer text;
    buffer_init(&text, LIMIT_BACKUP_MANIFEST_BYTES);
    backup_manifest_write(&manifest, &text);
    err written = buffer_status(&text);
    if (!err_is(written)) {
        written = folder->publish(folder->argument, BACKUP_MANIFEST, buffer_bytes(&text));
    }
    buffer_deinit(&text);
    return written;
}

static void tell(struct take *take, bool done) {
    uint32_t scanned = 0;
    for (uint32_t i = 0; i < take->part_count; i++) {
        scanned += take->parts[i].scanned;
    }
    backup_turn_keep(take->session, take->number, scanned, done, take->step);
}
