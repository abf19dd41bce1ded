// Steps a node over the twins through the events of a dump (node/core/event_record.h) and prints
// what happens. When the dump reaches back to a start with an empty store, the log of every group
// must be, to the last bit, what it was in the server; exit 1 when it is not.
//
// The log's and the map's jobs begin and end when the dump says that they did: what copies of a
// group compare depends on how far a checkpoint went.
#include "node/core/event_record.h"
#include "proto/base/check.h"
#include "proto/limits.h"
#include "storage/memory/memory.h"
#include "storage/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const size_t DUMP_BYTES_MAX = (size_t)64 * 1024 * 1024;
static const size_t MIB = (size_t)1024 * 1024;

struct replay {
    bytes rest; // of the dump
    struct arena *arena;
    struct arena *event_arena;
    struct memory_faults faults;
    struct disk *disk;
    struct sorted_map *map;
    struct store *store;
    struct node *node;
    struct node_effects *effects;
    struct store_batch *batch;
    struct store_checkpoint *checkpoint;
    mono_time now;
    struct node_options options;
    unsigned long long gone;
    unsigned long long count;
    int fresh;
    bool quiet;
};

static bool part_take(struct replay *replay, bytes *out_part) {
    if (replay->rest.size < 4) {
        return false;
    }
    size_t size = bytes_get_u32(replay->rest.data);
    if (size > replay->rest.size - 4) {
        return false;
    }
    *out_part = bytes_slice(replay->rest, 4, 4 + size);
    replay->rest = bytes_slice(replay->rest, 4 + size, replay->rest.size);
    return true;
}

static bool head_read(struct replay *replay) {
    static const char magic[] = EVENT_DUMP_MAGIC;
    bytes options = BYTES_EMPTY;
    bytes words = BYTES_EMPTY;
    if (!bytes_starts_with(replay->rest, bytes_from_text(magic))) {
        return false;
    }
    replay->rest = bytes_slice(replay->rest, sizeof(magic) - 1, replay->rest.size);
    if (!part_take(replay, &options) || !part_take(replay, &words) ||
        err_is(options_record_read(options, replay->arena, &replay->options))) {
        return false;
    }
    const char *text = arena_text(replay->arena, words);
    return sscanf( // NOLINT(cert-err34-c): three numbers of our own
               text,
               "gone=%llu count=%llu fresh=%d",
               &replay->gone,
               &replay->count,
               &replay->fresh
           ) == 3;
}

static void begin(struct replay *replay) {
    memory_faults_init(&replay->faults, 1);
    replay->disk = memory_disk_create(&replay->faults);
    replay->map = memory_map_create(&replay->faults);
    struct store_options store = {
        .disk = replay->disk,
        .map = replay->map,
        .group_count = replay->options.settings.group_count,
        .lane_count = 1,
        .segment_bytes = 4 * MIB,
        .overlay_bytes_max = 64 * MIB,
        .checkpoint_bytes = 8 * MIB,
        .checkpoint_ms = 1000,
        .random_seed = 1,
    };
    memcpy(store.cluster, replay->options.cluster_id.bytes, sizeof(store.cluster));
    memcpy(store.identity, replay->options.store_id.bytes, sizeof(store.identity));
    err opened = store_open(&store, replay->arena, &replay->store);
    check(!err_is(opened));
    replay->options.store = replay->store;
    replay->effects = node_effects_create();
    replay->node = node_create(&replay->options);
}

static void end(struct replay *replay) {
    node_destroy(&replay->node);
    node_effects_destroy(&replay->effects);
    store_close(&replay->store);
    memory_map_destroy(&replay->map);
    memory_disk_destroy(&replay->disk);
}

// --- stepping
// ---------------------------------------------------------------------------------------------

// What the log and the checkpoint take is taken when it was taken in life …
static void job_begin(struct replay *replay, uint8_t mark) {
    if (mark == RECORD_BATCH_BEGUN && replay->batch == NULL) {
        replay->batch = store_batch_begin(replay->store);
    } else if (mark == RECORD_CHECKPOINT_BEGUN && replay->checkpoint == NULL) {
        replay->checkpoint = store_checkpoint_begin(replay->store, replay->now, true);
    }
}

// … and is done when the core heard of it.
static void job_end(struct replay *replay, const struct node_event *event) {
    replay->now = event->mono;
    if (event->kind == NODE_LOG_DONE && replay->batch != NULL) {
        err written = store_batch_write(replay->batch);
        check(!err_is(written));
        (void)store_batch_end(replay->store, &replay->batch);
    } else if (event->kind == NODE_CHECKPOINT_DONE && replay->checkpoint != NULL) {
        err written = store_checkpoint_write(replay->checkpoint);
        check(!err_is(written));
        store_checkpoint_end(replay->store, &replay->checkpoint);
    }
}

static void event_print(const struct replay *replay, uint64_t at, const struct node_event *event) {
    (void)printf(
        "%llu %.6f %s",
        (unsigned long long)(replay->gone + at),
        (double)event->mono.ns / 1e9,
        node_event_name(event->kind)
    );
    if (event->kind == NODE_REQUEST) {
        (void)printf(
            " #%llu %.*s ", (unsigned long long)event->request_id, BYTES_ARG(event->request->method)
        );
        for (size_t i = 0; i < event->request->segment_count; i++) {
            (void)printf("/%.*s", BYTES_ARG(event->request->segments[i]));
        }
    } else if (event->kind == NODE_LOG_DONE) {
        (void)printf(" %llu", (unsigned long long)event->lsn);
    } else if (event->message.size > 0) {
        (void)printf(" of n%u, %zu bytes", event->peer, event->message.size);
    }
    (void)printf("\n");
}

static void effects_print(struct replay *replay) {
    static const char *const names[] = {
#define EFFECT_NAME(name, gate, meaning) #name,
        NODE_EFFECTS(EFFECT_NAME)
#undef EFFECT_NAME
    };
    struct node_effect effect;
    while (node_effects_take(replay->effects, &effect)) {
        if (!replay->quiet) {
            (void)printf("    %s", names[effect.kind]);
            if (effect.kind == EFFECT_REPLY) {
                (void)printf(" #%llu %u", (unsigned long long)effect.request_id, effect.status);
            } else if (effect.kind == EFFECT_SEND) {
                (void)printf(" to n%u", effect.to);
            }
            (void)printf(", %zu bytes\n", effect.body.size);
        }
        node_effect_release(&effect);
    }
}

// False: the dump is broken, or an event was too large to be kept.
static bool events_step(struct replay *replay) {
    for (uint64_t at = 0; at < replay->count; at++) {
        bytes record = BYTES_EMPTY;
        struct node_event event;
        arena_reset(replay->event_arena);
        bool taken = part_take(replay, &record);
        if (taken && record.size == 1 && record.data[0] >= RECORD_BATCH_BEGUN) {
            job_begin(replay, record.data[0]);
            continue;
        }
        if (!taken || err_is(event_record_read(record, replay->event_arena, &event))) {
            (void)printf("event %llu cannot be read\n", (unsigned long long)(replay->gone + at));
            return false;
        }
        if (!replay->quiet) {
            event_print(replay, at, &event);
        }
        job_end(replay, &event);
        node_step(replay->node, &event, replay->effects);
        effects_print(replay);
    }
    return true;
}

// --- comparing
// --------------------------------------------------------------------------------------------

static bool groups_are_alike(struct replay *replay) {
    bytes expected = BYTES_EMPTY;
    struct buffer found;
    if (!part_take(replay, &expected)) {
        return false;
    }
    buffer_init(&found, DUMP_BYTES_MAX);
    groups_record_write(replay->store, replay->options.settings.group_count, &found);
    bool alike = bytes_equal(expected, buffer_bytes(&found));
    size_t each = found.size / replay->options.settings.group_count;
    for (size_t at = 0; !alike && at + each <= found.size && at + each <= expected.size;
         at += each) {
        bytes ours = bytes_slice(buffer_bytes(&found), at, at + each);
        bytes theirs = bytes_slice(expected, at, at + each);
        if (!bytes_equal(ours, theirs)) {
            (void)printf(
                "partition %zu: entry %llu here, %llu there\n",
                at / each,
                (unsigned long long)bytes_get_u64(ours.data),
                (unsigned long long)bytes_get_u64(theirs.data)
            );
        }
    }
    buffer_deinit(&found);
    return alike;
}

static int run(struct replay *replay) {
    if (!head_read(replay)) {
        (void)fprintf(stderr, "not a dump of events\n");
        return 2;
    }
    bool exact = replay->gone == 0 && replay->fresh == 1;
    begin(replay);
    bool whole = events_step(replay);
    bool alike = whole && groups_are_alike(replay);
    struct node_stats stats = node_stats(replay->node);
    (void)printf(
        "%llu events, %llu before them; %llu requests, %llu entries, %llu executions; %s\n",
        replay->count,
        replay->gone,
        (unsigned long long)stats.requests,
        (unsigned long long)stats.entries,
        (unsigned long long)stats.workflows_started,
        alike   ? "the log of every group is what it was"
        : exact ? "THE LOG DIFFERS"
                : "from the middle of a life: only like it"
    );
    end(replay);
    return alike || !exact ? 0 : 1;
}

int main(int argument_count, char **arguments) {
    bool quiet = argument_count == 3 && strcmp(arguments[1], "--quiet") == 0;
    if (argument_count != 2 && !quiet) {
        (void)fprintf(stderr, "usage: replay_dump [--quiet] FILE\n");
        return 2;
    }
    FILE *file = fopen(arguments[argument_count - 1], "rb");
    uint8_t *content = malloc(DUMP_BYTES_MAX);
    check(content != NULL);
    size_t size = file == NULL ? 0 : fread(content, 1, DUMP_BYTES_MAX, file);
    if (file != NULL) {
        (void)fclose(file);
    }
    struct replay replay = {
        .rest = bytes_of(content, size),
        .arena = arena_create(LIMIT_ARENA_BLOCK_BYTES),
        .event_arena = arena_create(LIMIT_ARENA_BLOCK_BYTES),
        .quiet = quiet,
    };
    int code = run(&replay);
    arena_destroy(&replay.arena);
    arena_destroy(&replay.event_arena);
    free(content);
    return code;
}
