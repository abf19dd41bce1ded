// Programs are compiled once, 15 ms each, nearly all of it for jq's own definitions, and kept.
//
// In front of each text stand definitions of what reaches outside the program or ends it: they
// raise the error that the reference, which does not have these functions, gives. Standing there
// they also make `import` and `include` syntax errors, for those must come first. `env` and `$ENV`
// are the environment, which is empty.
//
// Texts of errors are libjq's, turned into the reference's where both mean the same and people are
// likely to meet them.
#include "node/eval/evaluator/jq.h"

#include "node/eval/evaluator/numbers.h"
#include "node/eval/evaluator/programs.h"
#include "proto/base/buffer.h"
#include "proto/base/check.h"
#include "proto/json/json.h"
#include "proto/limits.h"

#include <jq.h>
#include <jv.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ABSENT(head, name) "def " head ": error(\"Function " name " does not exist\"); "

static const char absent[] = ABSENT("halt", "halt/0") ABSENT("halt_error", "halt_error/0")
    ABSENT("halt_error($code)", "halt_error/1") ABSENT("input", "input/0")
        ABSENT("inputs", "inputs/0") ABSENT("debug", "debug/0") ABSENT("stderr", "stderr/0")
            ABSENT("input_filename", "input_filename/0")
                ABSENT("get_search_list", "get_search_list/0") ABSENT("modulemeta", "modulemeta/0");

struct jq_engine {
    struct programs *programs;
    struct numbers *numbers;
    struct buffer out;
    struct buffer said; // what the compiler complained of
};

static void at_memory_end(void *unused) {
    (void)unused;
    _exit(JQ_EXIT_MEMORY);
}

static void teardown(void *program) {
    jq_state *state = program;
    jq_teardown(&state);
}

struct jq_engine *jq_engine_create(void) {
    struct jq_engine *engine = calloc(1, sizeof(*engine));
    check(engine != NULL);
    engine->programs = programs_create(LIMIT_EVALUATION_PROGRAMS, teardown);
    engine->numbers = numbers_create();
    buffer_init(&engine->out, LIMIT_EVALUATION_RESULT_BYTES);
    buffer_init(&engine->said, (size_t)64 * 1024);
    return engine;
}

// Called by libjq with each complaint; takes `message`.
static void at_complaint(void *opaque, jv message) {
    struct jq_engine *engine = opaque;
    jv text = jq_format_error(message);
    if (jv_get_kind(text) == JV_KIND_STRING && engine->said.size == 0) {
        buffer_append_text(&engine->said, jv_string_value(text));
    }
    jv_free(text);
}

// Whether `text` is `before` … `after` …; the part between them then.
static bool between(bytes text, const char *before, const char *after, bytes *out_part) {
    if (!bytes_starts_with(text, bytes_from_text(before))) {
        return false;
    }
    size_t from = strlen(before);
    size_t size = strlen(after);
    for (size_t at = from; at + size <= text.size; at++) {
        if (memcmp(text.data + at, after, size) == 0) {
            *out_part = bytes_slice(text, from, at);
            return true;
        }
    }
    return false;
}

// "jq: error: f/0 is not defined at <top-level>, line 1:\n<program>" → "Function f/0 does not
// exist".
static bytes compile_error(struct jq_engine *engine, struct arena *arena) {
    bytes said = bytes_trim(buffer_bytes(&engine->said));
    bytes part = BYTES_EMPTY;
    if (between(said, "jq: error: $", " is not defined", &part)) {
        return bytes_from_text(arena_format(arena, "Undefined variable: $%.*s", BYTES_ARG(part)));
    }
    if (between(said, "jq: error: ", " is not defined", &part)) {
        return bytes_from_text(arena_format(arena, "Function %.*s does not exist", BYTES_ARG(part))
        );
    }
    // The program that libjq repeats has our definitions in it; its advice is for a command line.
    if (between(said, "jq: error: ", " (Unix shell", &part) ||
        between(said, "jq: error: ", " at <top-level>", &part)) {
        return arena_copy(arena, part);
    }
    return said.size == 0 ? BYTES_LITERAL("The query does not compile")
                          : arena_copy(arena, bytes_slice(said, 0, bytes_find(said, 0, '\n')));
}

// `Cannot index string with "b"` → `Cannot index string with string "b"`.
static bytes run_error(bytes said, struct arena *arena) {
    bytes kind = BYTES_EMPTY;
    if (!between(said, "Cannot index ", " with \"", &kind)) {
        return arena_copy(arena, said);
    }
    size_t at = strlen("Cannot index ") + kind.size + strlen(" with ");
    return bytes_from_text(arena_format(
        arena,
        "%.*sstring %.*s",
        BYTES_ARG(bytes_slice(said, 0, at)),
        BYTES_ARG(bytes_slice(said, at, said.size))
    ));
}

static jq_state *compile(struct jq_engine *engine, hash128 key, bytes text, struct arena *arena) {
    jq_state *state = jq_init();
    if (state == NULL) {
        at_memory_end(NULL);
    }
    jq_set_nomem_handler(state, at_memory_end, NULL);
    jq_set_attr(state, jv_string("JQ_LIBRARY_PATH"), jv_array());
    buffer_clear(&engine->said);
    jq_set_error_cb(state, at_complaint, engine);
    const char *program = arena_format(arena, "%s%.*s", absent, BYTES_ARG(text));
    if (jq_compile(state, program) == 0) {
        jq_teardown(&state);
        return NULL;
    }
    programs_put(engine->programs, key, state);
    return state;
}

static void put_value(struct jq_engine *engine, jv value);

static void put_text(struct jq_engine *engine, jv text) {
    json_escape(
        &engine->out, bytes_of(jv_string_value(text), (size_t)jv_string_length_bytes(jv_copy(text)))
    );
}

static void put_array(struct jq_engine *engine, jv array) {
    buffer_append_byte(&engine->out, '[');
    int count = jv_array_length(jv_copy(array));
    for (int i = 0; i < count && !engine->out.overflowed; i++) {
        if (i > 0) {
            buffer_append_byte(&engine->out, ',');
        }
        put_value(engine, jv_array_get(jv_copy(array), i));
    }
    buffer_append_byte(&engine->out, ']');
}

static void put_object(struct jq_engine *engine, jv object) {
    buffer_append_byte(&engine->out, '{');
    bool first = true;
    for (int at = jv_object_iter(object); jv_object_iter_valid(object, at);
         at = jv_object_iter_next(object, at)) {
        if (!first) {
            buffer_append_byte(&engine->out, ',');
        }
        first = false;
        jv key = jv_object_iter_key(object, at);
        put_text(engine, key);
        jv_free(key);
        buffer_append_byte(&engine->out, ':');
        put_value(engine, jv_object_iter_value(object, at));
    }
    buffer_append_byte(&engine->out, '}');
}

// Takes `value`.
static void put_value(struct jq_engine *engine, jv value) {
    switch (jv_get_kind(value)) {
    case JV_KIND_TRUE:
        buffer_append_text(&engine->out, "true");
        break;
    case JV_KIND_FALSE:
        buffer_append_text(&engine->out, "false");
        break;
    case JV_KIND_NUMBER: {
        double number = jv_number_value(value);
        numbers_put(
            engine->numbers, number < 0 || number > 0 ? number : number + 0.0, &engine->out
        );
        break;
    }
    case JV_KIND_STRING:
        put_text(engine, value);
        break;
    case JV_KIND_ARRAY:
        put_array(engine, value);
        break;
    case JV_KIND_OBJECT:
        put_object(engine, value);
        break;
    case JV_KIND_NULL:
    case JV_KIND_INVALID:
    default:
        buffer_append_text(&engine->out, "null");
        break;
    }
    jv_free(value);
}

static int64_t now_ms(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// The text of an error value, which it takes: a string is itself; anything else has, as in the
// reference, no text of its own, so its JSON stands there.
static bytes thrown_text(jv error, struct arena *arena) {
    jv text = jv_get_kind(error) == JV_KIND_STRING ? error : jv_dump_string(error, 0);
    bytes said = run_error(bytes_from_text(jv_string_value(text)), arena);
    jv_free(text);
    return said;
}

static struct evaluation_result
outputs(struct jq_engine *engine, jq_state *state, uint32_t deadline_ms, struct arena *arena) {
    int64_t deadline = now_ms() + deadline_ms;
    buffer_clear(&engine->out);
    buffer_append_byte(&engine->out, '[');
    jv output = jq_next(state);
    for (bool first = true; jv_is_valid(output); first = false) {
        if (!first) {
            buffer_append_byte(&engine->out, ',');
        }
        put_value(engine, output);
        if (engine->out.overflowed) {
            return (struct evaluation_result){
                .outcome = EVALUATION_FAILED,
                .error = BYTES_LITERAL("The outputs are larger than 16 MiB"),
            };
        }
        if (now_ms() > deadline) {
            return (struct evaluation_result){
                .outcome = EVALUATION_TIMED_OUT,
                .error = BYTES_LITERAL("Script not evaluated within 4 seconds, interrupted."),
            };
        }
        output = jq_next(state);
    }
    if (jv_invalid_has_msg(jv_copy(output))) {
        return (struct evaluation_result){
            .outcome = EVALUATION_FAILED,
            .error = thrown_text(jv_invalid_get_msg(output), arena),
        };
    }
    jv_free(output);
    buffer_append_byte(&engine->out, ']');
    return (struct evaluation_result){
        .outcome = EVALUATION_DONE,
        .json = arena_copy(arena, buffer_bytes(&engine->out)),
    };
}

struct evaluation_result jq_engine_run(
    struct jq_engine *engine,
    const struct evaluation *evaluation,
    uint32_t deadline_ms,
    struct arena *arena
) {
    hash128 key = hash_sip128(evaluation->text);
    jq_state *state = programs_get(engine->programs, key);
    if (state == NULL) {
        state = compile(engine, key, evaluation->text, arena);
    }
    if (state == NULL) {
        return (struct evaluation_result
        ){.outcome = EVALUATION_FAILED, .error = compile_error(engine, arena)};
    }
    jv input = jv_parse_sized((const char *)evaluation->input.data, (int)evaluation->input.size);
    if (!jv_is_valid(input)) {
        return (struct evaluation_result
        ){.outcome = EVALUATION_FAILED, .error = thrown_text(jv_invalid_get_msg(input), arena)};
    }
    numbers_keep(engine->numbers, evaluation->input);
    jq_start(state, input, 0);
    struct evaluation_result result = outputs(engine, state, deadline_ms, arena);
    // Gives back what an unfinished run holds.
    jq_start(state, jv_null(), 0);
    return result;
}
