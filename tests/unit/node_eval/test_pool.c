// The pool under scripts that loop, grow and crash, with real processes.
#include "tests/unit/node_eval/world.h"

#include <event2/event.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void script(struct world *world, struct answer *answer, const char *text) {
    world_ask(world, answer, EVALUATION_JAVASCRIPT, EVALUATION_EXPRESSION, text, "{}");
}

static void query(struct world *world, struct answer *answer, const char *text) {
    world_ask(world, answer, EVALUATION_JQ, EVALUATION_EXPRESSION, text, "{\"a\":1}");
}

static void
assert_answer(struct answer *answer, enum evaluation_outcome outcome, const char *text) {
    assert_int_equal(answer->calls, 1);
    assert_string_equal(answer->text, text);
    assert_int_equal(answer->outcome, outcome);
    answer_free(answer);
}

#define TIMED_OUT_TEXT "Script not evaluated within 4 seconds, interrupted."

static void loops_end_at_their_deadline(void **state) {
    (void)state;
    struct world world;
    world_open(&world, (struct evaluator_pool_options){.slice_ms = 50});
    struct answer answers[4];
    script(&world, &answers[0], "while(true){}");
    script(&world, &answers[1], "/^(a+)+$/.test('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!')");
    query(&world, &answers[2], "[recurse(.)] | length");
    // A loop inside the engine, which it cannot stop by itself.
    script(&world, &answers[3], "Array.prototype.indexOf.call({length: 9007199254740991}, 1)");
    world_run_until(&world, 0);
    assert_answer(&answers[0], EVALUATION_TIMED_OUT, TIMED_OUT_TEXT);
    assert_answer(&answers[1], EVALUATION_TIMED_OUT, TIMED_OUT_TEXT);
    // It grows as it loops: either bound may be met first.
    assert_int_not_equal(answers[2].outcome, EVALUATION_DONE);
    answer_free(&answers[2]);
    assert_answer(&answers[3], EVALUATION_TIMED_OUT, TIMED_OUT_TEXT);
    script(&world, &answers[0], "1+1");
    query(&world, &answers[1], ".a");
    world_run_until(&world, 0);
    assert_answer(&answers[0], EVALUATION_DONE, "2");
    assert_answer(&answers[1], EVALUATION_DONE, "[1]");
    world_close(&world);
}

static void short_scripts_overtake_loops(void **state) {
    (void)state;
    struct world world;
    world_open(
        &world,
        (struct evaluator_pool_options
        ){.processes = 1, .slow_processes = 2, .slice_ms = 40, .deadline_ms = 60000}
    );
    enum {
        LOOPS = 20,
        SHORT = 10
    };
    struct answer loops[LOOPS];
    struct answer short_ones[SHORT];
    for (size_t i = 0; i < LOOPS; i++) {
        script(&world, &loops[i], "while(true){}");
    }
    for (size_t i = 0; i < SHORT; i++) {
        script(&world, &short_ones[i], "7");
    }
    // No loop reaches its deadline before the short ones, which stand behind all of them, are
    // answered.
    world_run_until(&world, LOOPS);
    for (size_t i = 0; i < SHORT; i++) {
        assert_answer(&short_ones[i], EVALUATION_DONE, "7");
    }
    struct evaluator_pool_stats stats = evaluator_pool_stats(world.pool);
    assert_int_equal(stats.timed_out, 0);
    // One of them was met; the others were known by their text, and cost no process its life.
    assert_int_equal(stats.slow, 1);
    assert_int_equal(stats.retried, 0);
    world_close(&world);
}

static void a_text_that_is_quick_again_is_not_suspected(void **state) {
    (void)state;
    struct world world;
    world_open(
        &world,
        (struct evaluator_pool_options
        ){.processes = 1, .slow_processes = 1, .slice_ms = 60, .deadline_ms = 300}
    );
    static const char text[] = "while($.loop){} 7";
    struct answer answer;
    world_ask(&world, &answer, EVALUATION_JAVASCRIPT, EVALUATION_EXPRESSION, text, "{\"loop\":1}");
    world_run_until(&world, 0);
    assert_int_equal(answer.outcome, EVALUATION_TIMED_OUT);
    answer_free(&answer);
    uint64_t started = 0;
    for (int i = 0; i < 3; i++) {
        started = evaluator_pool_stats(world.pool).started;
        world_ask(&world, &answer, EVALUATION_JAVASCRIPT, EVALUATION_EXPRESSION, text, "{}");
        world_run_until(&world, 0);
        assert_answer(&answer, EVALUATION_DONE, "7");
    }
    // The newest ran in a process that was there.
    assert_int_equal(evaluator_pool_stats(world.pool).started, started);
    world_close(&world);
}

// What may never be needed costs a slice, of whoever waits for it and of whoever is behind it.
static void what_is_asked_ahead_gets_a_slice_and_no_more(void **state) {
    (void)state;
    struct world world;
    world_open(&world, (struct evaluator_pool_options){.processes = 1, .slice_ms = 50});
    static const char *const loops[] = {"while(true){}", "[recurse(.)] | length"};
    for (unsigned i = 0; i < 2; i++) {
        enum evaluation_language language = (enum evaluation_language)i;
        struct answer loop;
        struct answer again;
        struct answer behind;
        assert_true(world_ask_ahead(&world, &loop, language, loops[i]));
        assert_true(world_ask_ahead(&world, &again, language, loops[i]));
        world_ask(&world, &behind, language, EVALUATION_EXPRESSION, "1", "{}");
        world_run_until(&world, 0);
        assert_answer(&loop, EVALUATION_TIMED_OUT, loop.text);
        assert_answer(&again, EVALUATION_TIMED_OUT, again.text);
        assert_answer(&behind, EVALUATION_DONE, i == 0 ? "1" : "[1]");
        // It is known now.
        assert_false(world_ask_ahead(&world, &loop, language, loops[i]));
    }
    struct evaluator_pool_stats stats = evaluator_pool_stats(world.pool);
    assert_int_equal(stats.dropped, 6);
    world_close(&world);
}

static void what_is_asked_ahead_wakes_no_second_process(void **state) {
    (void)state;
    struct world world;
    world_open(&world, (struct evaluator_pool_options){.processes = 2});
    struct answer answers[3];
    script(&world, &answers[0], "1");
    assert_true(world_ask_ahead(&world, &answers[1], EVALUATION_JAVASCRIPT, "2"));
    assert_int_equal(evaluator_pool_stats(world.pool).started, 1);
    script(&world, &answers[2], "3");
    assert_int_equal(evaluator_pool_stats(world.pool).started, 2);
    world_run_until(&world, 0);
    assert_answer(&answers[0], EVALUATION_DONE, "1");
    assert_answer(&answers[1], EVALUATION_DONE, "2");
    assert_answer(&answers[2], EVALUATION_DONE, "3");
    world_close(&world);
}

static void a_thousand_requests_are_answered_in_their_place(void **state) {
    (void)state;
    struct world world;
    world_open(&world, (struct evaluator_pool_options){0});
    enum {
        COUNT = 1000
    };
    struct answer *answers = calloc(COUNT, sizeof(*answers));
    assert_non_null(answers);
    for (unsigned i = 0; i < COUNT; i++) {
        char input[32];
        (void)snprintf(input, sizeof(input), "{\"i\":%u}", i);
        enum evaluation_language language = i % 2 == 0 ? EVALUATION_JAVASCRIPT : EVALUATION_JQ;
        const char *text = i % 2 == 0 ? "$.i" : ".i";
        world_ask(&world, &answers[i], language, EVALUATION_EXPRESSION, text, input);
    }
    world_run_until(&world, 0);
    for (unsigned i = 0; i < COUNT; i++) {
        char expected[32];
        (void)snprintf(expected, sizeof(expected), i % 2 == 0 ? "%u" : "[%u]", i);
        assert_answer(&answers[i], EVALUATION_DONE, expected);
    }
    free(answers);
    world_close(&world);
}

static void kill_children(void) {
    int children[16];
    size_t count = world_children(children, 16);
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(kill(children[i], SIGKILL), 0);
    }
}

static void a_request_is_run_again_when_its_process_is_killed(void **state) {
    (void)state;
    struct world world;
    world_open(&world, (struct evaluator_pool_options){.processes = 1, .slice_ms = 3000});
    struct answer answers[3];
    script(&world, &answers[0], "var t = Date.now(); while (Date.now() - t < 200) {} 'done'");
    script(&world, &answers[1], "1");
    script(&world, &answers[2], "2");
    kill_children();
    world_run_until(&world, 0);
    assert_answer(&answers[0], EVALUATION_DONE, "\"done\"");
    assert_answer(&answers[1], EVALUATION_DONE, "1");
    assert_answer(&answers[2], EVALUATION_DONE, "2");
    struct evaluator_pool_stats stats = evaluator_pool_stats(world.pool);
    assert_int_equal(stats.died, 1);
    assert_int_equal(stats.retried, 1);
    world_close(&world);
}

// It is known by then that the process runs it: the first one is promoted after a slice.
static void kill_the_slow_one(struct world *world, uint64_t slow) {
    while (evaluator_pool_stats(world->pool).slow < slow) {
        assert_true(event_base_loop(world->base, EVLOOP_ONCE) >= 0);
    }
    kill_children();
}

static void a_request_whose_processes_are_killed_fails_and_its_neighbours_do_not(void **state) {
    (void)state;
    struct world world;
    world_open(&world, (struct evaluator_pool_options){.processes = 1, .slice_ms = 50});
    struct answer answers[2];
    script(&world, &answers[0], "while (true) {}");
    script(&world, &answers[1], "1");
    kill_the_slow_one(&world, 1);
    world_run_until(&world, 1);
    assert_answer(&answers[1], EVALUATION_DONE, "1");
    while (evaluator_pool_stats(world.pool).processes < 2) {
        assert_true(event_base_loop(world.base, EVLOOP_ONCE) >= 0);
    }
    kill_children();
    world_run_until(&world, 0);
    assert_answer(
        &answers[0],
        EVALUATION_FAILED,
        "The script needs more memory than it may use, or broke its evaluator"
    );
    assert_int_equal(evaluator_pool_stats(world.pool).timed_out, 0);
    script(&world, &answers[0], "2");
    world_run_until(&world, 0);
    assert_answer(&answers[0], EVALUATION_DONE, "2");
    world_close(&world);
}

static void a_memory_bomb_of_jq_fails_and_its_neighbours_do_not(void **state) {
    (void)state;
    struct world world;
    world_open(
        &world,
        (struct evaluator_pool_options){.processes = 1, .slice_ms = 20000, .deadline_ms = 20000}
    );
    struct answer answers[3];
    query(&world, &answers[0], ".a");
    query(&world, &answers[1], "\"x\" | until(false; . + .)");
    query(&world, &answers[2], ".a + 1");
    world_run_until(&world, 0);
    assert_answer(&answers[0], EVALUATION_DONE, "[1]");
    // Under a sanitizer the address space has no bound; then libjq's own bound on strings is met
    // first.
    assert_int_equal(answers[1].outcome, EVALUATION_FAILED);
    if (evaluator_pool_stats(world.pool).died > 0) {
        assert_string_equal(
            answers[1].text, "The script needs more memory than it may use, or broke its evaluator"
        );
        assert_int_equal(evaluator_pool_stats(world.pool).died, 2);
    } else {
        assert_string_equal(answers[1].text, "String too long");
    }
    answer_free(&answers[1]);
    assert_answer(&answers[2], EVALUATION_DONE, "[2]");
    world_close(&world);
}

static void a_full_pool_refuses(void **state) {
    (void)state;
    struct world world;
    world_open(&world, (struct evaluator_pool_options){.waiting_max = 2});
    struct answer answers[2];
    script(&world, &answers[0], "1");
    script(&world, &answers[1], "2");
    struct evaluation evaluation = {.text = BYTES_LITERAL("3"), .input = BYTES_LITERAL("{}")};
    assert_err(evaluator_pool_submit(world.pool, 1, &evaluation, NULL, NULL), ERR_FULL);
    world_run_until(&world, 0);
    assert_answer(&answers[0], EVALUATION_DONE, "1");
    assert_answer(&answers[1], EVALUATION_DONE, "2");
    assert_int_equal(evaluator_pool_stats(world.pool).refused, 1);
    world_close(&world);
}

static void without_a_program_the_answer_is_unavailable(void **state) {
    (void)state;
    struct world world;
    world_open(&world, (struct evaluator_pool_options){.program = "/nonexistent/evaluator"});
    struct answer answer;
    script(&world, &answer, "1");
    world_run_until(&world, 0);
    assert_answer(&answer, EVALUATION_UNAVAILABLE, "No evaluator of scripts can be started");
    world_close(&world);
}

static void a_large_input_comes_back_whole(void **state) {
    (void)state;
    struct world world;
    world_open(&world, (struct evaluator_pool_options){.slice_ms = 20000, .deadline_ms = 20000});
    enum {
        SIZE = 5 * 1024 * 1024
    };
    char *input = malloc(SIZE + 3);
    assert_non_null(input);
    memset(input, 'x', SIZE + 2);
    input[0] = '"';
    input[SIZE + 1] = '"';
    input[SIZE + 2] = '\0';
    struct answer answers[2];
    world_ask(&world, &answers[0], EVALUATION_JAVASCRIPT, EVALUATION_EXPRESSION, "$", input);
    world_ask(&world, &answers[1], EVALUATION_JQ, EVALUATION_EXPRESSION, "length", input);
    world_run_until(&world, 0);
    assert_answer(&answers[0], EVALUATION_DONE, input);
    assert_answer(&answers[1], EVALUATION_DONE, "[5242880]");
    free(input);
    world_close(&world);
}

static void the_sandbox_holds(void **state) {
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        (void)execl(EVALUATOR_PROGRAM, "orpheus-evaluator", "check-sandbox", (char *)NULL);
        _exit(99);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int64_t now_us(clockid_t clock) {
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int by_value(const void *left, const void *right) {
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

// Processor time of the children so far, in clock ticks.
static double children_cpu_us(void) {
    int children[16];
    size_t count = world_children(children, 16);
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        clockid_t clock = 0;
        assert_int_equal(clock_getcpuclockid(children[i], &clock), 0);
        sum += (double)now_us(clock);
    }
    return sum;
}

// Prints figures; gates nothing but that all was answered.
static void figures(void **state) {
    (void)state;
    enum {
        COUNT = 2000
    };
    const char *texts[] = {"(function(){return $.a+$.b;})()", ".a + .b"};
    const char *input =
        "{\"a\":1,\"b\":2,\"c\":[1,2,3],\"text\":\"a payload of about eighty bytes\"}";
    static int64_t taken[COUNT];
    for (unsigned language = 0; language < 2; language++) {
        struct world world;
        world_open(&world, (struct evaluator_pool_options){.processes = 1});
        struct answer answer;
        double began = 0;
        int64_t own = 0;
        for (int i = -100; i < COUNT; i++) {
            if (i == 0) {
                began = children_cpu_us();
                own = now_us(CLOCK_PROCESS_CPUTIME_ID);
            }
            int64_t asked = now_us(CLOCK_MONOTONIC);
            world_ask(
                &world,
                &answer,
                (enum evaluation_language)language,
                EVALUATION_EXPRESSION,
                texts[language],
                input
            );
            world_run_until(&world, 0);
            answer_free(&answer);
            if (i >= 0) {
                taken[i] = now_us(CLOCK_MONOTONIC) - asked;
            }
        }
        double evaluator = (children_cpu_us() - began) / COUNT;
        double server = (double)(now_us(CLOCK_PROCESS_CPUTIME_ID) - own) / COUNT;
        qsort(taken, COUNT, sizeof(taken[0]), by_value);
        print_message(
            "%s: round trip p50 %lld us, p99 %lld us; CPU a call: evaluator %.1f us, server %.1f "
            "us\n",
            language == 0 ? "javascript" : "jq",
            (long long)taken[COUNT / 2],
            (long long)taken[COUNT * 99 / 100],
            evaluator,
            server
        );
        assert_int_equal(evaluator_pool_stats(world.pool).done, COUNT + 100);
        world_close(&world);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loops_end_at_their_deadline),
        cmocka_unit_test(short_scripts_overtake_loops),
        cmocka_unit_test(a_text_that_is_quick_again_is_not_suspected),
        cmocka_unit_test(what_is_asked_ahead_gets_a_slice_and_no_more),
        cmocka_unit_test(what_is_asked_ahead_wakes_no_second_process),
        cmocka_unit_test(a_thousand_requests_are_answered_in_their_place),
        cmocka_unit_test(a_request_is_run_again_when_its_process_is_killed),
        cmocka_unit_test(a_request_whose_processes_are_killed_fails_and_its_neighbours_do_not),
        cmocka_unit_test(a_memory_bomb_of_jq_fails_and_its_neighbours_do_not),
        cmocka_unit_test(a_full_pool_refuses),
        cmocka_unit_test(without_a_program_the_answer_is_unavailable),
        cmocka_unit_test(a_large_input_comes_back_whole),
        cmocka_unit_test(the_sandbox_holds),
        cmocka_unit_test(figures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
