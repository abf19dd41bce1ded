#include "node/command/tool.h"

#include "node/backup/restore.h"
#include "node/backup/take.h"
#include "node/backup/verify/verify.h"
#include "node/bucket/bucket.h"
#include "node/command/folder.h"
#include "node/command/http.h"
#include "proto/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    EXIT_USAGE = 64,
    EXIT_DAMAGED = 65,
    EXIT_UNAVAILABLE = 69,
    EXIT_FOLDER = 74,
    EXIT_REFUSED = 78,
    MIB = 1024 * 1024
};

const char *tool_usage(void) {
    return "       orpheus backup PLACE --node URL        copy a cluster's state to a place, while "
           "it "
           "works;\n"
           "         [--rate MIB]                         reads at most so much a second (16; 0: "
           "no bound);\n"
           "                                              run again it goes on where it was cut "
           "short\n"
           "       orpheus backup verify PLACE            restore it in memory and check all of "
           "it\n"
           "       orpheus restore PLACE --node URL       into an empty cluster with as many "
           "partitions\n"
           "         PLACE is a folder (--to FOLDER is the same), or s3://BUCKET/PREFIX with its "
           "key in\n"
           "         AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN; [--region "
           "NAME] or\n"
           "         AWS_REGION; [--endpoint URL] or AWS_ENDPOINT_URL_S3 for MinIO, Ceph and "
           "others\n";
}

// --- arguments -----------------------------------------------------------------------------------

static void say(void *argument, const char *line) {
    (void)argument;
    (void)printf("%s\n", line);
    (void)fflush(stdout);
}

struct wish {
    const char *node;
    const char *place; // a folder, or a bucket's
    const char *endpoint;
    const char *region;
    int64_t rate_mib;
};

static bool option(const char *name, const char *value, struct wish *wish) {
    const struct {
        const char *name;
        const char **value;
    } texts[] = {
        {"--node", &wish->node},
        {"--to", &wish->place},
        {"--endpoint", &wish->endpoint},
        {"--region", &wish->region},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (strcmp(name, texts[i].name) == 0) {
            *texts[i].value = value;
            return true;
        }
    }
    return strcmp(name, "--rate") == 0 &&
           bytes_parse_i64(bytes_from_text(value), &wish->rate_mib) && wish->rate_mib >= 0 &&
           wish->rate_mib < MIB;
}

// Options and, when it was not given as one, the place.
static bool parse(int count, char *const *arguments, struct wish *out_wish) {
    *out_wish = (struct wish){.rate_mib = LIMIT_BACKUP_RATE_MIB};
    int at = 0;
    while (at < count) {
        if (arguments[at][0] != '-') {
            if (out_wish->place != NULL) {
                return false;
            }
            out_wish->place = arguments[at++];
        } else if (at + 1 < count && option(arguments[at], arguments[at + 1], out_wish)) {
            at += 2;
        } else {
            return false;
        }
    }
    return out_wish->place != NULL;
}

static int usage(void) {
    (void)fprintf(stderr, "usage:\n%s", tool_usage());
    return EXIT_USAGE;
}

static int refused(const char *command, err error) {
    (void)fprintf(stderr, "orpheus %s: %s\n", command, error.text);
    switch ((int)error.code) {
    case ERR_IO:
        return EXIT_UNAVAILABLE;
    case ERR_FULL:
        return EXIT_FOLDER;
    case ERR_CORRUPT:
        return EXIT_DAMAGED;
    default:
        return EXIT_REFUSED;
    }
}

static bytes url_of(const struct wish *wish) {
    bytes url = bytes_from_text(wish->node);
    while (url.size > 0 && url.data[url.size - 1] == '/') {
        url.size--;
    }
    return url;
}

// --- the commands --------------------------------------------------------------------------------

static err take(struct backup_session *session, const struct wish *wish, struct arena *arena) {
    struct backup_taken taken;
    TRY(backup_take(session, (uint64_t)wish->rate_mib * MIB, arena, &taken));
    (void)printf(
        "backup %llu is whole: %u partitions, %llu rows, %llu entries, %llu bytes\n",
        (unsigned long long)taken.number,
        taken.partitions,
        (unsigned long long)taken.rows,
        (unsigned long long)taken.entries,
        (unsigned long long)taken.bytes
    );
    return ERR_NONE;
}

static err verify(struct backup_session *session, const struct wish *wish, struct arena *arena) {
    struct backup_verdict verdict;
    (void)wish;
    TRY(backup_verify(session, arena, &verdict));
    (void)printf(
        "backup %llu: %u partitions, %llu rows, %llu executions, %llu faults\n",
        (unsigned long long)verdict.number,
        verdict.partitions,
        (unsigned long long)verdict.rows,
        (unsigned long long)verdict.executions,
        (unsigned long long)verdict.faults
    );
    return verdict.faults == 0 ? ERR_NONE
                               : err_make(ERR_CORRUPT, "rows of the backup contradict each other");
}

static err restore(struct backup_session *session, const struct wish *wish, struct arena *arena) {
    struct backup_restored restored;
    (void)wish;
    TRY(backup_restore(session, arena, &restored));
    (void)printf(
        "restored: %u partitions, %llu writes, %llu bytes; the cluster is open\n",
        restored.partitions,
        (unsigned long long)restored.writes,
        (unsigned long long)restored.bytes
    );
    return ERR_NONE;
}

// --- places --------------------------------------------------------------------------------------

static const char *variable(const char *name) {
    return getenv(name); // NOLINT(concurrency-mt-unsafe): one thread, before any call
}

// What a command works with. The bucket's are of a place that is one.
struct bench {
    struct arena *arena;
    struct http *http;
    struct bucket_client bucket;
    struct backup_folder folder;
    bool is_bucket;
};

static err open_place(struct bench *bench, const struct wish *wish, bool makes_folder) {
    if (!bench->is_bucket) {
        return folder_open(wish->place, makes_folder, bench->arena, &bench->folder);
    }
    const struct bucket_wish wished = {wish->place, wish->endpoint, wish->region, variable};
    TRY(bucket_place_read(&wished, bench->arena, &bench->bucket.place));
    bench->bucket.wire = http_wire(bench->http, &bench->bucket.place);
    return bucket_open(&bench->bucket, bench->arena, &bench->folder);
}

static err open_bench(struct bench *bench, const struct wish *wish, bool makes_folder) {
    bench->arena = arena_create(LIMIT_ARENA_BLOCK_BYTES);
    bench->is_bucket = bucket_is_location(wish->place);
    TRY(http_create(&bench->http));
    return open_place(bench, wish, makes_folder);
}

static void close_bench(struct bench *bench) {
    if (bench->is_bucket) {
        bucket_close(&bench->folder);
    } else {
        folder_close(&bench->folder);
    }
    http_destroy(&bench->http);
    arena_destroy(&bench->arena);
}

static int
run(const char *command,
    const struct wish *wish,
    bool makes_folder,
    err (*work)(struct backup_session *session, const struct wish *wish, struct arena *arena)) {
    struct bench bench = {0};
    int code = 0;
    err done = open_bench(&bench, wish, makes_folder);
    if (err_is(done)) {
        code = refused(command, done);
        code = bench.is_bucket ? code : EXIT_FOLDER;
    } else {
        bytes url = wish->node == NULL ? BYTES_EMPTY : url_of(wish);
        const struct backup_server server = http_server(bench.http, url);
        struct backup_session session = {
            .server = &server, .folder = &bench.folder, .progress = say};
        done = work(&session, wish, bench.arena);
        code = err_is(done) ? refused(command, done) : 0;
    }
    close_bench(&bench);
    return code;
}

int tool_backup(int argument_count, char *const *arguments) {
    struct wish wish;
    if (argument_count > 0 && strcmp(arguments[0], "verify") == 0) {
        return parse(argument_count - 1, arguments + 1, &wish) && wish.node == NULL
                   ? run("backup verify", &wish, false, verify)
                   : usage();
    }
    return parse(argument_count, arguments, &wish) && wish.node != NULL
               ? run("backup", &wish, true, take)
               : usage();
}

int tool_restore(int argument_count, char *const *arguments) {
    struct wish wish;
    return parse(argument_count, arguments, &wish) && wish.node != NULL
               ? run("restore", &wish, false, restore)
               : usage();
}
