// orpheus: one program. `orpheus serve` runs a node, `orpheus cluster status` asks one.
#include "node/config.h"
#include "node/log.h"
#include "node/shell/clocks.h"
#include "node/shell/shell.h"
#include "node/status/ask.h"
#include "proto/base/arena.h"
#include "proto/base/buffer.h"
#include "proto/limits.h"

#include <stdio.h>
#include <string.h>

extern char **environ;

static const char SERVER_DEFAULT[] = "http://127.0.0.1:8080";

enum {
    EXIT_NOT_WHOLE = 1,    // cluster status: a node is down or a partition has no leader
    EXIT_USAGE = 64,       // EX_USAGE of sysexits.h
    EXIT_UNAVAILABLE = 69, // EX_UNAVAILABLE: no node answered
    EXIT_REFUSED = 78,     // EX_CONFIG: it cannot start as it is
};

static void help(FILE *out) {
    struct buffer text;
    buffer_init(&text, (size_t)64 * 1024);
    buffer_append_text(
        &text,
        "usage: orpheus serve [--name value …]         run a node\n"
        "       orpheus cluster status [--server URL]  show the cluster as that node sees it\n"
        "                                              (http://127.0.0.1:8080); 1 when a node is "
        "down\n"
        "                                              or a partition has no leader, 69 without "
        "answer\n"
        "       orpheus version                        print the version\n"
        "       orpheus help                           print this\n"
        "\n"
        "settings of serve, as flag, as environment variable (ORPHEUS_NAME), or in the file that "
        "--config\n"
        "or ORPHEUS_CONFIG names (lines of 'name = value'); a flag wins over the environment, that "
        "over\n"
        "the file:\n"
    );
    config_describe(&text);
    (void)fprintf(out, "%.*s", BYTES_ARG(buffer_bytes(&text)));
    buffer_deinit(&text);
}

static int serve(int argument_count, char *const *arguments) {
    SCOPED(arena_destroy) struct arena *arena = arena_create(LIMIT_ARENA_BLOCK_BYTES);
    struct config config;
    struct log log = {.level = LOG_INFO, .clock = clocks_wall};
    err done = config_read(argument_count, arguments, environ, arena, &config);
    if (!err_is(done) && !log_level_parse(config.log_level, &log.level)) {
        done = err_make(ERR_INVALID, "log-level is refused: error, warn, info or debug");
    }
    if (err_is(done)) {
        log_line(&log, LOG_ERROR, "refused_configuration", "text=\"%s\"", done.text);
        return EXIT_USAGE;
    }
    log.node = config.node_id > 0 ? (uint32_t)config.node_id : 1;
    done = shell_serve(&config, &log, arena);
    if (err_is(done)) {
        log_line(
            &log, LOG_ERROR, "cannot_start", "code=%s text=\"%s\"", err_name(done.code), done.text
        );
        return done.code == ERR_INVALID ? EXIT_USAGE : EXIT_REFUSED; // a setting, or the store
    }
    return 0;
}

static int cluster(int argument_count, char *const *arguments) {
    bool named = argument_count == 3 && strcmp(arguments[1], "--server") == 0;
    if (argument_count < 1 || strcmp(arguments[0], "status") != 0 ||
        (argument_count != 1 && !named)) {
        help(stderr);
        return EXIT_USAGE;
    }
    SCOPED(arena_destroy) struct arena *arena = arena_create(LIMIT_ARENA_BLOCK_BYTES);
    struct buffer lines;
    buffer_init(&lines, LIMIT_REPLY_BYTES);
    bool whole = false;
    err asked = status_ask(named ? arguments[2] : SERVER_DEFAULT, arena, &lines, &whole);
    (void)printf("%.*s", BYTES_ARG(buffer_bytes(&lines)));
    buffer_deinit(&lines);
    if (err_is(asked)) {
        (void)fprintf(stderr, "orpheus cluster status: %s\n", asked.text);
        return EXIT_UNAVAILABLE;
    }
    return whole ? 0 : EXIT_NOT_WHOLE;
}

int main(int argument_count, char **arguments) {
    const char *verb = argument_count > 1 ? arguments[1] : "";
    if (strcmp(verb, "serve") == 0) {
        return serve(argument_count - 2, arguments + 2);
    }
    if (strcmp(verb, "cluster") == 0) {
        return cluster(argument_count - 2, arguments + 2);
    }
    if (strcmp(verb, "version") == 0) {
        (void)printf("orpheus %s\n", SHELL_VERSION);
        return 0;
    }
    if (strcmp(verb, "help") == 0 || strcmp(verb, "--help") == 0) {
        help(stdout);
        return 0;
    }
    help(stderr);
    return EXIT_USAGE;
}
