// Each text is a row of a table with a function in C; a condition is read piece by piece, because
// it names references.

#include "tests/simulation/script.h"

#include "proto/json/json.h"
#include "tests/simulation/read.h"

typedef void (*script)(bytes input, struct arena *arena, struct evaluation_result *out_result);

static void give(struct evaluation_result *out_result, const char *json) {
    *out_result = (struct evaluation_result
    ){.outcome = EVALUATION_DONE, .json = bytes_from_text(json), .error = BYTES_LITERAL("")};
}

static void refuse(struct evaluation_result *out_result, const char *error) {
    *out_result = (struct evaluation_result
    ){.outcome = EVALUATION_FAILED, .json = JSON_NULL_TEXT, .error = bytes_from_text(error)};
}

// --- JavaScript ----------------------------------------------------------------------------------

// A number member; null counts as 0, as in arithmetic. False: NaN.
static bool number_of(bytes input, const char *key, int64_t *out_number) {
    bytes value = read_value(input, key);
    *out_number = 0;
    return value.data != NULL && (json_is_null(value) || json_i64(value, out_number));
}

static void modulo(bytes input, struct arena *arena, struct evaluation_result *out_result) {
    int64_t n = 0;
    if (!number_of(input, "n", &n)) {
        give(out_result, "null");
        return;
    }
    give(out_result, arena_format(arena, "%lld", (long long)(n % 3)));
}

static void greater(bytes input, struct arena *arena, struct evaluation_result *out_result) {
    (void)arena;
    int64_t n = 0;
    give(out_result, number_of(input, "n", &n) && n > 500000 ? "true" : "false");
}

static void choose(bytes input, struct arena *arena, struct evaluation_result *out_result) {
    (void)arena;
    int64_t n = 0;
    give(out_result, number_of(input, "n", &n) && n % 2 == 0 ? "\"a\"" : "\"b\"");
}

static void throws(bytes input, struct arena *arena, struct evaluation_result *out_result) {
    (void)input;
    (void)arena;
    refuse(out_result, "Error evaluating the script `Error: no` at line 1");
}

// --- jq ------------------------------------------------------------------------------------------

static void next(bytes input, struct arena *arena, struct evaluation_result *out_result) {
    int64_t n = 0;
    (void)number_of(input, "n", &n);
    give(out_result, arena_format(arena, "[%lld]", (long long)n + 1));
}

static void pair(bytes input, struct arena *arena, struct evaluation_result *out_result) {
    bytes n = read_value(input, "n");
    n = n.data != NULL ? n : JSON_NULL_TEXT;
    give(out_result, arena_format(arena, "[[%.*s,null]]", BYTES_ARG(n)));
}

static void fails(bytes input, struct arena *arena, struct evaluation_result *out_result) {
    (void)input;
    (void)arena;
    refuse(out_result, "number has no keys");
}

// --- conditions ----------------------------------------------------------------------------------

static bool take_text(bytes *rest, const char *text) {
    bytes wanted = bytes_from_text(text);
    if (!bytes_starts_with(*rest, wanted)) {
        return false;
    }
    *rest = bytes_slice(*rest, wanted.size, rest->size);
    return true;
}

// `$.<name>`, and the member of the input that it names.
static bool take_member(bytes *rest, bytes input, bytes *out_value) {
    if (!take_text(rest, "$.")) {
        return false;
    }
    size_t end = bytes_find(*rest, 0, '.');
    if (!json_get(input, bytes_slice(*rest, 0, end), out_value)) {
        *out_value = JSON_EMPTY_OBJECT;
    }
    *rest = bytes_slice(*rest, end, rest->size);
    return true;
}

static bool condition(bytes text, bytes input, struct evaluation_result *out_result) {
    bytes loop = BYTES_EMPTY;
    bytes task = BYTES_EMPTY;
    int64_t rounds = 0;
    int64_t number = 0;
    if (!take_member(&text, input, &loop) || !take_text(&text, ".iteration < ")) {
        return false;
    }
    size_t end = bytes_find(text, 0, ' ');
    if (!bytes_parse_i64(bytes_slice(text, 0, end), &rounds)) {
        return false;
    }
    bool holds = read_int(loop, "iteration") < rounds;
    text = bytes_slice(text, end, text.size);
    if (text.size > 0) {
        if (!take_text(&text, " && ") || !take_member(&text, input, &task) ||
            !bytes_equal_text(text, ".value % 3 > 0")) {
            return false;
        }
        holds = holds && number_of(task, "value", &number) && number % 3 > 0;
    }
    give(out_result, holds ? "true" : "false");
    return true;
}

// --- all of them ---------------------------------------------------------------------------------

bool script_answer(
    enum evaluation_language language,
    bytes text,
    bytes input,
    struct arena *arena,
    struct evaluation_result *out_result
) {
    static const struct {
        const char *text;
        enum evaluation_language language;
        script run;
    } scripts[] = {
        {SCRIPT_MODULO, EVALUATION_JAVASCRIPT, modulo},
        {SCRIPT_BODY, EVALUATION_JAVASCRIPT, modulo},
        {SCRIPT_GREATER, EVALUATION_JAVASCRIPT, greater},
        {SCRIPT_CHOOSE, EVALUATION_JAVASCRIPT, choose},
        {SCRIPT_THROWS, EVALUATION_JAVASCRIPT, throws},
        {SCRIPT_JQ_NEXT, EVALUATION_JQ, next},
        {SCRIPT_JQ_PAIR, EVALUATION_JQ, pair},
        {SCRIPT_JQ_FAILS, EVALUATION_JQ, fails},
    };
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        if (scripts[i].language == language && bytes_equal_text(text, scripts[i].text)) {
            scripts[i].run(input, arena, out_result);
            return true;
        }
    }
    return language == EVALUATION_JAVASCRIPT && condition(text, input, out_result);
}
