// M-5, M-9: definitions by name and version; all of a classifier, or the latest of each name.
//
// Rows come in that order already. The latest of a name is the one that another name follows, so
// one row is held back.
#include "proto/limits.h"
#include "scheduler/commands/definitions/definition_reply_internal.h"

struct listing {
    struct arena *arena;
    struct json_writer writer;
    bytes classifier; // size 0: any
    bool latest_only;
    struct buffer held; // the newest row of the name so far; empty: none
};

// The derived classifier of models.md §1, as text.
static bytes classifier_of(bytes json, struct arena *arena) {
    bytes metadata = definition_member(json, "metadata");
    bytes named = definition_member(metadata, "classifier");
    if (json_is_string(named)) {
        bytes text = json_string(named, arena);
        if (bytes_trim(text).size > 0) {
            return text;
        }
    }
    bool agent = !json_is_null(definition_member(metadata, "agent_sdk")) ||
                 !json_is_null(definition_member(metadata, "agentDef"));
    return agent ? BYTES_LITERAL("agent") : BYTES_LITERAL("workflow");
}

static uint8_t lower(uint8_t byte) {
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte | 0x20) : byte;
}

static bool equal_ignoring_case(bytes left, bytes right) {
    if (left.size != right.size) {
        return false;
    }
    for (size_t i = 0; i < left.size; i++) {
        if (lower(left.data[i]) != lower(right.data[i])) {
            return false;
        }
    }
    return true;
}

static void list_row(struct listing *listing, bytes json) {
    bool wanted = listing->classifier.size == 0 ||
                  equal_ignoring_case(classifier_of(json, listing->arena), listing->classifier);
    if (wanted) {
        json_raw(&listing->writer, json);
    }
}

static bool same_name(bytes left, bytes right) {
    return json_equal(definition_member(left, "name"), definition_member(right, "name"));
}

static void visit_row(void *argument, bytes json) {
    struct listing *listing = argument;
    if (!listing->latest_only) {
        list_row(listing, json);
        return;
    }
    if (listing->held.size > 0 && !same_name(buffer_bytes(&listing->held), json)) {
        list_row(listing, buffer_bytes(&listing->held));
    }
    buffer_clear(&listing->held);
    buffer_append(&listing->held, json);
}

err list_workflow_definitions(
    struct decision *decision, bytes classifier, bool latest_only, struct reply *out_reply
) {
    SCOPED(buffer_deinit) struct buffer buffer;
    buffer_init(&buffer, LIMIT_DEFINITION_LIST_BYTES);
    struct listing listing = {
        .arena = decision->arena,
        .writer = json_writer(&buffer),
        .classifier = classifier,
        .latest_only = latest_only,
    };
    buffer_init(&listing.held, LIMIT_DEFINITION_BYTES);
    json_array_begin(&listing.writer);
    catalog_each(
        decision->store, decision->txn, CATALOG_WORKFLOW, BYTES_EMPTY, visit_row, &listing
    );
    if (listing.held.size > 0) {
        list_row(&listing, buffer_bytes(&listing.held));
    }
    json_array_end(&listing.writer);
    buffer_deinit(&listing.held);
    return reply_json(decision, &buffer, out_reply);
}
