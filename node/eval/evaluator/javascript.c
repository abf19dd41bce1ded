// The engine starts once; its heap is remembered, and every script begins on a copy of it (heap.h).
// So nothing is released while a script runs: the heap comes back as a whole, whatever happened.
//
// A script is compiled once; its byte code, kept outside the heap, is read back in for each run,
// which costs half of compiling a short text and nothing like it for a long one.
//
// Math.random would repeat itself with the heap, so it draws from a generator that stands outside.
#include "node/eval/evaluator/javascript.h"

#include "node/eval/evaluator/host.h"
#include "node/eval/evaluator/javascript_internal.h"
#include "proto/base/check.h"
#include "proto/limits.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

struct program {
    size_t size;
    uint8_t code[];
};

static void *engine_calloc(void *heap, size_t count, size_t size) {
    if (size > 0 && count > SIZE_MAX / size) {
        return NULL;
    }
    void *block = heap_alloc(heap, count * size);
    return block == NULL ? NULL : memset(block, 0, count * size);
}

static void *engine_malloc(void *heap, size_t size) {
    return heap_alloc(heap, size);
}

static void engine_free(void *heap, void *block) {
    heap_free(heap, block);
}

static void *engine_realloc(void *heap, void *block, size_t size) {
    if (size == 0) {
        heap_free(heap, block);
        return NULL;
    }
    return heap_resize(heap, block, size);
}

static int64_t now_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

// Asked by the engine every few thousand steps, in regular expressions too. 1: stop.
static int at_interrupt(JSRuntime *runtime, void *opaque) {
    (void)runtime;
    struct javascript *javascript = opaque;
    if (now_ns() < javascript->deadline_ns) {
        return 0;
    }
    javascript->interrupted = true;
    return 1;
}

static JSValue math_random(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
    (void)self;
    (void)count;
    (void)values;
    struct javascript *javascript = JS_GetContextOpaque(context);
    return JS_NewFloat64(context, (double)(random_u64(&javascript->random) >> 11) * 0x1p-53);
}

static JSValue element(struct javascript *javascript, JSValueConst array, uint32_t index) {
    return JS_GetPropertyUint32(javascript->context, array, index);
}

static void prepare_globals(struct javascript *javascript) {
    JSContext *context = javascript->context;
    JSValue global = JS_GetGlobalObject(context);
    JSValue math = JS_GetPropertyStr(context, global, "Math");
    JSValue random = JS_NewCFunction(context, math_random, "random", 0);
    int flags = JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE;
    check(JS_DefinePropertyValueStr(context, math, "random", random, flags) >= 0);

    JSValue host = JS_Eval(context, host_script, strlen(host_script), "host", JS_EVAL_TYPE_GLOBAL);
    check(!JS_IsException(host));
    javascript->map_prototype = element(javascript, host, 0);
    javascript->list_prototype = element(javascript, host, 1);
    javascript->is_made = element(javascript, host, 2);
    javascript->entries_of = element(javascript, host, 3);
    for (uint32_t i = 0; i < BOXED_COUNT; i++) {
        javascript->boxed_class[i] = JS_GetClassID(element(javascript, host, 4 + i));
    }
    javascript->map_class = JS_GetClassID(element(javascript, host, 4 + BOXED_COUNT));
}

struct javascript *javascript_create(void) {
    static const JSMallocFunctions functions = {
        engine_calloc, engine_malloc, engine_free, engine_realloc, heap_block_size};
    struct javascript *javascript = calloc(1, sizeof(*javascript));
    check(javascript != NULL);
    javascript->heap = heap_create(LIMIT_EVALUATION_HEAP_BYTES);
    check(javascript->heap != NULL);
    javascript->numbers = numbers_create();
    javascript->programs = programs_create(LIMIT_EVALUATION_PROGRAMS, free);
    buffer_init(&javascript->out, LIMIT_EVALUATION_RESULT_BYTES);
    uint64_t seed = 0;
    check(getrandom(&seed, sizeof(seed), 0) == (ssize_t)sizeof(seed));
    random_init(&javascript->random, seed);

    javascript->runtime = JS_NewRuntime2(&functions, javascript->heap);
    check(javascript->runtime != NULL);
    JS_SetMaxStackSize(javascript->runtime, LIMIT_EVALUATION_STACK_BYTES);
    javascript->context = JS_NewContext(javascript->runtime);
    check(javascript->context != NULL);
    JS_SetContextOpaque(javascript->context, javascript);
    prepare_globals(javascript);
    JS_SetInterruptHandler(javascript->runtime, at_interrupt, javascript);
    heap_remember(javascript->heap);
    return javascript;
}

// The text that the engine compiles: engine.md §10.19 as the reference wraps it, with a line break
// so that a comment at the end does not swallow the brace. Zero-terminated.
static bytes text_to_compile(const struct evaluation *evaluation, struct arena *arena) {
    if (evaluation->kind != EVALUATION_BODY) {
        return bytes_of(arena_text(arena, evaluation->text), evaluation->text.size);
    }
    return bytes_from_text(arena_format(
        arena, "function scriptFun(){%.*s\n} scriptFun();", BYTES_ARG(evaluation->text)
    ));
}

// Byte code of the text, kept for the next time; NULL with an exception pending.
static const struct program *compile(struct javascript *javascript, hash128 key, bytes text) {
    JSValue function = JS_Eval(
        javascript->context,
        (const char *)text.data,
        text.size,
        "inline",
        JS_EVAL_TYPE_GLOBAL | JS_EVAL_FLAG_COMPILE_ONLY
    );
    if (JS_IsException(function)) {
        return NULL;
    }
    size_t size = 0;
    uint8_t *code = JS_WriteObject(javascript->context, &size, function, JS_WRITE_OBJ_BYTECODE);
    if (code == NULL) {
        return NULL;
    }
    struct program *program = malloc(sizeof(*program) + size);
    check(program != NULL);
    program->size = size;
    memcpy(program->code, code, size);
    programs_put(javascript->programs, key, program);
    return program;
}

// The script's value, or JS_EXCEPTION.
static JSValue
run(struct javascript *javascript,
    const struct evaluation *evaluation,
    bytes text,
    struct arena *arena) {
    uint8_t kind = evaluation->kind == EVALUATION_BODY ? EVALUATION_BODY : EVALUATION_EXPRESSION;
    hash128 key = hash_sip128(evaluation->text);
    key.high ^= kind;
    const struct program *program = programs_get(javascript->programs, key);
    if (program == NULL) {
        program = compile(javascript, key, text);
        if (program == NULL) {
            return JS_EXCEPTION;
        }
    }
    if (evaluation->kind == EVALUATION_PARSE) {
        return JS_NULL;
    }
    JSContext *context = javascript->context;
    JSValue input = javascript_input(javascript, evaluation->input, arena);
    if (JS_IsException(input)) {
        return JS_EXCEPTION;
    }
    JSValue global = JS_GetGlobalObject(context);
    if (JS_DefinePropertyValueStr(context, global, "$", input, JS_PROP_C_W_E) < 0) {
        return JS_EXCEPTION;
    }
    JSValue function = JS_ReadObject(context, program->code, program->size, JS_READ_OBJ_BYTECODE);
    return JS_IsException(function) ? JS_EXCEPTION : JS_EvalFunction(context, function);
}

struct evaluation_result javascript_run(
    struct javascript *javascript,
    const struct evaluation *evaluation,
    uint32_t deadline_ms,
    struct arena *arena
) {
    struct evaluation_result result = {.outcome = EVALUATION_DONE};
    bytes text = text_to_compile(evaluation, arena);
    javascript->interrupted = false;
    javascript->deadline_ns = now_ns() + (int64_t)deadline_ms * 1000000;
    buffer_clear(&javascript->out);
    numbers_keep(javascript->numbers, evaluation->input);
    JSValue value = run(javascript, evaluation, text, arena);
    if (JS_IsException(value) || javascript_put_result(javascript, value, 0) < 0) {
        result.outcome = EVALUATION_FAILED;
        if (!javascript->interrupted) {
            // Working out the text may run code of the script again.
            result.error = javascript_error_text(javascript, text, arena);
        }
    }
    heap_restore(javascript->heap);
    if (javascript->interrupted) {
        result.outcome = EVALUATION_TIMED_OUT;
        result.error = BYTES_LITERAL("Script not evaluated within 4 seconds, interrupted.");
    } else if (result.outcome == EVALUATION_DONE && err_is(buffer_status(&javascript->out))) {
        result.outcome = EVALUATION_FAILED;
        result.error =
            BYTES_LITERAL("Error evaluating the script `RangeError: the result is larger "
                          "than 16 MiB`");
    } else if (result.outcome == EVALUATION_DONE) {
        result.json = arena_copy(arena, buffer_bytes(&javascript->out));
    }
    return result;
}
