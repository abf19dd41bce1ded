#include "tests/unit/node_eval/world.h"

#include <event2/event.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char *text_of(bytes view) {
    char *text = malloc(view.size + 1);
    assert_non_null(text);
    if (view.size > 0) {
        memcpy(text, view.data, view.size);
    }
    text[view.size] = '\0';
    return text;
}

static void at_answer(void *argument, uint64_t request_id, const struct evaluation_result *result) {
    struct answer *answer = argument;
    assert_int_equal(request_id, 42);
    answer->world->open--;
    answer->calls++;
    answer->outcome = result->outcome;
    free(answer->text);
    answer->text = text_of(result->outcome == EVALUATION_DONE ? result->json : result->error);
}

void world_open(struct world *world, struct evaluator_pool_options options) {
    (void)signal(SIGPIPE, SIG_IGN); // as the server does
    *world = (struct world){.base = event_base_new()};
    assert_non_null(world->base);
    if (options.program == NULL) {
        options.program = EVALUATOR_PROGRAM;
    }
    world->pool = evaluator_pool_create(world->base, &options);
}

void world_close(struct world *world) {
    evaluator_pool_destroy(&world->pool);
    event_base_free(world->base);
}

void world_ask(
    struct world *world,
    struct answer *answer,
    enum evaluation_language language,
    enum evaluation_kind kind,
    const char *text,
    const char *input
) {
    *answer = (struct answer){.world = world};
    struct evaluation evaluation = {
        .language = language,
        .kind = kind,
        .text = bytes_from_text(text),
        .input = bytes_from_text(input),
    };
    assert_ok(evaluator_pool_submit(world->pool, 42, &evaluation, at_answer, answer));
    assert_int_equal(answer->calls, 0);
    world->open++;
}

bool world_ask_ahead(
    struct world *world, struct answer *answer, enum evaluation_language language, const char *text
) {
    *answer = (struct answer){.world = world};
    struct evaluation evaluation = {
        .language = language,
        .text = bytes_from_text(text),
        .input = BYTES_LITERAL("{}"),
        .ahead = true,
    };
    bool taken = !err_is(evaluator_pool_submit(world->pool, 42, &evaluation, at_answer, answer));
    world->open += taken;
    return taken;
}

void world_run_until(struct world *world, uint32_t open) {
    time_t end = time(NULL) + 120; // of a hang, not of a speed
    while (world->open > open && time(NULL) < end) {
        assert_true(event_base_loop(world->base, EVLOOP_ONCE) >= 0);
    }
    assert_true(world->open <= open);
}

void answer_free(struct answer *answer) {
    free(answer->text);
    answer->text = NULL;
}

void world_expect(
    struct world *world,
    enum evaluation_language language,
    enum evaluation_kind kind,
    const char *text,
    const char *input,
    enum evaluation_outcome outcome,
    const char *expected
) {
    struct answer answer;
    world_ask(world, &answer, language, kind, text, input);
    world_run_until(world, 0);
    if (answer.outcome != outcome || strcmp(answer.text, expected) != 0) {
        (void)fprintf(stderr, "of %s with %s\n", text, input);
    }
    assert_string_equal(answer.text, expected);
    assert_int_equal(answer.outcome, outcome);
    answer_free(&answer);
}

size_t world_children(int *out_pids, size_t count_max) {
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", getpid(), getpid());
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t count = 0;
    while (count < count_max && fscanf(file, "%d", &out_pids[count]) == 1) {
        count++;
    }
    (void)fclose(file);
    return count;
}
