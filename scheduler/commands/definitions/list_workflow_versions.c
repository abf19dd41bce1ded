// M-6, M-7, M-8: names and summaries of versions, without the definitions.
#include "proto/limits.h"
#include "scheduler/commands/definitions/definition_reply_internal.h"

enum listing_shape {
    SHAPE_NAMES,     // ["a","b"]
    SHAPE_BY_NAME,   // {"a":[summary],"b":[summary]}
    SHAPE_SUMMARIES, // [summary]
};

struct listing {
    enum listing_shape shape;
    struct json_writer writer;
    struct buffer name; // of the row before, as JSON; empty: none
};

static void write_summary(struct json_writer *writer, bytes json) {
    static const char *const members[] = {"name", "version", "createTime", "updateTime"};
    json_object_begin(writer);
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        json_member_raw(writer, members[i], definition_member(json, members[i]));
    }
    json_object_end(writer);
}

static void begin_name(struct listing *listing, bytes name) {
    if (listing->shape == SHAPE_NAMES) {
        json_raw(&listing->writer, name);
    } else if (listing->shape == SHAPE_BY_NAME) {
        if (listing->name.size > 0) {
            json_array_end(&listing->writer);
        }
        json_raw_key(&listing->writer, name);
        json_array_begin(&listing->writer);
    }
}

static void visit_row(void *argument, bytes json) {
    struct listing *listing = argument;
    bytes name = definition_member(json, "name");
    if (listing->name.size == 0 || !json_equal(buffer_bytes(&listing->name), name)) {
        begin_name(listing, name);
        buffer_clear(&listing->name);
        buffer_append(&listing->name, name);
    }
    if (listing->shape != SHAPE_NAMES) {
        write_summary(&listing->writer, json);
    }
}

// The rows of `name`, or of every name when its data is NULL.
static err list_versions(
    struct decision *decision, enum listing_shape shape, bytes name, struct reply *out_reply
) {
    SCOPED(buffer_deinit) struct buffer buffer;
    buffer_init(&buffer, LIMIT_DEFINITION_LIST_BYTES);
    struct listing listing = {.shape = shape, .writer = json_writer(&buffer)};
    buffer_init(&listing.name, LIMIT_DEFINITION_BYTES);
    if (shape == SHAPE_BY_NAME) {
        json_object_begin(&listing.writer);
    } else {
        json_array_begin(&listing.writer);
    }
    catalog_each(decision->store, decision->txn, CATALOG_WORKFLOW, name, visit_row, &listing);
    if (shape == SHAPE_BY_NAME) {
        if (listing.name.size > 0) {
            json_array_end(&listing.writer);
        }
        json_object_end(&listing.writer);
    } else {
        json_array_end(&listing.writer);
    }
    buffer_deinit(&listing.name);
    return reply_json(decision, &buffer, out_reply);
}

err list_workflow_names_and_versions(struct decision *decision, struct reply *out_reply) {
    return list_versions(decision, SHAPE_BY_NAME, BYTES_EMPTY, out_reply);
}

err list_workflow_names(struct decision *decision, struct reply *out_reply) {
    return list_versions(decision, SHAPE_NAMES, BYTES_EMPTY, out_reply);
}

err list_workflow_versions(struct decision *decision, bytes name, struct reply *out_reply) {
    bytes present = name.data == NULL ? BYTES_LITERAL("") : name;
    return list_versions(decision, SHAPE_SUMMARIES, present, out_reply);
}
