#include "node/status/ask.h"

#include "node/call/fetch.h"
#include "node/status/table.h"
#include "proto/json/json.h"
#include "proto/limits.h"

static const char *uri_of(const char *server, const char *path, struct arena *arena) {
    bytes base = bytes_from_text(server);
    while (base.size > 0 && base.data[base.size - 1] == '/') {
        base.size--;
    }
    return arena_format(arena, "%.*s%s", BYTES_ARG(base), path);
}

static bytes message_of(bytes body, struct arena *arena) {
    bytes root = BYTES_EMPTY;
    bytes message = BYTES_EMPTY;
    if (err_is(json_validate(body, arena, &root)) || !json_get_text(root, "message", &message) ||
        !json_is_string(message)) {
        return body;
    }
    return json_string(message, arena);
}

err status_http(
    const char *method,
    const char *server,
    const char *path,
    const char *json,
    struct arena *arena,
    struct status_answer *out_answer
) {
    const char *uri = uri_of(server, path, arena);
    struct call call = {
        .method = bytes_from_text(method),
        .uri = bytes_from_text(uri),
        .headers = json != NULL ? BYTES_LITERAL("Content-Type: application/json\n") : BYTES_EMPTY,
        .body = json != NULL ? bytes_from_text(json) : BYTES_EMPTY,
        .has_body = json != NULL,
        .connect_ms = LIMIT_STATUS_MS,
        .silence_ms = LIMIT_STATUS_MS,
        .total_ms = LIMIT_STATUS_MS,
    };
    struct call_result result;
    TRY(fetch(&call, arena, &result));
    if (result.outcome != CALL_ANSWERED) {
        bytes why =
            result.error.size > 0 ? result.error : bytes_from_text("its answer is too large");
        return err_make(ERR_IO, arena_format(arena, "%s: %.*s", uri, BYTES_ARG(why)));
    }
    *out_answer = (struct status_answer){
        .status = result.status,
        .body = result.body,
        .message = message_of(result.body, arena),
    };
    return ERR_NONE;
}

err status_ask(const char *server, struct arena *arena, struct buffer *out, bool *out_whole) {
    static const char PATH[] = "/api/cluster";
    struct status_answer answer = {0};
    TRY(status_http("GET", server, PATH, NULL, arena, &answer));
    const char *uri = uri_of(server, PATH, arena);
    if (answer.status != 200) {
        return err_make(ERR_INVALID, arena_format(arena, "%s answers %d", uri, (int)answer.status));
    }
    err drawn = status_table(answer.body, arena, out, out_whole);
    if (err_is(drawn)) {
        return err_make(drawn.code, arena_format(arena, "%s: %s", uri, drawn.text));
    }
    return ERR_NONE;
}
