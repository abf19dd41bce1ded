// Answers become effects: bodies are copied out of the step's arena, and every answer waits for
// what it depends on, refusals included: a 404 read from an entry that may still be lost is a
// promise too.
#include "node/core/definitions.h"
#include "node/core/node_internal.h"
#include "proto/base/check.h"
#include "proto/limits.h"

#include <stdlib.h>
#include <string.h>

static struct node_effect
effect_of(const struct node *node, uint64_t request_id, const struct reply *reply) {
    return (struct node_effect){
        .kind = EFFECT_REPLY,
        .request_id = request_id,
        .status = reply->status,
        .reply_kind = reply->kind,
        .old_definitions = definitions_may_be_old(node),
        .body = node_effect_keep(reply->body),
    };
}

// A condition with its round of proof begun.
static struct gate proved(struct node *node, struct gate gate) {
    if (gate.read && !node->alone && node->groups[gate.group].leading) {
        gate.read_round = raft_read_begin(node->raft, gate.group);
    }
    return gate;
}

// A decision also read the catalog, whose newest entry may not be committed yet when this node
// leads it.
void node_hold(struct node *node, struct node_effect *effect, struct gate gate) {
    size_t count = 0;
    struct gate few[2];
    struct gate *wanted = few;
    if (gate.all) {
        wanted = ARENA_ARRAY(node->arena, struct gate, node->settings.group_count);
        for (uint32_t group = 0; group < node->settings.group_count; group++) {
            struct gate each = node_gate_of(node, (group_id)group);
            each.read = true;
            wanted[count++] = proved(node, each);
        }
    } else {
        wanted[count++] = proved(node, gate);
        if (gate.index != 0 && gate.group != CATALOG_GROUP) {
            wanted[count++] = node_gate_of(node, CATALOG_GROUP);
        }
    }
    if (gate.catalog) {
        effect->catalog = gate.index;
    }
    gates_hold(node->gates, effect, wanted, count);
}

void node_answer_passed(struct node *node, uint64_t request_id, const struct peer_answer *answer) {
    struct node_effect effect = {
        .kind = EFFECT_REPLY,
        .request_id = request_id,
        .status = answer->status,
        .reply_kind = (enum reply_kind)answer->reply_kind,
        .retry_after = answer->retry_after,
        .with_tasks = answer->with_tasks,
        .old_definitions = answer->old_definitions,
        .more = answer->more,
        .total = answer->total,
        .body = node_effect_keep(answer->body),
    };
    node_effect_out(node, &effect); // to a client, or to the node that asked for it
}

void node_answer(
    struct node *node, uint64_t request_id, const struct reply *reply, struct gate gate
) {
    struct node_effect effect = effect_of(node, request_id, reply);
    node_hold(node, &effect, gate);
}

void node_answer_first(
    struct node *node,
    uint64_t request_id,
    const struct reply *reply,
    struct gate gate,
    const int64_t *age_ms
) {
    struct node_effect effect = effect_of(node, request_id, reply);
    effect.more = true;
    if (age_ms != NULL) {
        effect.stale = true;
        effect.age_ms = *age_ms;
        node_effect_out(node, &effect);
    } else {
        node_hold(node, &effect, gate);
    }
}

void node_answer_stale(
    struct node *node, uint64_t request_id, const struct reply *reply, int64_t age_ms
) {
    struct node_effect effect = effect_of(node, request_id, reply);
    effect.stale = true;
    effect.age_ms = age_ms;
    node_effects_add(node->effects, &effect);
}

void node_answer_with_tasks(
    struct node *node,
    uint64_t request_id,
    const struct reply *reply,
    const struct gate *gates,
    size_t gate_count
) {
    struct node_effect effect = effect_of(node, request_id, reply);
    effect.with_tasks = true;
    gates_hold(node->gates, &effect, gates, gate_count);
}

static void answer_json_error(
    struct node *node, uint64_t request_id, const struct api_error *answer, struct gate gate
) {
    struct buffer body;
    buffer_init(&body, LIMIT_REPLY_BYTES);
    struct json_writer writer = json_writer(&body);
    api_write_error(answer, &writer);
    struct node_effect effect = {
        .kind = EFFECT_REPLY,
        .request_id = request_id,
        .status = answer->status,
        .reply_kind = REPLY_JSON,
        .retry_after = answer->status == 503,
        .old_definitions = definitions_may_be_old(node),
        .body = node_effect_keep(buffer_bytes(&body)),
    };
    node_hold(node, &effect, gate);
    buffer_deinit(&body);
}

void node_answer_error(struct node *node, uint64_t request_id, err error, struct gate gate) {
    struct api_error answer = api_error_of(error, node->host);
    answer.retryable = answer.retryable || answer.status == 503;
    node->stats.refused_overload += answer.status == 503;
    answer_json_error(node, request_id, &answer, gate);
}

void node_answer_status(struct node *node, uint64_t request_id, uint16_t status, const char *text) {
    struct api_error answer = {
        .status = status,
        .message = bytes_from_text(text),
        .instance = node->host,
    };
    answer_json_error(node, request_id, &answer, GATE_OPEN);
}

void node_answer_violations(
    struct node *node,
    uint64_t request_id,
    const struct api_violations *violations,
    struct gate gate
) {
    struct api_error answer = api_error_of_violations(violations);
    answer_json_error(node, request_id, &answer, gate);
}
