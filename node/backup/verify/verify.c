// A partition is restored the way a replica is installed (distributed.md §4.1): rows of mixed age,
// then entries, each of which must follow the chain of the one before. So what lies in the files is
// not only what was written to them, but one history.
#include "node/backup/verify/verify.h"

#include "node/backup/restore.h"
#include "node/backup/verify/kin.h"
#include "proto/base/check.h"
#include "proto/limits.h"
#include "scheduler/audit.h"
#include "storage/keys.h"
#include "storage/memory/memory.h"

#include <stdio.h>

enum {
    SEGMENT_BYTES = 4 * 1024 * 1024,
    OVERLAY_BYTES = 64 * 1024 * 1024,
    PENDING_BYTES = 1024 * 1024, // written out whenever so much waits
    ROUNDS_MAX = 1000000
};

struct verify {
    const struct backup_session *session;
    struct arena *lasting;
    struct arena *step;
    struct backup_manifest manifest;
    struct memory_faults faults;
    struct disk *disk;
    struct sorted_map *map;
    struct store *store;
    size_t pending_bytes;
    struct backup_verdict verdict;
};

static err store_make(struct verify *verify);
static err install(struct verify *verify, group_id group);
static err follow(struct verify *verify, group_id group, log_index from, log_index until);
static err write_out(struct verify *verify);
static err compare(struct verify *verify, group_id group);
static err audit_all(struct verify *verify);
static void count_rows(struct verify *verify, group_id group);

static err restore(struct verify *verify, group_id group) {
    const struct backup_group *known = &verify->manifest.groups[group];
    TRY(install(verify, group));
    TRY(follow(verify, group, known->first, known->checked));
    TRY(compare(verify, group));
    TRY(follow(verify, group, known->checked, known->mark));
    TRY(write_out(verify));
    count_rows(verify, group);
    return ERR_NONE;
}

static err
run(struct verify *verify, void (*look)(void *argument, struct store *store), void *argument) {
    TRY(backup_manifest_load(verify->session->folder, verify->lasting, &verify->manifest));
    TRY(store_make(verify));
    verify->verdict.number = verify->manifest.number;
    verify->verdict.partitions = verify->manifest.group_count;
    for (uint32_t group = 0; group < verify->manifest.group_count; group++) {
        TRY(restore(verify, (group_id)group));
    }
    if (look != NULL) {
        look(argument, verify->store);
    }
    return audit_all(verify);
}

err backup_verify_looking(
    const struct backup_session *session,
    struct arena *arena,
    void (*look)(void *argument, struct store *store),
    void *argument,
    struct backup_verdict *out_verdict
) {
    struct verify verify = {
        .session = session,
        .lasting = arena,
        .step = arena_create(LIMIT_ARENA_BLOCK_BYTES),
    };
    memory_faults_init(&verify.faults, 1);
    verify.disk = memory_disk_create(&verify.faults);
    verify.map = memory_map_create(&verify.faults);
    err done = run(&verify, look, argument);
    if (err_is(done)) {
        done.text = arena_text(arena, bytes_from_text(done.text));
    }
    *out_verdict = verify.verdict;
    store_close(&verify.store);
    memory_map_destroy(&verify.map);
    memory_disk_destroy(&verify.disk);
    arena_destroy(&verify.step);
    return done;
}

err backup_verify(
    const struct backup_session *session, struct arena *arena, struct backup_verdict *out_verdict
) {
    return backup_verify_looking(session, arena, NULL, NULL, out_verdict);
}

// --- the store -----------------------------------------------------------------------------------

static err store_make(struct verify *verify) {
    struct store_options options = {
        .disk = verify->disk,
        .map = verify->map,
        .group_count = verify->manifest.group_count,
        .lane_count = 1,
        .segment_bytes = SEGMENT_BYTES,
        .overlay_bytes_max = OVERLAY_BYTES,
        .checkpoint_bytes = PENDING_BYTES,
        .checkpoint_ms = 1000,
        .history_bytes = STORE_HISTORY_NONE,
        .random_seed = 1,
    };
    return store_open(&options, verify->lasting, &verify->store);
}

// Log and state, until nothing waits.
static err write_out(struct verify *verify) {
    struct store *store = verify->store;
    verify->pending_bytes = 0;
    for (int round = 0; round < ROUNDS_MAX; round++) {
        struct store_batch *batch = store_batch_begin(store);
        if (batch != NULL) {
            TRY(store_batch_write(batch));
            (void)store_batch_end(store, &batch);
        }
        struct store_checkpoint *checkpoint = store_checkpoint_begin(store, (mono_time){0}, true);
        if (checkpoint == NULL) {
            return ERR_NONE;
        }
        TRY(store_checkpoint_write(checkpoint));
        store_checkpoint_end(store, &checkpoint);
    }
    return err_make(ERR_CORRUPT, "the rows cannot be written out");
}

static err corrupt(struct verify *verify, group_id group, const char *what) {
    return err_make(ERR_CORRUPT, arena_format(verify->lasting, "partition %u: %s", group, what));
}

// --- rows ----------------------------------------------------------------------------------------

static err rows_take(struct verify *verify, group_id group, bytes rows, bool last) {
    err taken = store_install_rows(verify->store, group, rows, last);
    if (taken.code == ERR_UNAVAILABLE) {
        TRY(write_out(verify));
        taken = store_install_rows(verify->store, group, rows, last);
    }
    return taken;
}

static err install(struct verify *verify, group_id group) {
    const struct backup_group *known = &verify->manifest.groups[group];
    struct backup_walk walk;
    bool begun = false;
    TRY(backup_walk_begin(verify->session->folder, group, BACKUP_ROWS, &walk));
    for (;;) {
        struct backup_chunk head;
        bytes rows = BYTES_EMPTY;
        bool more = false;
        TRY(backup_walk_next(&walk, verify->step, &more, &head, &rows));
        if (!more) {
            break;
        }
        if (!begun && head.index > 0) {
            struct store_position position = {
                head.index, head.term, backup_hash_unpack(head.chain), head.time_ms};
            (void)store_install_begin(verify->store, group, &position);
            TRY(write_out(verify));
        } else if (head.index == 0 && rows.size > 0) {
            return corrupt(verify, group, "it has rows before its first entry");
        }
        begun = true;
        if (store_installing(verify->store, group) != STORE_INSTALL_NONE) {
            TRY(rows_take(verify, group, rows, head.next.size == 0));
        }
        arena_reset(verify->step);
    }
    TRY(backup_walk_check(&walk, &known->rows, verify->lasting));
    TRY(write_out(verify));
    if (known->first == 0) {
        return ERR_NONE;
    }
    return store_installing(verify->store, group) == STORE_INSTALL_FOLLOWING
               ? ERR_NONE
               : corrupt(verify, group, "its rows do not end");
}

// --- entries -------------------------------------------------------------------------------------

struct following {
    struct verify *verify;
    group_id group;
};

static err take_entry(void *argument, const struct store_entry *entry) {
    const struct following *following = argument;
    struct store *store = following->verify->store;
    log_lsn lsn = 0;
    TRY(store_append(store, following->group, entry, &lsn));
    store_commit(store, following->group, store_group(store, following->group).last_index);
    following->verify->pending_bytes += entry->payload.size;
    bool full = following->verify->pending_bytes > PENDING_BYTES;
    return full ? write_out(following->verify) : ERR_NONE;
}

static err follow(struct verify *verify, group_id group, log_index from, log_index until) {
    struct following following = {verify, group};
    if (from < until && store_group(verify->store, group).last_index != from) {
        return corrupt(verify, group, "its log does not begin where its rows end");
    }
    const struct backup_stretch stretch = {
        .folder = verify->session->folder,
        .group = group,
        .file = &verify->manifest.groups[group].log,
        .from = from,
        .until = until,
    };
    return backup_entries_each(&stretch, verify->step, verify->lasting, take_entry, &following);
}

static err compare(struct verify *verify, group_id group) {
    const struct backup_group *known = &verify->manifest.groups[group];
    hash128 hash = {0, 0};
    TRY(write_out(verify));
    if (store_installing(verify->store, group) != STORE_INSTALL_NONE) {
        store_install_end(verify->store, group, known->checked);
        TRY(write_out(verify));
    }
    TRY(store_state_hash(verify->store, group, &hash));
    if (store_group(verify->store, group).applied_index != known->checked ||
        store_installing(verify->store, group) != STORE_INSTALL_NONE) {
        return corrupt(verify, group, "it cannot be brought to the entry whose hash is known");
    }
    return hash128_equal(hash, known->state)
               ? ERR_NONE
               : corrupt(verify, group, "its rows are not those its source had: the hash differs");
}

// --- what must hold of rows ----------------------------------------------------------------------

struct finding {
    struct verify *verify;
    uint32_t group;
};

static void fault(void *argument, uint32_t invariant, const char *text) {
    (void)invariant;
    struct finding *finding = argument;
    finding->verify->verdict.faults++;
    backup_say(finding->verify->session, "partition %u: %s", finding->group, text);
}

static err audit_all(struct verify *verify) {
    struct definition_cache *definitions = definition_cache_create(LIMIT_DEFINITION_CACHE);
    uint32_t group_count = verify->manifest.group_count;
    err audited = ERR_NONE;
    for (uint32_t group = 1; group < group_count && !err_is(audited); group++) {
        struct finding finding = {verify, group};
        const struct audit_report report = {.fault = fault, .argument = &finding};
        audited = scheduler_check_invariants(
            verify->store, (group_id)group, group_count, definitions, &report
        );
        if (!err_is(audited)) {
            audited = kin_check(verify->store, (group_id)group, group_count, &report);
        }
    }
    definition_cache_destroy(&definitions);
    return audited;
}

static void count_rows(struct verify *verify, group_id group) {
    struct store_cursor *cursor = store_cursor_open(verify->store, NULL, group, BYTES_EMPTY);
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    while (store_cursor_next(cursor, &key, &value)) {
        verify->verdict.rows++;
        verify->verdict.executions += group != 0 && key.data[0] == KEY_WORKFLOW;
    }
    store_cursor_close(&cursor);
}
