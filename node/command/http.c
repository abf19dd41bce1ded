#include "node/command/http.h"

#include "node/call/fetch.h"
#include "proto/base/check.h"
#include "proto/limits.h"

#include <poll.h>
#include <stdlib.h>
#include <time.h>

struct http {
    struct fetcher *fetcher;
    bytes url;                        // of the cluster
    const struct bucket_place *place; // of the bucket
};

err http_create(struct http **out_http) {
    struct http *http = calloc(1, sizeof(*http));
    check(http != NULL);
    *out_http = http;
    err created = fetcher_create(&http->fetcher);
    if (err_is(created)) {
        http_destroy(out_http);
    }
    return created;
}

void http_destroy(struct http **http) {
    if (*http != NULL) {
        fetcher_destroy(&(*http)->fetcher);
        free(*http);
        *http = NULL;
    }
}

// --- time ----------------------------------------------------------------------------------------

static void wait_ms(void *argument, int64_t ms) {
    (void)argument;
    // For nothing but time: the pace of a copy, or another try at a cluster that elects.
    (void)poll(NULL, 0, ms > INT32_MAX ? INT32_MAX : (int)ms);
}

static int64_t now_ms(void *argument) {
    (void)argument;
    struct timespec now;
    int known = clock_gettime(CLOCK_MONOTONIC, &now);
    check(known == 0);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// --- the cluster ---------------------------------------------------------------------------------

static err whole(const struct call_result *result, struct arena *arena) {
    if (result->outcome == CALL_ANSWERED) {
        return ERR_NONE;
    }
    bytes why = result->error.size > 0 ? result->error : BYTES_LITERAL("the answer is too large");
    return err_make(ERR_IO, arena_text(arena, why));
}

static err ask_cluster(
    void *argument,
    const struct backup_question *question,
    struct arena *arena,
    struct backup_answer *out_answer
) {
    const struct http *http = argument;
    const char *mark = question->query[0] == '\0' ? "" : "?";
    const char *uri = arena_format(
        arena, "%.*s%s%s%s", BYTES_ARG(http->url), question->path, mark, question->query
    );
    struct call call = {
        .method = bytes_from_text(question->method),
        .uri = bytes_from_text(uri),
        .headers = BYTES_LITERAL("Content-Type: application/octet-stream\n"),
        .body = question->body,
        .has_body = question->body.size > 0,
        .body_max = LIMIT_BACKUP_CHUNK_BYTES_MAX,
        .connect_ms = LIMIT_STATUS_MS,
        .silence_ms = LIMIT_STATUS_MS,
        .total_ms = 3LL * LIMIT_STATUS_MS,
    };
    struct call_result result;
    fetcher_fetch(http->fetcher, &call, NULL, arena, &result);
    TRY(whole(&result, arena));
    *out_answer = (struct backup_answer){(uint16_t)result.status, result.body};
    return ERR_NONE;
}

struct backup_server http_server(struct http *http, bytes url) {
    http->url = url;
    return (struct backup_server){http, ask_cluster, wait_ms, now_ms};
}

// --- the bucket ----------------------------------------------------------------------------------

// The body is not part of the signature: chunks carry checksums of their own, and TLS guards what
// is on its way.
static bytes headers_of(const struct bucket_place *place, struct arena *arena) {
    static const char HEADERS[] = "Content-Type: application/octet-stream\n"
                                  "x-amz-content-sha256: UNSIGNED-PAYLOAD\n";
    if (place->token.size == 0) {
        return bytes_from_text(HEADERS);
    }
    return bytes_from_text(
        arena_format(arena, "%sx-amz-security-token: %.*s\n", HEADERS, BYTES_ARG(place->token))
    );
}

static err ask_bucket(
    void *argument,
    const struct bucket_request *request,
    struct arena *arena,
    struct bucket_answer *out_answer
) {
    const struct http *http = argument;
    const struct bucket_place *place = http->place;
    const struct call call = {
        .method = bytes_from_text(request->method),
        .uri = bytes_from_text(request->address),
        .headers = headers_of(place, arena),
        .body = request->body,
        .has_body = request->body.size > 0,
        .body_max = request->body_max,
        .connect_ms = LIMIT_BUCKET_CONNECT_MS,
        .silence_ms = LIMIT_BUCKET_SILENCE_MS,
        .total_ms = LIMIT_BUCKET_TOTAL_MS,
    };
    const struct call_signature signature = {
        .region = place->region,
        .service = BYTES_LITERAL("s3"),
        .key_id = place->key_id,
        .secret = place->secret,
    };
    struct call_result result;
    fetcher_fetch(http->fetcher, &call, &signature, arena, &result);
    TRY(whole(&result, arena));
    *out_answer = (struct bucket_answer){(uint16_t)result.status, result.headers, result.body};
    return ERR_NONE;
}

struct bucket_wire http_wire(struct http *http, const struct bucket_place *place) {
    http->place = place;
    return (struct bucket_wire){http, ask_bucket, wait_ms, now_ms};
}
