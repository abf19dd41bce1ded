// A script that a decision wants run, and what became of it: values only. Scripts are the one thing
// the scheduler cannot work out by itself (they loop, grow and read clocks), so a decision names
// the evaluations it needs, is suspended, and is run again with their results found by key
// (distributed.md §5.1). node/eval/ runs them. Thread: any.
#pragma once

#include "proto/base/bytes.h"
#include "proto/base/hash.h"

#include <stdbool.h>

enum evaluation_language {
    EVALUATION_JAVASCRIPT,
    EVALUATION_JQ,
    EVALUATION_LANGUAGE_COUNT
};

enum evaluation_kind {
    EVALUATION_EXPRESSION, // the value of the last statement; the only kind of jq
    EVALUATION_BODY,       // the body of a function, which needs `return` (engine.md §10.19)
    EVALUATION_PARSE,      // whether the text is an expression: not run, its value is null
    EVALUATION_KIND_COUNT
};

// Both texts are borrowed. `input` is one valid JSON value: `$` of JavaScript, `.` of jq.
struct evaluation {
    enum evaluation_language language;
    enum evaluation_kind kind;
    bytes text;
    bytes input;
    bool ahead; // asked for before its turn (scheduler/foresight.h): not worth waiting for long
};

enum evaluation_outcome {
    EVALUATION_DONE,        // `json` holds the value
    EVALUATION_FAILED,      // the script is wrong or threw; again would be the same
    EVALUATION_TIMED_OUT,   // over its deadline; ahead: over a slice, which says nothing yet
    EVALUATION_UNAVAILABLE, // not run to its end for a reason outside the script (bounds of the
                            // pool)
};

// `json` is one JSON value; of jq it is the array of all outputs. `error` is the text of the
// contract, ready to be a task's reason (engine.md §10.18, §10.20), empty when done.
struct evaluation_result {
    enum evaluation_outcome outcome;
    bytes json;
    bytes error;
};

// Equal for equal evaluations, asked ahead or not, different for different ones (SipHash, 128
// bits), the same on every node and release: results are found again by it.
hash128 evaluation_key(const struct evaluation *evaluation);
