// Requests about the server itself: health, version, the API's own description. They depend on
// nothing stored and leave at once.
#include "node/core/node_internal.h"
#include "proto/api/openapi.h"
#include "proto/limits.h"

static void
answer_now(struct node *node, const struct request *request, enum reply_kind kind, bytes body) {
    struct reply reply = {.status = 200, .kind = kind, .body = body};
    node_answer(node, request->id, &reply, GATE_OPEN);
}

void request_get_health(struct node *node, const struct request *request) {
    answer_now(
        node,
        request,
        REPLY_JSON,
        BYTES_LITERAL("{\"healthy\":true,\"healthResults\":[],\"suppressedHealthResults\":[]}")
    );
}

void request_get_version(struct node *node, const struct request *request) {
    answer_now(node, request, REPLY_TEXT, node->version);
}

void request_get_actuator_health(struct node *node, const struct request *request) {
    answer_now(
        node,
        request,
        REPLY_JSON,
        BYTES_LITERAL("{\"status\":\"UP\",\"components\":{\"store\":{\"status\":\"UP\"}}}")
    );
}

void request_get_actuator_info(struct node *node, const struct request *request) {
    const char *text = arena_format(
        node->arena,
        "{\"app\":{\"name\":\"orpheus\",\"version\":\"%.*s\"}}",
        BYTES_ARG(node->version)
    );
    answer_now(node, request, REPLY_JSON, bytes_from_text(text));
}

void request_get_openapi(struct node *node, const struct request *request) {
    struct buffer body;
    buffer_init(&body, LIMIT_REPLY_BYTES);
    struct json_writer writer = json_writer(&body);
    api_write_openapi(node->version, &writer);
    answer_now(node, request, REPLY_JSON, buffer_bytes(&body));
    buffer_deinit(&body);
}
