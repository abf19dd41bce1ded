// What a peer sends, taken in within bounds. A head may come many times – redirects, 1xx – and
// only the last counts, but all of them count against the bound. A short count returned to libcurl
// ends the transfer; the reason is kept here.
#include "node/call/caller_internal.h"
#include "proto/base/check.h"

static size_t on_header(char *data, size_t one, size_t size, void *argument);
static size_t on_body(char *data, size_t one, size_t size, void *argument);
static int on_connected(void *argument, char *to, char *from, int to_port, int from_port);
static int
on_progress(void *argument, curl_off_t down_all, curl_off_t down, curl_off_t up_all, curl_off_t up);

void answer_init(struct answer *answer, struct caller *caller, size_t body_max) {
    answer->caller = caller;
    buffer_init(&answer->headers, LIMIT_CALL_HEAD_BYTES);
    buffer_init(&answer->body, body_max == 0 ? LIMIT_TASK_PAYLOAD_BYTES : body_max);
}

void answer_deinit(struct answer *answer) {
    answer->caller->stats.held_bytes -= answer->body.size;
    buffer_deinit(&answer->headers);
    buffer_deinit(&answer->body);
    if (answer->silence != NULL) {
        event_free(answer->silence);
        answer->silence = NULL;
    }
}

void answer_attach(struct answer *answer, CURL *transfer) {
    answer->transfer = transfer;
    bool set = curl_easy_setopt(transfer, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
               curl_easy_setopt(transfer, CURLOPT_HEADERDATA, answer) == CURLE_OK &&
               curl_easy_setopt(transfer, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
               curl_easy_setopt(transfer, CURLOPT_WRITEDATA, answer) == CURLE_OK &&
               curl_easy_setopt(transfer, CURLOPT_PREREQFUNCTION, on_connected) == CURLE_OK &&
               curl_easy_setopt(transfer, CURLOPT_PREREQDATA, answer) == CURLE_OK &&
               curl_easy_setopt(transfer, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
               curl_easy_setopt(transfer, CURLOPT_XFERINFOFUNCTION, on_progress) == CURLE_OK &&
               curl_easy_setopt(transfer, CURLOPT_XFERINFODATA, answer) == CURLE_OK;
    check(set);
}

static void sign_of_life(struct answer *answer) {
    (void)evtimer_add(answer->silence, &answer->patience);
}

// From here on the peer must not be silent for longer than it may.
// NOLINTNEXTLINE(readability-non-const-parameter): the type is libcurl's
static int on_connected(void *argument, char *to, char *from, int to_port, int from_port) {
    (void)to;
    (void)from;
    (void)to_port;
    (void)from_port;
    sign_of_life(argument);
    return CURL_PREREQFUNC_OK;
}

// A request that is still being read is a sign of life, too.
static int on_progress(
    void *argument, curl_off_t down_all, curl_off_t down, curl_off_t up_all, curl_off_t up
) {
    struct answer *answer = argument;
    (void)down_all;
    (void)down;
    if (up > answer->sent && up < up_all) {
        answer->sent = up;
        sign_of_life(answer);
    }
    return 0;
}

// A peer that sends a body where none may be would have it read as the beginning of the next
// answer on this connection, which is another task's. So there is no next one.
static void keep_apart(const struct answer *answer, bytes status_line) {
    size_t blank = bytes_find(status_line, 0, ' ');
    bytes rest = bytes_slice(status_line, blank, status_line.size);
    if (bytes_starts_with(rest, BYTES_LITERAL(" 204")) ||
        bytes_starts_with(rest, BYTES_LITERAL(" 304"))) {
        (void)curl_easy_setopt(answer->transfer, CURLOPT_FORBID_REUSE, 1L);
    }
}

static size_t on_header(char *data, size_t one, size_t size, void *argument) {
    struct answer *answer = argument;
    bytes line = bytes_trim(bytes_of(data, one * size));
    sign_of_life(answer);
    answer->head_bytes += one * size;
    if (answer->head_bytes > LIMIT_CALL_HEAD_BYTES) {
        answer->fault = "the headers of the answer are too large";
        return 0;
    }
    if (bytes_starts_with(bytes_of(data, one * size), BYTES_LITERAL("HTTP/"))) {
        buffer_clear(&answer->headers); // another response begins
        answer->header_count = 0;
        answer->head_whole = false;
        keep_apart(answer, line);
    } else if (line.size == 0) {
        answer->head_whole = true;
    } else if (!answer->head_whole && bytes_find(line, 0, ':') < line.size) {
        if (++answer->header_count > LIMIT_CALL_HEADERS) {
            answer->fault = "the answer has too many headers";
            return 0;
        }
        buffer_append(&answer->headers, line);
        buffer_append_byte(&answer->headers, '\n');
    }
    return size;
}

static size_t on_body(char *data, size_t one, size_t size, void *argument) {
    struct answer *answer = argument;
    struct caller_stats *stats = &answer->caller->stats;
    sign_of_life(answer);
    if (answer->body.size + one * size > answer->body.size_max) {
        answer->too_large = true;
        return 0;
    }
    if (stats->held_bytes + one * size > LIMIT_CALL_HELD_BYTES) {
        answer->fault = "too many large answers came at a time";
        return 0;
    }
    buffer_append(&answer->body, bytes_of(data, one * size));
    stats->held_bytes += one * size;
    stats->received_bytes += one * size;
    return size;
}
