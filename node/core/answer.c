// Answers become effects: bodies are copied out of the step's arena, and every answer waits for
// what it depends on, refusals included: a 404 read from an entry that may still be lost is a
// promise too.
#include "node/core/node_internal.h"
#include "proto/base/check.h"
#include "proto/limits.h"

#include <stdlib.h>
#include <string.h>

static bytes body_keep(bytes body) {
    if (body.size == 0) {
        return BYTES_EMPTY;
    }
    uint8_t *copy = malloc(body.size);
    check(copy != NULL);
    memcpy(copy, body.data, body.size);
    return bytes_of(copy, body.size);
}

static struct node_effect effect_of(uint64_t request_id, const struct reply *reply, log_lsn lsn) {
    return (struct node_effect){
        .kind = EFFECT_REPLY,
        .lsn = lsn,
        .request_id = request_id,
        .status = reply->status,
        .reply_kind = reply->kind,
        .body = body_keep(reply->body),
    };
}

void node_answer(struct node *node, uint64_t request_id, const struct reply *reply, log_lsn lsn) {
    struct node_effect effect = effect_of(request_id, reply, lsn);
    node_effects_add(node->effects, &effect);
}

void node_answer_with_tasks(
    struct node *node, uint64_t request_id, const struct reply *reply, log_lsn lsn
) {
    struct node_effect effect = effect_of(request_id, reply, lsn);
    effect.with_tasks = true;
    node_effects_add(node->effects, &effect);
}

static void answer_json_error(
    struct node *node, uint64_t request_id, const struct api_error *answer, log_lsn lsn
) {
    struct buffer body;
    buffer_init(&body, LIMIT_REPLY_BYTES);
    struct json_writer writer = json_writer(&body);
    api_write_error(answer, &writer);
    struct node_effect effect = {
        .kind = EFFECT_REPLY,
        .lsn = lsn,
        .request_id = request_id,
        .status = answer->status,
        .reply_kind = REPLY_JSON,
        .retry_after = answer->status == 503,
        .body = body_keep(buffer_bytes(&body)),
    };
    node_effects_add(node->effects, &effect);
    buffer_deinit(&body);
}

void node_answer_error(struct node *node, uint64_t request_id, err error, log_lsn lsn) {
    struct api_error answer = api_error_of(error, node->host);
    answer.retryable = answer.retryable || answer.status == 503;
    node->stats.refused_overload += answer.status == 503;
    answer_json_error(node, request_id, &answer, lsn);
}

void node_answer_status(struct node *node, uint64_t request_id, uint16_t status, const char *text) {
    struct api_error answer = {
        .status = status,
        .message = bytes_from_text(text),
        .instance = node->host,
    };
    answer_json_error(node, request_id, &answer, 0);
}

void node_answer_violations(
    struct node *node, uint64_t request_id, const struct api_violations *violations, log_lsn lsn
) {
    struct api_error answer = api_error_of_violations(violations);
    answer_json_error(node, request_id, &answer, lsn);
}
