// Every order is idempotent: given again it changes nothing more and is watched again, so a lost
// answer or an impatient ^C costs nothing.
#include "node/status/orders.h"

#include "node/status/ask.h"
#include "node/status/table.h"
#include "node/status/view.h"
#include "proto/limits.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char SERVER_DEFAULT[] = "http://127.0.0.1:8080";

const char ORDERS_HELP[] =
    "       orpheus cluster status [--watch]       show the cluster as one node sees it; 1 when a "
    "node\n"
    "                                              is down, a partition has no leader or lacks a "
    "copy\n"
    "       orpheus cluster add N                  wait until node N, started with --join, has its "
    "share\n"
    "       orpheus cluster drain N [--force]      give its copies to the others; it stays a "
    "member\n"
    "       orpheus cluster cancel-drain N         let it have its share again\n"
    "       orpheus cluster remove N [--force]     drain it and make it a member no more; "
    "--force:\n"
    "                                              although copies or zones cannot be kept\n"
    "       orpheus cluster replace DEAD NEW       give NEW, started with --join, what DEAD had\n"
    "       orpheus cluster move P --from A --to B put a copy of partition P elsewhere\n"
    "         with each: --server URL (http://127.0.0.1:8080), --no-wait, --timeout SECONDS "
    "(3600);\n"
    "         1: not done in that time, 69: no answer, 77: refused, with the cluster's reason\n";

enum {
    LOOK_MS = 500,
    LOOKS_ALIKE = 3, // what shall last was seen as often in a row
};

enum verb {
    VERB_STATUS,
    VERB_ADD,
    VERB_DRAIN,
    VERB_CANCEL_DRAIN,
    VERB_REMOVE,
    VERB_REPLACE,
    VERB_MOVE,
    VERB_COUNT,
};

static const struct {
    const char *word;
    int numbers;
} VERBS[VERB_COUNT] = {
    [VERB_STATUS] = {"status", 0},
    [VERB_ADD] = {"add", 1},
    [VERB_DRAIN] = {"drain", 1},
    [VERB_CANCEL_DRAIN] = {"cancel-drain", 1},
    [VERB_REMOVE] = {"remove", 1},
    [VERB_REPLACE] = {"replace", 2},
    [VERB_MOVE] = {"move", 1},
};

struct order {
    enum verb verb;
    int64_t numbers[2]; // as the verb has them: nodes, or a partition
    int64_t from;
    int64_t to;
    const char *server;
    int64_t timeout_s;
    bool no_wait;
    bool force;
    bool watch;
};

// --- words
// -------------------------------------------------------------------------------------------

static bool number_read(const char *text, int64_t *out_number) {
    return bytes_parse_i64(bytes_from_text(text), out_number) && *out_number >= 0;
}

static bool flag_read(const char *flag, struct order *order) {
    bool *const flags[] = {&order->no_wait, &order->force, &order->watch};
    static const char *const NAMES[] = {"--no-wait", "--force", "--watch"};
    for (size_t at = 0; at < sizeof(flags) / sizeof(flags[0]); at++) {
        if (strcmp(flag, NAMES[at]) == 0) {
            *flags[at] = true;
            return true;
        }
    }
    return false;
}

static bool option_read(const char *option, const char *value, struct order *order) {
    if (strcmp(option, "--server") == 0) {
        order->server = value;
        return true;
    }
    return (strcmp(option, "--timeout") == 0 && number_read(value, &order->timeout_s)) ||
           (strcmp(option, "--from") == 0 && number_read(value, &order->from)) ||
           (strcmp(option, "--to") == 0 && number_read(value, &order->to));
}

// Whether the words make an order.
static bool order_read(int count, char *const *words, struct order *out_order) {
    *out_order = (struct order){.server = SERVER_DEFAULT, .timeout_s = 3600, .verb = VERB_COUNT};
    for (int verb = 0; count > 0 && verb < VERB_COUNT; verb++) {
        out_order->verb =
            strcmp(words[0], VERBS[verb].word) == 0 ? (enum verb)verb : out_order->verb;
    }
    int numbers = 0;
    if (out_order->verb == VERB_COUNT) {
        return false;
    }
    for (int at = 1; at < count; at++) {
        if (strncmp(words[at], "--", 2) != 0) {
            if (numbers == VERBS[out_order->verb].numbers ||
                !number_read(words[at], &out_order->numbers[numbers++])) {
                return false;
            }
        } else if (!flag_read(words[at], out_order)) {
            at++;
            if (at == count || !option_read(words[at - 1], words[at], out_order)) {
                return false;
            }
        }
    }
    bool placed = out_order->from > 0 && out_order->to > 0;
    return numbers == VERBS[out_order->verb].numbers && placed == (out_order->verb == VERB_MOVE);
}

// --- time
// --------------------------------------------------------------------------------------------

static int64_t now_ms(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void wait_to_look(void) {
    const struct timespec time = {.tv_nsec = LOOK_MS * 1000000L};
    (void)fflush(stdout);
    (void)nanosleep(&time, NULL); // time is the subject: the pace of asking
}

// --- status
// ------------------------------------------------------------------------------------------

static int status_once(const struct order *order) {
    SCOPED(arena_destroy) struct arena *arena = arena_create(LIMIT_ARENA_BLOCK_BYTES);
    struct buffer lines;
    buffer_init(&lines, LIMIT_REPLY_BYTES);
    bool whole = false;
    err asked = status_ask(order->server, arena, &lines, &whole);
    if (order->watch && isatty(STDOUT_FILENO)) {
        (void)printf("\033[H\033[2J"); // from the top of an empty screen
    }
    (void)printf("%.*s", BYTES_ARG(buffer_bytes(&lines)));
    buffer_deinit(&lines);
    if (err_is(asked)) {
        (void)fprintf(stderr, "orpheus cluster status: %s\n", asked.text);
        return ORDERS_UNAVAILABLE;
    }
    return whole ? ORDERS_DONE : ORDERS_NOT_SO;
}

static int status_show(const struct order *order) {
    int code = status_once(order);
    while (order->watch) {
        wait_to_look();
        code = status_once(order);
    }
    return code;
}

// --- giving an order
// ---------------------------------------------------------------------------------

// The request of an order; false: it needs none.
static bool request_of(
    const struct order *order, struct arena *arena, const char **out_path, const char **out_body
) {
    long long first = order->numbers[0];
    const char *word = VERBS[order->verb].word;
    *out_body = NULL;
    switch (order->verb) {
    case VERB_CANCEL_DRAIN:
        *out_path = arena_format(arena, "/api/cluster/nodes/%lld/%s", first, word);
        return true;
    case VERB_DRAIN:
    case VERB_REMOVE:
        *out_path = arena_format(
            arena, "/api/cluster/nodes/%lld/%s%s", first, word, order->force ? "?force=true" : ""
        );
        return true;
    case VERB_REPLACE:
        *out_path =
            arena_format(arena, "/api/cluster/nodes/%lld/%s", (long long)order->numbers[1], word);
        *out_body = arena_format(arena, "{\"deadNodeId\":%lld}", first);
        return true;
    case VERB_MOVE:
        *out_path = "/api/cluster/move";
        *out_body = arena_format(
            arena,
            "{\"partition\":%lld,\"from\":%lld,\"to\":%lld}",
            first,
            (long long)order->from,
            (long long)order->to
        );
        return true;
    case VERB_STATUS:
    case VERB_ADD:
    case VERB_COUNT:
        break;
    }
    return false;
}

static bool is_passing(int32_t status) {
    return status == 503 || status == 429;
}

static int give(const struct order *order, int64_t ends_ms) {
    SCOPED(arena_destroy) struct arena *arena = arena_create(LIMIT_ARENA_BLOCK_BYTES);
    const char *path = "";
    const char *body = NULL;
    struct status_answer answer = {0};
    if (!request_of(order, arena, &path, &body)) {
        return ORDERS_DONE;
    }
    do {
        err asked = status_http("POST", order->server, path, body, arena, &answer);
        if (err_is(asked)) {
            (void)fprintf(stderr, "orpheus cluster: %s\n", asked.text);
            return ORDERS_UNAVAILABLE;
        }
        if (is_passing(answer.status)) {
            wait_to_look();
        }
    } while (is_passing(answer.status) && now_ms() < ends_ms);
    if (answer.status / 100 == 2) {
        return ORDERS_DONE;
    }
    (void)fprintf(
        stderr,
        "orpheus cluster %s: refused with %d: %.*s\n",
        VERBS[order->verb].word,
        (int)answer.status,
        BYTES_ARG(answer.message)
    );
    return is_passing(answer.status) ? ORDERS_NOT_SO : ORDERS_REFUSED;
}

// --- watching it
// -------------------------------------------------------------------------------------

static bool is_gone(const struct view *view, int64_t node) {
    const struct view_member *member = view_member_of(view, node);
    return member == NULL || bytes_equal_text(member->state, "left");
}

static bool is_active(const struct view *view, int64_t node) {
    const struct view_member *member = view_member_of(view, node);
    return member != NULL && bytes_equal_text(member->state, "active");
}

// Who is to take another's place has to be there first.
static bool is_ready(const struct order *order, const struct view *view) {
    return is_active(view, order->numbers[1]);
}

static bool is_reached(const struct order *order, const struct view *view) {
    const struct view_member *member = view_member_of(view, order->numbers[0]);
    bool settled = view->progress.left == 0 && view->progress.moving == 0;
    bool active = is_active(view, order->numbers[0]);
    switch (order->verb) {
    case VERB_ADD:
    case VERB_CANCEL_DRAIN:
        return active && settled;
    case VERB_DRAIN:
        return member != NULL && !active && member->copies == 0 && settled;
    case VERB_REMOVE:
        return is_gone(view, order->numbers[0]);
    case VERB_REPLACE:
        return is_gone(view, order->numbers[0]) && settled;
    case VERB_MOVE:
        return settled;
    case VERB_STATUS:
    case VERB_COUNT:
        break;
    }
    return true;
}

// What is seen of an order, as a line.
static void draw(const struct order *order, const struct view *view, struct buffer *out) {
    int64_t node = order->verb == VERB_REPLACE ? order->numbers[1] : order->numbers[0];
    const struct view_member *member = view_member_of(view, node);
    if (order->verb != VERB_MOVE && member != NULL) {
        buffer_format(
            out,
            "node %lld is %.*s with %lld copies; ",
            (long long)node,
            BYTES_ARG(member->state),
            (long long)member->copies
        );
    } else if (order->verb != VERB_MOVE) {
        buffer_format(out, "node %lld is no member; ", (long long)node);
    }
    view_progress_draw(&view->progress, out);
}

typedef bool wanted_fn(const struct order *order, const struct view *view);

// One look. `*in_out_alike`: how often in a row it was as wanted. False: no answer.
static bool look(
    const struct order *order, wanted_fn *is_wanted, struct buffer *in_out_said, int *in_out_alike
) {
    SCOPED(arena_destroy) struct arena *arena = arena_create(LIMIT_ARENA_BLOCK_BYTES);
    struct status_answer answer = {0};
    struct view view;
    if (err_is(status_http("GET", order->server, "/api/cluster", NULL, arena, &answer)) ||
        answer.status != 200 || err_is(view_read(answer.body, arena, &view))) {
        *in_out_alike = 0;
        return false;
    }
    struct buffer line;
    buffer_init(&line, 1024);
    draw(order, &view, &line);
    if (!bytes_equal(buffer_bytes(&line), buffer_bytes(in_out_said))) {
        (void)printf("%.*s\n", BYTES_ARG(buffer_bytes(&line)));
        buffer_clear(in_out_said);
        buffer_append(in_out_said, buffer_bytes(&line));
    }
    buffer_deinit(&line);
    *in_out_alike = is_wanted(order, &view) ? *in_out_alike + 1 : 0;
    return true;
}

static int follow(const struct order *order, wanted_fn *is_wanted, int looks, int64_t ends_ms) {
    int64_t silent_since_ms = now_ms();
    int alike = 0;
    int code = ORDERS_NOT_SO;
    struct buffer said;
    buffer_init(&said, 1024);
    while (code == ORDERS_NOT_SO && now_ms() < ends_ms) {
        if (look(order, is_wanted, &said, &alike)) {
            silent_since_ms = now_ms();
        }
        if (alike == looks) {
            code = ORDERS_DONE;
        } else if (now_ms() - silent_since_ms > LIMIT_STATUS_SILENCE_MS) {
            code = ORDERS_UNAVAILABLE;
        } else {
            wait_to_look();
        }
    }
    buffer_deinit(&said);
    if (code == ORDERS_UNAVAILABLE) {
        (void
        )fprintf(stderr, "orpheus cluster: %s answers no more; ask another node\n", order->server);
    } else if (code == ORDERS_NOT_SO) {
        (void)fprintf(
            stderr,
            "orpheus cluster %s: not done after %lld s; it goes on, and may be asked again\n",
            VERBS[order->verb].word,
            (long long)order->timeout_s
        );
    }
    return code;
}

int orders_run(int argument_count, char *const *arguments) {
    struct order order;
    if (!order_read(argument_count, arguments, &order)) {
        (void)fprintf(stderr, "usage:\n%s", ORDERS_HELP);
        return ORDERS_USAGE;
    }
    if (order.verb == VERB_STATUS) {
        return status_show(&order);
    }
    int64_t ends_ms = now_ms() + order.timeout_s * 1000;
    int code = ORDERS_DONE;
    if (order.verb == VERB_REPLACE) {
        code = follow(&order, is_ready, 1, ends_ms);
    }
    if (code == ORDERS_DONE) {
        code = give(&order, ends_ms);
    }
    if (code == ORDERS_DONE && !order.no_wait) {
        code = follow(&order, is_reached, LOOKS_ALIKE, ends_ms);
    }
    return code;
}
