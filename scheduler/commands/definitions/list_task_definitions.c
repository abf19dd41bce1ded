// M-13: all task definitions by name.
#include "proto/limits.h"
#include "scheduler/commands/definitions/definition_reply_internal.h"

static void visit_row(void *argument, bytes json) {
    json_raw(argument, json);
}

err list_task_definitions(struct decision *decision, struct reply *out_reply) {
    SCOPED(buffer_deinit) struct buffer buffer;
    buffer_init(&buffer, LIMIT_DEFINITION_LIST_BYTES);
    struct json_writer writer = json_writer(&buffer);
    json_array_begin(&writer);
    catalog_each(decision->store, decision->txn, CATALOG_TASK, BYTES_EMPTY, visit_row, &writer);
    json_array_end(&writer);
    return reply_json(decision, &buffer, out_reply);
}
