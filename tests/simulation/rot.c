#include "tests/simulation/rot.h"

#include "proto/base/check.h"
#include "storage/memory/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAMES_MAX = 64,
    TRIES_MAX = 50,
    PROBE_BYTES = 512,
    ARENA_BLOCK_BYTES = 64 * 1024
};

struct rot {
    struct world *world;
    struct memory_faults faults;
    struct disk *disk;
    struct sorted_map *map;
};

struct names {
    char items[NAMES_MAX][DISK_NAME_BYTES_MAX + 1];
    uint32_t count;
};

static void note_name(void *argument, const char *name) {
    struct names *names = argument;
    if (names->count < NAMES_MAX) {
        (void)snprintf(names->items[names->count++], sizeof(names->items[0]), "%s", name);
    }
}

static void destroy(struct rot **rot) {
    memory_disk_destroy(&(*rot)->disk);
    memory_map_destroy(&(*rot)->map);
    free(*rot);
    *rot = NULL;
}

// Damages some bytes that are not zero. False: found none.
static bool damage(struct rot *rot) {
    struct names names = {.count = 0};
    check(!err_is(disk_list(rot->disk, note_name, &names)));
    static const uint8_t zeroes[PROBE_BYTES];
    for (int try = 0; try < TRIES_MAX && names.count > 0; try++) {
        const char *name = names.items[world_draw(rot->world, 0, (int64_t)names.count - 1)];
        bytes content = BYTES_EMPTY;
        if (!memory_disk_content(rot->disk, name, &content) || content.size < PROBE_BYTES) {
            continue;
        }
        int64_t last = (int64_t)(content.size / PROBE_BYTES) - 1;
        size_t at = (size_t)world_draw(rot->world, 0, last) * PROBE_BYTES;
        if (memcmp(content.data + at, zeroes, PROBE_BYTES) == 0) {
            continue;
        }
        size_t size = (size_t)world_draw(rot->world, 1, PROBE_BYTES);
        world_trace(rot->world, "rot in a copy of %s at %zu, %zu bytes", name, at, size);
        return memory_disk_damage(rot->disk, name, at, size);
    }
    return false;
}

struct rot *rot_take(struct world *world, struct disk *disk, struct sorted_map *map) {
    struct rot *rot = calloc(1, sizeof(*rot));
    check(rot != NULL);
    rot->world = world;
    memory_faults_init(&rot->faults, world_seed(world));
    rot->disk = memory_disk_copy(disk, &rot->faults);
    rot->map = memory_map_copy(map, &rot->faults);
    if (!damage(rot)) {
        destroy(&rot);
    }
    return rot;
}

void rot_check(
    struct rot **rot_at,
    const struct shadow *shadow,
    const struct chronicle *chronicle,
    uint16_t node,
    const struct store_options *real_options
) {
    struct rot *rot = *rot_at;
    struct store_options options = *real_options;
    options.disk = rot->disk;
    options.map = rot->map;
    struct arena *arena = arena_create(ARENA_BLOCK_BYTES);
    struct store *store = NULL;
    err opened = store_open(&options, arena, &store);
    if (!err_is(opened)) {
        shadow_check_rotten(shadow, store);
        (void)chronicle_compare(chronicle, store, node);
        store_close(&store);
    } else if (opened.code != ERR_CORRUPT && opened.code != ERR_CONFLICT) {
        world_fail(rot->world, "rot", "a damaged log: %s %s", err_name(opened.code), opened.text);
    }
    arena_destroy(&arena);
    destroy(rot_at);
}
