#include "node/command/tool.h"

#include "node/backup/restore.h"
#include "node/backup/take.h"
#include "node/backup/verify/verify.h"
#include "node/call/fetch.h"
#include "node/command/folder.h"
#include "proto/base/check.h"
#include "proto/limits.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    EXIT_USAGE = 64,
    EXIT_DAMAGED = 65,
    EXIT_UNAVAILABLE = 69,
    EXIT_FOLDER = 74,
    EXIT_REFUSED = 78,
    MIB = 1024 * 1024
};

const char *tool_usage(void) {
    return "       orpheus backup --node URL --to FOLDER  copy a cluster's state into a folder, "
           "while "
           "it works;\n"
           "         [--rate MIB]                         reads at most so much a second (16; 0: "
           "no "
           "bound);\n"
           "                                              run again it goes on where it was cut "
           "short\n"
           "       orpheus backup verify FOLDER           restore it in memory and check all of "
           "it\n"
           "       orpheus restore FOLDER --node URL      into an empty cluster with as many "
           "partitions\n";
}

// --- the cluster ---------------------------------------------------------------------------------

struct cluster {
    bytes url; // without a slash at its end
};

static err
ask(void *argument,
    const struct backup_question *question,
    struct arena *arena,
    struct backup_answer *out_answer) {
    const struct cluster *cluster = argument;
    const char *mark = question->query[0] == '\0' ? "" : "?";
    const char *uri = arena_format(
        arena, "%.*s%s%s%s", BYTES_ARG(cluster->url), question->path, mark, question->query
    );
    struct call call = {
        .method = bytes_from_text(question->method),
        .uri = bytes_from_text(uri),
        .headers = BYTES_LITERAL("Content-Type: application/octet-stream\n"),
        .body = question->body,
        .has_body = question->body.size > 0,
        .body_max = LIMIT_BACKUP_CHUNK_BYTES_MAX,
        .connect_ms = LIMIT_STATUS_MS,
        .silence_ms = LIMIT_STATUS_MS,
        .total_ms = 3LL * LIMIT_STATUS_MS,
    };
    struct call_result result;
    TRY(fetch(&call, arena, &result));
    if (result.outcome != CALL_ANSWERED) {
        bytes why = result.error.size > 0 ? result.error : BYTES_LITERAL("the answer is too large");
        return err_make(ERR_IO, arena_format(arena, "%.*s", BYTES_ARG(why)));
    }
    *out_answer = (struct backup_answer){(uint16_t)result.status, result.body};
    return ERR_NONE;
}

static void wait_ms(void *argument, int64_t ms) {
    (void)argument;
    // For nothing but time: the pace of a copy, or another try at a cluster that elects.
    (void)poll(NULL, 0, ms > INT32_MAX ? INT32_MAX : (int)ms);
}

static int64_t now_ms(void *argument) {
    (void)argument;
    struct timespec now;
    int known = clock_gettime(CLOCK_MONOTONIC, &now);
    check(known == 0);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void say(void *argument, const char *line) {
    (void)argument;
    (void)printf("%s\n", line);
    (void)fflush(stdout);
}

// --- arguments -----------------------------------------------------------------------------------

struct wish {
    const char *node;
    const char *folder;
    int64_t rate_mib;
};

static bool option(const char *name, const char *value, struct wish *wish) {
    if (strcmp(name, "--node") == 0) {
        wish->node = value;
        return true;
    }
    if (strcmp(name, "--to") == 0) {
        wish->folder = value;
        return true;
    }
    return strcmp(name, "--rate") == 0 &&
           bytes_parse_i64(bytes_from_text(value), &wish->rate_mib) && wish->rate_mib >= 0 &&
           wish->rate_mib < MIB;
}

// Options and, when it was not given as one, the folder.
static bool parse(int count, char *const *arguments, struct wish *out_wish) {
    *out_wish = (struct wish){.rate_mib = LIMIT_BACKUP_RATE_MIB};
    int at = 0;
    while (at < count) {
        if (arguments[at][0] != '-') {
            if (out_wish->folder != NULL) {
                return false;
            }
            out_wish->folder = arguments[at++];
        } else if (at + 1 < count && option(arguments[at], arguments[at + 1], out_wish)) {
            at += 2;
        } else {
            return false;
        }
    }
    return out_wish->folder != NULL;
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

static int
run(const char *command,
    const struct wish *wish,
    bool makes_folder,
    err (*work)(struct backup_session *session, const struct wish *wish, struct arena *arena)) {
    struct arena *arena = arena_create(LIMIT_ARENA_BLOCK_BYTES);
    struct cluster cluster = {.url = wish->node == NULL ? BYTES_EMPTY : url_of(wish)};
    const struct backup_server server = {&cluster, ask, wait_ms, now_ms};
    struct backup_folder folder = {0};
    int code = EXIT_FOLDER;
    err done = folder_open(wish->folder, makes_folder, arena, &folder);
    if (err_is(done)) {
        (void)fprintf(stderr, "orpheus %s: %s\n", command, done.text);
    } else {
        struct backup_session session = {.server = &server, .folder = &folder, .progress = say};
        done = work(&session, wish, arena);
        code = err_is(done) ? refused(command, done) : 0;
    }
    folder_close(&folder);
    arena_destroy(&arena);
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
