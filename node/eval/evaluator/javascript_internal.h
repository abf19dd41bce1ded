// The parts of the JavaScript engine, for the files of this folder.
#pragma once

#include "node/eval/evaluator/heap.h"
#include "node/eval/evaluator/numbers.h"
#include "node/eval/evaluator/programs.h"
#include "proto/base/arena.h"
#include "proto/base/buffer.h"
#include "proto/base/err.h"
#include "proto/base/random.h"
#include "proto/base/time.h"

#include <quickjs.h>

enum {
    BOXED_NUMBER,
    BOXED_STRING,
    BOXED_BOOLEAN,
    BOXED_COUNT,
};

// Values stay valid across scripts: they belong to the remembered heap.
struct javascript {
    struct heap *heap;
    JSRuntime *runtime;
    JSContext *context;
    JSValue map_prototype;
    JSValue list_prototype;
    JSValue is_made;    // function: an error was constructed by the script
    JSValue entries_of; // function: a Map's entries as an array
    JSClassID boxed_class[BOXED_COUNT];
    JSClassID map_class;
    struct numbers *numbers;
    struct programs *programs;
    struct random random;
    int64_t deadline_ns;
    bool interrupted; // the present script was stopped at its deadline
    struct buffer out;
};

// The value of `$`: a JSON value as engine values. JS_EXCEPTION: out of memory, or not JSON.
JSValue javascript_input(struct javascript *javascript, bytes json, struct arena *arena);

// Appends a script's value to `out` by the conversion of engine.md §10.18. -1: an exception is
// pending in the engine.
int javascript_put_result(struct javascript *javascript, JSValueConst value, size_t depth);

// The contract's text for the pending exception of a script, in `arena`. `text` is the script as it
// was compiled.
bytes javascript_error_text(struct javascript *javascript, bytes text, struct arena *arena);
