// What the core wants done outside, done. The gates were passed before (node/core/effect.h).
#include "node/shell/shell_internal.h"
#include "proto/api/route.h"
#include "proto/base/check.h"

static const char *content_type_of(enum reply_kind kind) {
    switch (kind) {
    case REPLY_VOID:
        return NULL;
    case REPLY_TEXT:
        return "text/plain;charset=UTF-8";
    case REPLY_JSON:
        return "application/json";
    }
    return NULL;
}

// False: the client is gone.
static bool reply(struct shell *shell, const struct node_effect *effect) {
    struct http_field headers[2];
    size_t header_count = 0;
    if (effect->retry_after) {
        headers[header_count++] =
            (struct http_field){BYTES_LITERAL("Retry-After"), BYTES_LITERAL("1")};
    }
    struct arena *arena = NULL;
    if (effect->allow != 0) {
        arena = arena_create(256);
        headers[header_count++] = (struct http_field){
            BYTES_LITERAL("Allow"),
            bytes_from_text(api_allow(effect->allow, arena)),
        };
    }
    struct http_response response = {
        .status = effect->status,
        .content_type = content_type_of(effect->reply_kind),
        .body = effect->body,
        .headers = headers,
        .header_count = header_count,
    };
    bool sent = http_server_respond(shell->http, effect->request_id, &response);
    arena_destroy(&arena);
    return sent;
}

static void reply_carry_out(struct shell *shell, const struct node_effect *effect) {
    bool sent = reply(shell, effect);
    if (effect->with_tasks) {
        struct node_event event = {
            .kind = sent ? NODE_DELIVERED : NODE_GONE,
            .request_id = effect->request_id,
        };
        shell_step(shell, &event);
    }
}

// No evaluator is built in: every script is answered as not run.
static void evaluation_carry_out(struct shell *shell, const struct node_effect *effect) {
    struct evaluation_result none = {.outcome = EVALUATION_UNAVAILABLE};
    struct node_event event = {
        .kind = NODE_EVALUATED,
        .job_id = effect->job_id,
        .evaluation_index = effect->evaluation_index,
        .evaluated = &none,
    };
    shell_step(shell, &event);
}

void effects_carry_out(struct shell *shell) {
    struct node_effect effect;
    while (node_effects_take(shell->effects, &effect)) {
        switch (effect.kind) {
        case EFFECT_REPLY:
            reply_carry_out(shell, &effect);
            break;
        case EFFECT_EVALUATE:
            evaluation_carry_out(shell, &effect);
            break;
        case EFFECT_KIND_COUNT:
            check(effect.kind != EFFECT_KIND_COUNT);
        }
        node_effect_release(&effect);
    }
}
