// Any bytes as a stream of frames in both directions; what is accepted must come back from its own
// encoding, and a prefix of a whole frame is never an error.
#include "node/eval/frame/frame.h"

#include "tests/fuzz/fuzz.h"

static void check_request(bytes stream) {
    struct frame_request request;
    size_t size = 0;
    if (err_is(frame_take_request(stream, &request, &size)) || size == 0) {
        return;
    }
    struct buffer again;
    buffer_init(&again, SIZE_MAX);
    frame_put_request(&again, &request);
    check(bytes_equal(buffer_bytes(&again), bytes_slice(stream, 0, size)));
    buffer_deinit(&again);
    check(!err_is(frame_take_request(bytes_slice(stream, 0, size - 1), &request, &size)));
    check(size == 0);
}

static void check_answer(bytes stream) {
    struct frame_answer answer;
    size_t size = 0;
    if (err_is(frame_take_answer(stream, &answer, &size)) || size == 0) {
        return;
    }
    struct buffer again;
    buffer_init(&again, SIZE_MAX);
    frame_put_answer(&again, &answer);
    check(bytes_equal(buffer_bytes(&again), bytes_slice(stream, 0, size)));
    buffer_deinit(&again);
    check(!err_is(frame_take_answer(bytes_slice(stream, 0, size - 1), &answer, &size)));
    check(size == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
    check_request(bytes_of(input, size));
    check_answer(bytes_of(input, size));
    return 0;
}
