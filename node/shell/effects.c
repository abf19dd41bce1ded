// What the core wants done outside, done. The gates were passed before (node/core/effect.h).
#include "node/shell/links.h"
#include "node/shell/membership.h"
#include "node/shell/shell_internal.h"
#include "proto/api/route.h"
#include "proto/base/check.h"
#include "proto/limits.h"

static const char *content_type_of(enum reply_kind kind) {
    switch (kind) {
    case REPLY_VOID:
        return NULL;
    case REPLY_TEXT:
        return "text/plain;charset=UTF-8";
    case REPLY_JSON:
        return "application/json";
    case REPLY_BINARY:
        return "application/octet-stream";
    }
    return NULL;
}

// False: the client is gone.
static bool reply(struct shell *shell, const struct node_effect *effect) {
    struct http_field headers[4];
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
    if (effect->stale) {
        arena = arena == NULL ? arena_create(256) : arena;
        const char *age =
            effect->age_ms < 0 ? "unknown" : arena_format(arena, "%lld", (long long)effect->age_ms);
        headers[header_count++] =
            (struct http_field){BYTES_LITERAL("X-Orpheus-Age-Ms"), bytes_from_text(age)};
    }
    if (effect->old_definitions) {
        headers[header_count++] =
            (struct http_field){BYTES_LITERAL("X-Catalog-Stale"), BYTES_LITERAL("true")};
    }
    struct http_response response = {
        .status = effect->status,
        .content_type = content_type_of(effect->reply_kind),
        .body = effect->body,
        .headers = headers,
        .header_count = header_count,
    };
    bool sent = effect->more
                    ? http_server_begin(shell->http, effect->request_id, &response, effect->total)
                    : http_server_respond(shell->http, effect->request_id, &response);
    arena_destroy(&arena);
    return sent;
}

static void reply_carry_out(struct shell *shell, const struct node_effect *effect) {
    bool sent = reply(shell, effect);
    if (effect->with_tasks || (effect->more && !sent)) {
        struct node_event event = {
            .kind = sent ? NODE_DELIVERED : NODE_GONE,
            .request_id = effect->request_id,
        };
        shell_step(shell, &event);
    }
}

static void part_carry_out(struct shell *shell, const struct node_effect *effect) {
    if (effect->broken) {
        http_server_break(shell->http, effect->request_id);
    } else if (!http_server_continue(
                   shell->http, effect->request_id, effect->body, !effect->more
               ) && effect->more) {
        struct node_event event = {.kind = NODE_GONE, .request_id = effect->request_id};
        shell_step(shell, &event);
    }
}

// A job and the place of its evaluation as one number: a job has at most LIMIT_JOB_RUNS times
// LIMIT_DECISION_WANTED and as many foreseen of them.
enum {
    EVALUATION_INDEX_BITS = 16
};
_Static_assert(
    LIMIT_JOB_RUNS *(LIMIT_DECISION_WANTED + LIMIT_DECISION_FORESEEN) <= 1 << EVALUATION_INDEX_BITS,
    "an evaluation's place fits its bits"
);

static void
on_evaluated(void *argument, uint64_t request_id, const struct evaluation_result *result) {
    struct node_event event = {
        .kind = NODE_EVALUATED,
        .job_id = request_id >> EVALUATION_INDEX_BITS,
        .evaluation_index = (uint32_t)(request_id & ((1u << EVALUATION_INDEX_BITS) - 1)),
        .evaluated = result,
    };
    shell_step(argument, &event);
}

static void evaluation_carry_out(struct shell *shell, const struct node_effect *effect) {
    uint64_t id = effect->job_id << EVALUATION_INDEX_BITS | effect->evaluation_index;
    err submitted =
        evaluator_pool_submit(shell->evaluators, id, &effect->evaluation, on_evaluated, shell);
    if (err_is(submitted)) {
        bool too_large = submitted.code == ERR_TOO_LARGE;
        struct evaluation_result refused = {
            .outcome = too_large ? EVALUATION_FAILED : EVALUATION_UNAVAILABLE,
            .error = too_large ? BYTES_LITERAL("the script's input is too large") : BYTES_EMPTY,
        };
        on_evaluated(shell, id, &refused);
    }
}

static void on_called(void *argument, uint64_t call_id, const struct call_result *result) {
    struct node_event event = {.kind = NODE_CALLED, .call_id = call_id, .called = result};
    shell_step(argument, &event);
}

// A call wanted while the process stops is left to another one.
static void call_carry_out(struct shell *shell, const struct node_effect *effect) {
    if (shell->stopping) {
        on_called(shell, effect->call_id, &(struct call_result){.outcome = CALL_RELEASED});
    } else {
        caller_make(shell->caller, effect->call_id, &effect->call, on_called, shell);
    }
}

void effects_carry_out(struct shell *shell) {
    struct node_effect effect;
    while (node_effects_take(shell->effects, &effect)) {
        switch (effect.kind) {
        case EFFECT_REPLY:
            reply_carry_out(shell, &effect);
            break;
        case EFFECT_PART:
            part_carry_out(shell, &effect);
            break;
        case EFFECT_EVALUATE:
            evaluation_carry_out(shell, &effect);
            break;
        case EFFECT_FINDING:
            log_line(
                shell->log,
                LOG_ERROR,
                "audit_fault",
                "text=\"%.*s\" action=\"nothing was repaired; keep this log and the store's folder "
                "for a report\"",
                BYTES_ARG(effect.body)
            );
            break;
        case EFFECT_CALL:
            call_carry_out(shell, &effect);
            break;
        case EFFECT_SEND:
            links_send(shell, &effect);
            break;
        case EFFECT_MEMBER:
            membership_changed(shell, effect.to, effect.body);
            break;
        case EFFECT_VERSION:
            membership_version(shell, effect.version);
            break;
        case EFFECT_KIND_COUNT:
            check(effect.kind != EFFECT_KIND_COUNT);
        }
        node_effect_release(&effect);
    }
}
