#include "node/status/ask.h"

#include "node/call/fetch.h"
#include "node/status/table.h"
#include "proto/limits.h"

err status_ask(const char *server, struct arena *arena, struct buffer *out, bool *out_whole) {
    bytes base = bytes_from_text(server);
    while (base.size > 0 && base.data[base.size - 1] == '/') {
        base.size--;
    }
    const char *uri = arena_format(arena, "%.*s/api/cluster", BYTES_ARG(base));
    struct call call = {
        .method = bytes_from_text("GET"),
        .uri = bytes_from_text(uri),
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
    if (result.status != 200) {
        return err_make(ERR_INVALID, arena_format(arena, "%s answers %d", uri, result.status));
    }
    err drawn = status_table(result.body, arena, out, out_whole);
    if (err_is(drawn)) {
        return err_make(drawn.code, arena_format(arena, "%s: %s", uri, drawn.text));
    }
    return ERR_NONE;
}
