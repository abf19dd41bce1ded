// orpheus: one program. `orpheus serve` runs a node, `orpheus cluster …` speaks to one, `orpheus
// backup` and `orpheus restore` copy a cluster's state out and in, `orpheus recover` goes on with
// what a loss left.
#include "node/command/recover.h"
#include "node/command/tool.h"
#include "node/config.h"
#include "node/log.h"
#include "node/shell/clocks.h"
#include "node/shell/shell.h"
#include "node/status/explain.h"
#include "node/status/orders.h"
#include "proto/base/arena.h"
#include "proto/base/buffer.h"
#include "proto/limits.h"

#include <stdio.h>
#include <string.h>

extern char **environ;

enum {
    EXIT_USAGE = 64,   // EX_USAGE of sysexits.h
    EXIT_REFUSED = 78, // EX_CONFIG: it cannot start as it is
};

static void help(FILE *out) {
    struct buffer text;
    buffer_init(&text, (size_t)64 * 1024);
    buffer_append_text(&text, "usage: orpheus serve [--name value …]         run a node\n");
    buffer_append_text(&text, ORDERS_HELP);
    buffer_append_text(&text, tool_usage());
    buffer_append_text(&text, recover_usage());
    buffer_append_text(
        &text,
        "       orpheus explain WORKFLOW_ID            what an execution's rows say: partition, "
        "leader, tasks,\n"
        "                                              queue, timers, messages [--server URL]\n"
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

int main(int argument_count, char **arguments) {
    const char *verb = argument_count > 1 ? arguments[1] : "";
    if (strcmp(verb, "serve") == 0) {
        return serve(argument_count - 2, arguments + 2);
    }
    if (strcmp(verb, "cluster") == 0) {
        return orders_run(argument_count - 2, arguments + 2);
    }
    if (strcmp(verb, "explain") == 0) {
        return explain_run(argument_count - 2, arguments + 2);
    }
    if (strcmp(verb, "backup") == 0) {
        return tool_backup(argument_count - 2, arguments + 2);
    }
    if (strcmp(verb, "restore") == 0) {
        return tool_restore(argument_count - 2, arguments + 2);
    }
    if (strcmp(verb, "recover") == 0) {
        return recover_run(argument_count - 2, arguments + 2);
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
