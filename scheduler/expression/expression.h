// The `${…}` language of definitions and its JSONPath (engine.md §9).
//
// Pure text in, text out: templates and results are JSON values as raw text (proto/json/json.h).
// Nothing is looked up before it is named: a source answers for one root name and field at a time,
// so that `${a.output.x}` costs one task row and one payload, never the whole execution.
#pragma once

#include "proto/base/arena.h"
#include "proto/base/bytes.h"
#include "proto/base/err.h"

// Where names are resolved. All functions answer false when there is nothing of that name.
struct expression_source {
    void *argument;

    // The member `field` of the root entry `root` of the context document (engine.md §9.5): root is
    // `workflow` or a task's reference name, field for example `output`. An empty field asks for
    // the whole entry as one object. Values borrow, valid as long as the evaluation's arena.
    bool (*lookup)(void *argument, bytes root, bytes field, struct arena *arena, bytes *out_value);

    // The member `name` of what lookup would give for root and field, where the whole is dear.
    // False: ask lookup. May be NULL.
    bool (*member)(void *argument, bytes root, bytes field, bytes name, bytes *out_value);

    // A name without path that stands for itself, engine.md §9.4 row 3 (CPEWF_TASK_ID, NETFLIX_ENV
    // …) and `workflow.env.NAME`. Gives plain text, not JSON. May be NULL.
    bool (*variable)(void *argument, bytes name, struct arena *arena, bytes *out_text);

    // All root names, for paths that scan the document (`$..x`, `*`). One call per name. May be
    // NULL.
    void (*roots)(void *argument, void (*visit)(void *visitor, bytes root), void *visitor);
};

// Replaces every expression in the strings of `template_json`, recursively through objects and
// arrays (keys are left alone); other leaves are kept byte for byte. A string that is exactly one
// expression becomes the value with its type, else text is interpolated in Java's form (§9.3).
// Expressions never fail: what does not resolve is null. `workflow.secrets.` stays literal (§9.6).
// Errors: ERR_TOO_LARGE. The result lives in `arena` or borrows from the inputs.
MUST_USE err expression_evaluate(
    bytes template_json,
    const struct expression_source *source,
    struct arena *arena,
    bytes *out_json
);

// As above for one plain text (not a JSON string), giving a JSON value.
MUST_USE err expression_evaluate_text(
    bytes text, const struct expression_source *source, struct arena *arena, bytes *out_json
);

// Replaces `${workflow.secrets.NAME}` and `${workflow.secrets.NAME.json.path}`, which the other
// functions leave alone, and nothing else (§9.6). `variable` is asked for `workflow.secrets.NAME`;
// the other functions of the source are not. What is not there is null alone, nothing in a text.
// Errors: ERR_TOO_LARGE. The result is for a worker's eyes: it must not be stored.
MUST_USE err expression_reveal(
    bytes json, const struct expression_source *source, struct arena *arena, bytes *out_json
);

// Whether the text holds `${` anywhere: no need to evaluate what does not.
bool expression_is_present(bytes text);

// Calls `visit` for each expression in a text, with its content as written (outermost only);
// escaped ones (`$${`) are skipped. For validation and for reference analysis.
void expression_visit(bytes text, void (*visit)(void *argument, bytes content), void *argument);

// A value as Java would print it inside a text (§9.3): `{k=v}`, `[a, b]`, `1.0`, `null`.
bytes expression_java_text(bytes value, struct arena *arena);

// A JSONPath (Jayway 2.4 dialect, §9.5) on one document, errors suppressed. `*out_definite` says
// whether the path can give one value only; a definite path that finds nothing gives null, an
// indefinite one a list.
MUST_USE err jsonpath_evaluate(
    bytes document, bytes path, struct arena *arena, bytes *out_value, bool *out_definite
);
