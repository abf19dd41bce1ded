// The scripts that flows use, and what each gives: the twin of the evaluator's processes, and what
// the model goes by. A text that is not known is a failure of the simulator, not of the script.
#pragma once

#include "proto/base/arena.h"
#include "scheduler/evaluation.h"

enum {
    SCRIPT_TEXT_BYTES = 96
};

// JavaScript over an input with a number `n`.
#define SCRIPT_MODULO "$.n % 3"
#define SCRIPT_GREATER "$.n > 500000"
#define SCRIPT_CHOOSE "$.n % 2 == 0 ? 'a' : 'b'"
#define SCRIPT_THROWS "throw new Error('no')"

// The body of a LAMBDA.
#define SCRIPT_BODY "return $.n % 3;"

// Conditions of loops: `$.<loop>.iteration < <number>`, and behind it, if it likes,
// ` && $.<task>.value % 3 > 0`.

// jq over the same.
#define SCRIPT_JQ_NEXT ".n + 1"
#define SCRIPT_JQ_PAIR "[.n, .m]"
#define SCRIPT_JQ_FAILS ".n | keys"

// What the script gives, in the form of scheduler/evaluation.h. Texts live in `arena`. False: an
// unknown text.
bool script_answer(
    enum evaluation_language language,
    bytes text,
    bytes input,
    struct arena *arena,
    struct evaluation_result *out_result
);
