// Read, run, answer, one at a time. Each answer leaves before the next evaluation begins: the
// server holds the first unanswered request for the one that is running, and kills by that.
#include "node/eval/evaluator/serve.h"

#include "node/eval/evaluator/evaluate.h"
#include "node/eval/evaluator/sandbox.h"
#include "node/eval/frame/frame.h"
#include "proto/base/check.h"
#include "proto/limits.h"

#include <errno.h>
#include <unistd.h>

enum {
    READ_BYTES = 64 * 1024,
    // Read ahead at most one frame more than the one at hand.
    STREAM_BYTES = 2 * LIMIT_EVALUATION_FRAME_BYTES,
};

static bool send_all(bytes view) {
    while (view.size > 0) {
        ssize_t sent = write(STDOUT_FILENO, view.data, view.size);
        if (sent < 0 && errno != EINTR) {
            return false;
        }
        if (sent > 0) {
            view = bytes_slice(view, (size_t)sent, view.size);
        }
    }
    return true;
}

// The rest of the stream after what was run; false: a pipe broke or the stream is wrong.
static bool run_whole_frames(
    struct evaluator *evaluator, struct buffer *in, struct buffer *out, struct arena *arena
) {
    size_t used = 0;
    for (;;) {
        struct frame_request request;
        size_t size = 0;
        bytes rest = bytes_slice(buffer_bytes(in), used, in->size);
        if (err_is(frame_take_request(rest, &request, &size))) {
            return false;
        }
        if (size == 0) {
            buffer_consume(in, used);
            return true;
        }
        struct frame_answer answer = {
            .serial = request.serial,
            .result = evaluator_run(evaluator, &request.evaluation, request.deadline_ms, arena),
        };
        buffer_clear(out);
        frame_put_answer(out, &answer);
        arena_reset(arena);
        if (err_is(buffer_status(out)) || !send_all(buffer_bytes(out))) {
            return false;
        }
        used += size;
    }
}

int serve(enum evaluation_language language) {
    struct evaluator *evaluator = evaluator_create(language);
    struct arena *arena = arena_create(LIMIT_ARENA_BLOCK_BYTES);
    struct buffer in;
    struct buffer out;
    buffer_init(&in, STREAM_BYTES);
    buffer_init(&out, LIMIT_EVALUATION_FRAME_BYTES + 64);
    if (err_is(sandbox_enter())) {
        return SERVE_EXIT_REFUSED;
    }
    struct frame_answer ready = {.serial = 0, .result = {.outcome = EVALUATION_DONE}};
    frame_put_answer(&out, &ready);
    if (!send_all(buffer_bytes(&out))) {
        return SERVE_EXIT_BROKEN;
    }
    static uint8_t chunk[READ_BYTES];
    for (;;) {
        ssize_t got = read(STDIN_FILENO, chunk, sizeof(chunk));
        if (got == 0) {
            return SERVE_EXIT_END;
        }
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return SERVE_EXIT_BROKEN;
        }
        buffer_append(&in, bytes_of(chunk, (size_t)got));
        if (!run_whole_frames(evaluator, &in, &out, arena)) {
            return SERVE_EXIT_BROKEN;
        }
    }
}
