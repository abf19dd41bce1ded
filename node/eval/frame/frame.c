// Lengths are checked against the bound before anything is waited for, so that a broken peer cannot
// make the other end gather bytes for ever.
#include "node/eval/frame/frame.h"

#include "proto/limits.h"

enum {
    SIZE_BYTES = 4,
    REQUEST_HEAD_BYTES = 18, // serial, language, kind, deadline, size of text
    ANSWER_HEAD_BYTES = 9,   // serial, outcome
};

static void put_u32(struct buffer *buffer, uint32_t value) {
    uint8_t packed[4];
    bytes_put_u32(packed, value);
    buffer_append(buffer, bytes_of(packed, sizeof(packed)));
}

static void put_u64(struct buffer *buffer, uint64_t value) {
    uint8_t packed[8];
    bytes_put_u64(packed, value);
    buffer_append(buffer, bytes_of(packed, sizeof(packed)));
}

// The size of a frame's rest, or an overflow of the buffer. True: it may be written.
static bool put_size(struct buffer *buffer, size_t head, bytes first, bytes second) {
    if (first.size > LIMIT_EVALUATION_FRAME_BYTES || second.size > LIMIT_EVALUATION_FRAME_BYTES ||
        head + first.size + second.size > LIMIT_EVALUATION_FRAME_BYTES) {
        buffer->overflowed = true;
        return false;
    }
    put_u32(buffer, (uint32_t)(head + first.size + second.size));
    return true;
}

void frame_put_request(struct buffer *buffer, const struct frame_request *request) {
    const struct evaluation *evaluation = &request->evaluation;
    if (!put_size(buffer, REQUEST_HEAD_BYTES, evaluation->text, evaluation->input)) {
        return;
    }
    put_u64(buffer, request->serial);
    buffer_append_byte(buffer, (uint8_t)evaluation->language);
    buffer_append_byte(buffer, (uint8_t)evaluation->kind);
    put_u32(buffer, request->deadline_ms);
    put_u32(buffer, (uint32_t)evaluation->text.size);
    buffer_append(buffer, evaluation->text);
    buffer_append(buffer, evaluation->input);
}

void frame_put_answer(struct buffer *buffer, const struct frame_answer *answer) {
    const struct evaluation_result *result = &answer->result;
    bytes body = result->outcome == EVALUATION_DONE ? result->json : result->error;
    if (!put_size(buffer, ANSWER_HEAD_BYTES, body, BYTES_EMPTY)) {
        return;
    }
    put_u64(buffer, answer->serial);
    buffer_append_byte(buffer, (uint8_t)result->outcome);
    buffer_append(buffer, body);
}

// The rest of the first frame; `*out_size` 0 when it is not whole.
MUST_USE static err take_rest(bytes stream, size_t head, bytes *out_rest, size_t *out_size) {
    *out_size = 0;
    if (stream.size < SIZE_BYTES) {
        return ERR_NONE;
    }
    uint32_t size = bytes_get_u32(stream.data);
    if (size < head || size > LIMIT_EVALUATION_FRAME_BYTES) {
        return err_make(ERR_CORRUPT, "a frame has an impossible size");
    }
    if (stream.size - SIZE_BYTES < size) {
        return ERR_NONE;
    }
    *out_rest = bytes_of(stream.data + SIZE_BYTES, size);
    *out_size = SIZE_BYTES + (size_t)size;
    return ERR_NONE;
}

err frame_take_request(bytes stream, struct frame_request *out_request, size_t *out_size) {
    bytes rest = BYTES_EMPTY;
    size_t size = 0;
    TRY(take_rest(stream, REQUEST_HEAD_BYTES, &rest, &size));
    if (size == 0) {
        *out_size = 0;
        return ERR_NONE;
    }
    uint8_t language = rest.data[8];
    uint8_t kind = rest.data[9];
    uint32_t text_size = bytes_get_u32(rest.data + 14);
    if (language >= EVALUATION_LANGUAGE_COUNT || kind >= EVALUATION_KIND_COUNT ||
        text_size > rest.size - REQUEST_HEAD_BYTES) {
        return err_make(ERR_CORRUPT, "a request has an impossible field");
    }
    size_t input_at = REQUEST_HEAD_BYTES + (size_t)text_size;
    *out_request = (struct frame_request){
        .serial = bytes_get_u64(rest.data),
        .deadline_ms = bytes_get_u32(rest.data + 10),
        .evaluation =
            {
                .language = (enum evaluation_language)language,
                .kind = (enum evaluation_kind)kind,
                .text = bytes_slice(rest, REQUEST_HEAD_BYTES, input_at),
                .input = bytes_slice(rest, input_at, rest.size),
            },
    };
    *out_size = size;
    return ERR_NONE;
}

err frame_take_answer(bytes stream, struct frame_answer *out_answer, size_t *out_size) {
    bytes rest = BYTES_EMPTY;
    size_t size = 0;
    TRY(take_rest(stream, ANSWER_HEAD_BYTES, &rest, &size));
    if (size == 0) {
        *out_size = 0;
        return ERR_NONE;
    }
    uint8_t outcome = rest.data[8];
    if (outcome > EVALUATION_UNAVAILABLE) {
        return err_make(ERR_CORRUPT, "an answer has an impossible outcome");
    }
    bytes body = bytes_slice(rest, ANSWER_HEAD_BYTES, rest.size);
    bool done = outcome == EVALUATION_DONE;
    *out_answer = (struct frame_answer){
        .serial = bytes_get_u64(rest.data),
        .result =
            {
                .outcome = (enum evaluation_outcome)outcome,
                .json = done ? body : BYTES_EMPTY,
                .error = done ? BYTES_EMPTY : body,
            },
    };
    *out_size = size;
    return ERR_NONE;
}
