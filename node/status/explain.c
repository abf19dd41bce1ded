#include "node/status/explain.h"

#include "node/status/ask.h"
#include "node/status/orders.h"
#include "proto/json/json.h"
#include "proto/limits.h"

#include <stdio.h>
#include <string.h>

static const char SERVER_DEFAULT[] = "http://127.0.0.1:8080";

// --- lines
// ------------------------------------------------------------------------------------------

static void value_draw(bytes value, struct arena *arena, struct buffer *out) {
    bytes text = json_is_string(value) ? json_string(value, arena) : value;
    buffer_append(out, text);
}

// Members of an object on one line; those of objects inside stand in brackets.
static void members_draw(bytes object, struct arena *arena, struct buffer *out) {
    struct json_iter iter = json_iter(object);
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    const char *before = "";
    while (json_next_member(&iter, &key, &value)) {
        buffer_format(out, "%s%.*s=", before, BYTES_ARG(json_string(key, arena)));
        before = " ";
        if (json_is_object(value)) {
            buffer_append_text(out, "[");
            members_draw(value, arena, out);
            buffer_append_text(out, "]");
        } else {
            value_draw(value, arena, out);
        }
    }
}

static void elements_draw(bytes list, struct arena *arena, struct buffer *out) {
    struct json_iter iter = json_iter(list);
    bytes element = BYTES_EMPTY;
    bool some = false;
    while (json_next_element(&iter, &element)) {
        buffer_append_text(out, some || json_is_object(element) ? "\n  " : "");
        some = json_is_object(element);
        if (some) {
            members_draw(element, arena, out);
        } else {
            value_draw(element, arena, out);
            buffer_append_text(out, " ");
        }
    }
    buffer_append_text(out, "\n");
}

err explain_draw(bytes json, struct arena *arena, struct buffer *out) {
    bytes root = BYTES_EMPTY;
    TRY(json_validate(json, arena, &root));
    struct json_iter iter = json_iter(root);
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    while (json_is_object(root) && json_next_member(&iter, &key, &value)) {
        buffer_format(out, "%-16.*s ", BYTES_ARG(json_string(key, arena)));
        if (json_is_array(value)) {
            elements_draw(value, arena, out);
            continue;
        }
        if (json_is_object(value)) {
            members_draw(value, arena, out);
        } else {
            value_draw(value, arena, out);
        }
        buffer_append_text(out, "\n");
    }
    return ERR_NONE;
}

// --- asking
// -----------------------------------------------------------------------------------------

static int ask(const char *server, const char *id, struct arena *arena) {
    struct status_answer answer;
    const char *path = arena_format(arena, "/api/cluster/explain/%s", id);
    err asked = status_http("GET", server, path, NULL, arena, &answer);
    if (err_is(asked)) {
        (void)fprintf(stderr, "orpheus explain: %s\n", asked.text);
        return ORDERS_UNAVAILABLE;
    }
    struct buffer lines;
    buffer_init(&lines, LIMIT_REPLY_BYTES);
    if (answer.status != 200 || err_is(explain_draw(answer.body, arena, &lines))) {
        (void)fprintf(stderr, "orpheus explain: %.*s\n", BYTES_ARG(answer.message));
        buffer_deinit(&lines);
        return ORDERS_NOT_SO;
    }
    (void)printf("%.*s", BYTES_ARG(buffer_bytes(&lines)));
    buffer_deinit(&lines);
    return ORDERS_DONE;
}

int explain_run(int argument_count, char *const *arguments) {
    bool named = argument_count == 3 && strcmp(arguments[1], "--server") == 0;
    if (argument_count != 1 && !named) {
        (void)fprintf(stderr, "usage: orpheus explain WORKFLOW_ID [--server URL]\n");
        return ORDERS_USAGE;
    }
    SCOPED(arena_destroy) struct arena *arena = arena_create(LIMIT_ARENA_BLOCK_BYTES);
    return ask(named ? arguments[2] : SERVER_DEFAULT, arguments[0], arena);
}
