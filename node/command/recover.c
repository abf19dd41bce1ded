// Folders are opened as a starting node opens its own, so what a torn batch left is cut here as it
// would be there; else a look writes nothing.
#include "node/command/recover.h"

#include "node/recover/recover.h"
#include "node/shell/clocks.h"
#include "node/shell/identity.h"
#include "proto/base/check.h"
#include "proto/limits.h"
#include "storage/lmdb/lmdb_map.h"
#include "storage/posix/posix_disk.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum {
    EXIT_LOST = 1,
    EXIT_USAGE = 64,
    EXIT_DAMAGED = 65,
    EXIT_DISK = 74,
    EXIT_REFUSED = 78,
    MIB = 1024 * 1024,
    SEGMENT_BYTES = 16 * MIB, // of one that is made here; those that are there keep their size
    OVERLAY_BYTES = 256 * MIB,
    CHECKPOINT_BYTES = 8 * MIB,
    CHECKPOINT_MS = 250,
    SAY_BYTES_MAX = 16 * MIB
};

struct wish {
    const char *folders[RECOVER_STORES_MAX];
    uint32_t folder_count;
    const char *cluster;
    bool look;
};

struct opened {
    struct disk *disk;
    struct sorted_map *map;
    struct identity identity;
};

struct survivors {
    struct opened parts[RECOVER_STORES_MAX];
    struct recover_store stores[RECOVER_STORES_MAX];
    uint32_t count;
};

const char *recover_usage(void) {
    return "       orpheus recover --look FOLDER…         what the stores that are left have of "
           "each "
           "partition,\n"
           "                                              and which have lost their majority\n"
           "       orpheus recover FOLDER…                goes on with what is left, after the "
           "others' disks\n"
           "         [--cluster ID]                       are lost for good; asks for the "
           "cluster's "
           "id. All nodes\n"
           "                                              are stopped meanwhile\n";
}

// --- opening -------------------------------------------------------------------------------------

static err folder_error(struct arena *arena, const char *folder, err error) {
    const char *text = arena_format(arena, "'%s': %s", folder, error.text);
    return err_make(error.code, text);
}

static err identity_read(const char *folder, struct arena *arena, struct identity *out) {
    if (access(arena_format(arena, "%s/state", folder), F_OK) != 0 ||
        access(arena_format(arena, "%s/log", folder), F_OK) != 0) {
        return err_make(
            ERR_CONFLICT, "it holds no store; name the folder that a node had as 'store'"
        );
    }
    TRY(identity_load(folder, arena, out));
    if (out->state == IDENTITY_LEFT) {
        return err_make(ERR_CONFLICT, "its node had left the cluster: it is none that is left");
    }
    if (out->state != IDENTITY_MEMBER) {
        return err_make(
            ERR_CONFLICT,
            "it is of a node alone, or of one that was not let in yet: there is nothing to recover "
            "with others"
        );
    }
    return ERR_NONE;
}

static err store_take(const char *folder, struct arena *arena, struct survivors *all) {
    struct opened *parts = &all->parts[all->count];
    struct recover_store *store = &all->stores[all->count];
    TRY(identity_read(folder, arena, &parts->identity));
    const struct identity *identity = &parts->identity;
    all->count++;
    TRY(posix_disk_create(arena_format(arena, "%s/log", folder), arena, &parts->disk));
    TRY(lmdb_map_create(arena_format(arena, "%s/state", folder), arena, &parts->map));
    uint64_t seed = 0;
    if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed)) {
        return err_make(ERR_IO, "the system gives no random bytes");
    }
    struct store_options options = {
        .disk = parts->disk,
        .map = parts->map,
        .group_count = identity->partitions + 1,
        .lane_count = 1,
        .segment_bytes = SEGMENT_BYTES,
        .overlay_bytes_max = OVERLAY_BYTES,
        .checkpoint_bytes = CHECKPOINT_BYTES,
        .checkpoint_ms = CHECKPOINT_MS,
        .random_seed = seed,
    };
    memcpy(options.cluster, identity->cluster_id.bytes, sizeof(options.cluster));
    *store = (struct recover_store){
        .name = folder,
        .node = identity->node,
        .cluster_id = identity->cluster_id,
        .group_count = options.group_count,
        .founders = {.copies = identity->replicas},
    };
    for (size_t i = 0; !identity->joined && i < identity->first.count; i++) {
        if (store->founders.count < LIMIT_CLUSTER_FOUNDERS) {
            store->founders.ids[store->founders.count++] = identity->first.items[i].node;
        }
    }
    return store_open(&options, arena, &store->store);
}

static void survivors_close(struct survivors *all) {
    for (uint32_t at = 0; at < all->count; at++) {
        store_close(&all->stores[at].store);
        lmdb_map_destroy(&all->parts[at].map);
        posix_disk_destroy(&all->parts[at].disk);
    }
}

static err survivors_open(const struct wish *wish, struct arena *arena, struct survivors *all) {
    for (uint32_t at = 0; at < wish->folder_count; at++) {
        err taken = store_take(wish->folders[at], arena, all);
        if (err_is(taken)) {
            return folder_error(arena, wish->folders[at], taken);
        }
    }
    return ERR_NONE;
}

// --- the person ----------------------------------------------------------------------------------

static void print(const struct buffer *text) {
    (void)printf("%.*s", BYTES_ARG(buffer_bytes(text)));
    (void)fflush(stdout);
}

static void text_of_id(id128 id, char out[ID_TEXT_BYTES + 1]) {
    id_format(id, out);
    out[ID_TEXT_BYTES] = '\0';
}

// The id as it was given, or typed. NULL: neither.
static const char *confirmation(const struct wish *wish, char *line, size_t size) {
    if (wish->cluster != NULL) {
        return wish->cluster;
    }
    if (isatty(STDIN_FILENO) == 0) {
        return NULL;
    }
    (void)printf("\nType the cluster's id to go on, anything else to leave all as it is: ");
    (void)fflush(stdout);
    if (fgets(line, (int)size, stdin) == NULL) {
        return NULL;
    }
    line[strcspn(line, "\r\n")] = '\0';
    return line;
}

static err expect_confirmed(const struct wish *wish, id128 cluster, struct arena *arena) {
    char expected[ID_TEXT_BYTES + 1];
    char line[128];
    text_of_id(cluster, expected);
    const char *given = confirmation(wish, line, sizeof(line));
    if (given == NULL) {
        return err_make(
            ERR_CONFLICT,
            arena_format(
                arena,
                "nothing was done: confirm with --cluster and the cluster's id, which stands in "
                "the "
                "file 'identity' of each folder"
            )
        );
    }
    if (strcmp(given, expected) != 0) {
        return err_make(
            ERR_CONFLICT,
            arena_format(
                arena,
                "nothing was done: '%s' is not the id of the cluster that these stores are of",
                given
            )
        );
    }
    return ERR_NONE;
}

// --- the command ---------------------------------------------------------------------------------

static err force(const struct wish *wish, const struct recover_look *look, struct arena *arena) {
    struct buffer text;
    buffer_init(&text, SAY_BYTES_MAX);
    recover_say(look, false, &text);
    if (look->lost_count > 0) {
        recover_say_bound(look, clocks_wall(), &text);
    }
    print(&text);
    buffer_deinit(&text);
    if (look->lost_count > 0) {
        TRY(expect_confirmed(wish, look->stores[0].cluster_id, arena));
    }
    TRY(recover_force(look, clocks_wall(), arena));
    (void)printf(
        "recovered: %u groups go on with what is here. Start these nodes as always; then give the "
        "cluster\nnew ones, with empty folders and 'join', never the lost ones' old folders or "
        "'cluster' lists.\n",
        look->lost_count - look->nothing_count
    );
    return ERR_NONE;
}

static err
run(const struct wish *wish, struct arena *arena, struct survivors *all, bool *out_lost) {
    struct recover_look look;
    TRY(survivors_open(wish, arena, all));
    TRY(recover_look(all->stores, all->count, arena, &look));
    *out_lost = look.lost_count > 0;
    if (!wish->look) {
        *out_lost = false;
        return force(wish, &look, arena);
    }
    struct buffer text;
    buffer_init(&text, SAY_BYTES_MAX);
    recover_say(&look, true, &text);
    print(&text);
    buffer_deinit(&text);
    return ERR_NONE;
}

static bool parse(int count, char *const *arguments, struct wish *out_wish) {
    *out_wish = (struct wish){0};
    for (int at = 0; at < count; at++) {
        if (strcmp(arguments[at], "--look") == 0) {
            out_wish->look = true;
        } else if (strcmp(arguments[at], "--cluster") == 0 && at + 1 < count) {
            out_wish->cluster = arguments[++at];
        } else if (arguments[at][0] != '-' && out_wish->folder_count < RECOVER_STORES_MAX) {
            out_wish->folders[out_wish->folder_count++] = arguments[at];
        } else {
            return false;
        }
    }
    return out_wish->folder_count > 0;
}

static int code_of(err error) {
    switch ((int)error.code) {
    case ERR_CORRUPT:
        return EXIT_DAMAGED;
    case ERR_IO:
    case ERR_FULL:
        return EXIT_DISK;
    default:
        return EXIT_REFUSED;
    }
}

int recover_run(int argument_count, char *const *arguments) {
    struct wish wish;
    if (!parse(argument_count, arguments, &wish)) {
        (void)fprintf(stderr, "usage:\n%s", recover_usage());
        return EXIT_USAGE;
    }
    struct arena *arena = arena_create(LIMIT_ARENA_BLOCK_BYTES);
    struct survivors *all = ARENA_NEW(arena, struct survivors);
    bool lost = false;
    err done = run(&wish, arena, all, &lost);
    if (err_is(done)) {
        (void)fprintf(stderr, "orpheus recover: %s\n", done.text);
    }
    int code = err_is(done) ? code_of(done) : lost ? EXIT_LOST : 0;
    survivors_close(all);
    arena_destroy(&arena);
    return code;
}
