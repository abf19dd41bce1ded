// What the commands about definitions share: answers, validation options, storing. For this folder
// only.
#pragma once

#include "proto/json/json.h"
#include "scheduler/commands/commands.h"
#include "scheduler/definition/catalog.h"

// 200 without a body.
void reply_void(struct reply *out_reply);

// 200 with the JSON that was written into `buffer`. Errors: ERR_TOO_LARGE when it did not fit.
MUST_USE err
reply_json(struct decision *decision, const struct buffer *buffer, struct reply *out_reply);

// The rules of registration for an object at `path`, by the settings and the catalog.
struct api_validate_options definition_validation(struct decision *decision, const char *path);

// After the validation of all objects. Errors: ERR_SUSPENDED when scripts of theirs are still to be
// parsed, the command is run again with what the evaluator said (decision.h); ERR_UNAVAILABLE when
// it came to no word about one, which is nothing the definition did.
MUST_USE err definition_scripts_known(const struct decision *decision);

// Writes the model into its row.
MUST_USE err
store_workflow(struct decision *decision, const struct api_workflow_definition *definition);
MUST_USE err store_task(struct decision *decision, const struct api_task_definition *definition);

// Replaces the version that may be there: updateTime is now; createTime is the body's, else the
// replaced one's (rest-api.md §8). `*out_replaced` says whether one was there.
MUST_USE err replace_workflow(
    struct decision *decision, struct api_workflow_definition *definition, bool *out_replaced
);

// A member of a canonical definition, `null` when absent.
bytes definition_member(bytes json, const char *key);
