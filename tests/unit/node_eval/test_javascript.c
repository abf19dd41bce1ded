// What scripts give, through real processes. The expectations are what the reference answered to
// the same scripts (conductor-server 3.32.3), where the text does not say otherwise.
#include "tests/unit/node_eval/world.h"

#include <stdio.h>
#include <string.h>

static int open_world(void **state) {
    static struct world world;
    world_open(&world, (struct evaluator_pool_options){.processes = 1});
    *state = &world;
    return 0;
}

static int close_world(void **state) {
    world_close(*state);
    return 0;
}

static void gives(void **state, const char *text, const char *input, const char *expected) {
    world_expect(
        *state, EVALUATION_JAVASCRIPT, EVALUATION_EXPRESSION, text, input, EVALUATION_DONE, expected
    );
}

static void fails(void **state, const char *text, const char *input, const char *message) {
    char expected[512];
    (void)snprintf(expected, sizeof(expected), "Error evaluating the script %s", message);
    world_expect(
        *state,
        EVALUATION_JAVASCRIPT,
        EVALUATION_EXPRESSION,
        text,
        input,
        EVALUATION_FAILED,
        expected
    );
}

static void results_become_json_by_the_table(void **state) {
    gives(state, "(function(){return $.a+$.b;})()", "{\"a\":1,\"b\":2}", "3");
    gives(state, "1.5", "{}", "1.5");
    gives(state, "null", "{}", "null");
    gives(state, "undefined", "{}", "null");
    gives(state, "({a:[1]})", "{}", "{\"a\":[1]}");
    gives(state, "true", "{}", "true");
    gives(state, "1.0", "{}", "1");
    gives(state, "NaN", "{}", "\"NaN\"");
    gives(state, "1/0", "{}", "\"Infinity\"");
    gives(state, "-0", "{}", "-0.0");
    gives(state, "0", "{}", "0");
    gives(state, "1e20", "{}", "1.0E20");
    gives(state, "1e300", "{}", "1.0E300");
    gives(state, "12345678.5", "{}", "1.23456785E7");
    gives(state, "0.0001", "{}", "1.0E-4");
    gives(state, "0.001", "{}", "0.001");
    gives(state, "0.1+0.2", "{}", "0.30000000000000004");
    gives(state, "5e-324", "{}", "5.0E-324");
    gives(state, "9223372036854775807", "{}", "9.223372036854776E18");
    gives(state, "123n", "{}", "123");
    gives(state, "123456789012345678901234567890n", "{}", "{}");
    gives(state, "new Date()", "{}", "{}");
    gives(state, "function f(){}; f", "{}", "{}");
    gives(state, "Symbol('x')", "{}", "{}");
    gives(state, "new Map([[1,2]])", "{}", "{\"1\":2}");
    gives(state, "new Set([1])", "{}", "{}");
    gives(state, "new Error('x')", "{}", "{}");
    gives(state, "new Uint8Array([1,2])", "{}", "[1,2]");
    gives(state, "[1,undefined,function(){}]", "{}", "[1,null,{}]");
    gives(state, "({a:undefined,b:function(){}})", "{}", "{\"a\":null,\"b\":{}}");
    gives(state, "'a\\ud800b'", "{}", "\"a?b\"");
    gives(state, "'\\ud83d\\ude00'", "{}", "\"\xf0\x9f\x98\x80\"");
    gives(state, "new Number(5)", "{}", "5");
    gives(state, "new String('x')", "{}", "\"x\"");
    gives(state, "", "{}", "null");
    gives(state, "function g() { return $.l.get(1); } g();", "{\"l\":[1,2]}", "2");
}

static void integers_that_pass_through_keep_their_digits(void **state) {
    gives(state, "$.b", "{\"b\":9007199254740991}", "9007199254740991");
    gives(state, "$.b", "{\"b\":9007199254740993}", "9007199254740993");
    gives(state, "({x:$})", "{\"b\":-9007199254740993}", "{\"x\":{\"b\":-9007199254740993}}");
    gives(state, "$.b", "{\"b\":12345678901234567890123}", "12345678901234567890123");
    gives(state, "$.b + 1", "{\"b\":9007199254740991}", "9007199254740992");
    gives(state, "9007199254740993", "{}", "9007199254740992");
    // Two texts of one double: nobody knows which.
    gives(state, "$", "[9007199254740992,9007199254740993]", "[9007199254740992,9007199254740992]");
    gives(state, "$.o", "{\"o\":{\"b\":1.0,\"c\":1.10}}", "{\"b\":1,\"c\":1.1}");
}

static void the_input_behaves_like_maps_and_lists_of_the_reference(void **state) {
    gives(state, "$['a']['b']", "{\"a\":{\"b\":\"\\u00e9\\n\"}}", "\"\xc3\xa9\\n\"");
    gives(state, "$.l.size() + $.l.length", "{\"l\":[1,2]}", "4");
    gives(state, "$.l.contains(2)", "{\"l\":[1,2]}", "true");
    gives(state, "$.m.get('a')", "{\"m\":{\"a\":5}}", "5");
    gives(state, "$.m.containsKey('a')", "{\"m\":{\"a\":5}}", "true");
    gives(state, "$.m.size()", "{\"m\":{\"a\":5}}", "1");
    gives(state, "$.m.keySet()", "{\"m\":{\"a\":5}}", "[\"a\"]");
    gives(state, "$.m.zz === undefined", "{\"m\":{\"a\":5}}", "true");
    gives(state, "'' + $.m + $.l", "{\"m\":{\"a\":5},\"l\":[1,null]}", "\"{a=5}[1, null]\"");
    gives(state, "Array.isArray($.l) && $.l instanceof Array", "{\"l\":[1]}", "true");
    gives(state, "$.l.map(function(x){return x+1})", "{\"l\":[1]}", "[2]");
    gives(state, "$.l.push(3); $.l", "{\"l\":[1]}", "[1,3]");
    gives(state, "for (var k in $.m) k", "{\"m\":{\"a\":5}}", "\"a\"");
    gives(state, "({...$.m, z:1})", "{\"m\":{\"a\":5}}", "{\"a\":5,\"z\":1}");
    gives(state, "[...$.l].concat([2])", "{\"l\":[1]}", "[1,2]");
    // Better than the reference, where these give the names of Java's methods, or nothing.
    gives(state, "Object.keys($.m)", "{\"m\":{\"a\":5}}", "[\"a\"]");
    gives(state, "JSON.stringify($)", "{\"m\":{\"a\":5}}", "\"{\\\"m\\\":{\\\"a\\\":5}}\"");
    gives(state, "$.size", "{\"size\":7}", "7");
}

static void errors_have_the_text_of_the_contract(void **state) {
    fails(state, "$.x.y", "{}", "`TypeError: Cannot read property 'y' of undefined` at line 1");
    fails(state, "var a;\nfoo.bar", "{}", "`ReferenceError: foo is not defined` at line 2");
    fails(state, "\nnull.x", "{}", "`TypeError: Cannot read property 'x' of null` at line 2");
    fails(state, "console.log(1)", "{}", "`ReferenceError: console is not defined` at line 1");
    fails(state, "var a = 1;\n\nthrow 'boom';", "{}", "`boom` at line 3");
    fails(state, "throw 5.0", "{}", "`5` at line 1");
    fails(state, "throw null", "{}", "`null` at line 1");
    fails(state, "throw {a:1}", "{}", "`Error` at line 1");
    fails(state, "throw [1,2]", "{}", "`Array` at line 1");
    fails(state, "function E(m){this.message=m}; throw new E('zz')", "{}", "`E: zz` at line 1");
    fails(state, "throw new Error('mine')", "{}", "`Error: mine`");
    fails(state, "throw TypeError('mine')", "{}", "`TypeError: mine`");
    fails(state, "throw new Error()", "{}", "`Error`");
    fails(state, "class E2 extends Error{}; throw new E2('zz')", "{}", "`E2: zz`");
    fails(state, "var e = new Error('x'); e.name='Bad'; throw e", "{}", "`Bad: x`");
    fails(
        state,
        "(function f(){ f() })()",
        "{}",
        "`RangeError: Maximum call stack size exceeded` at line 1"
    );
}

static void a_text_that_does_not_compile_is_shown_with_its_place(void **state) {
    struct world *world = *state;
    struct answer answer;
    world_ask(
        world, &answer, EVALUATION_JAVASCRIPT, EVALUATION_EXPRESSION, "var a;\nx = = 1", "{}"
    );
    world_run_until(world, 0);
    assert_int_equal(answer.outcome, EVALUATION_FAILED);
    assert_non_null(strstr(answer.text, "Error evaluating the script `SyntaxError: inline:2:"));
    assert_non_null(strstr(answer.text, "\nx = = 1\n    ^\n` at line 2"));
    answer_free(&answer);
}

static void a_text_is_parsed_without_being_run(void **state) {
    const char *loop = "while (true) {}";
    world_expect(
        *state, EVALUATION_JAVASCRIPT, EVALUATION_PARSE, loop, "{}", EVALUATION_DONE, "null"
    );
    struct world *world = *state;
    struct answer answer;
    world_ask(world, &answer, EVALUATION_JAVASCRIPT, EVALUATION_PARSE, "function(", "{}");
    world_run_until(world, 0);
    assert_int_equal(answer.outcome, EVALUATION_FAILED);
    assert_non_null(strstr(answer.text, "SyntaxError: inline:1:"));
    answer_free(&answer);
}

static void a_result_that_contains_itself_is_an_error(void **state) {
    struct world *world = *state;
    struct answer answer;
    world_ask(
        world, &answer, EVALUATION_JAVASCRIPT, EVALUATION_EXPRESSION, "var x={}; x.x=x; x", "{}"
    );
    world_run_until(world, 0);
    assert_int_equal(answer.outcome, EVALUATION_FAILED);
    assert_non_null(strstr(answer.text, "nested too deeply"));
    answer_free(&answer);
}

static void a_body_needs_return(void **state) {
    world_expect(
        *state,
        EVALUATION_JAVASCRIPT,
        EVALUATION_BODY,
        "return $.a==1 ? {t:true} : {t:false}; // so",
        "{\"a\":1}",
        EVALUATION_DONE,
        "{\"t\":true}"
    );
    world_expect(
        *state, EVALUATION_JAVASCRIPT, EVALUATION_BODY, "$.a", "{}", EVALUATION_DONE, "null"
    );
    world_expect(
        *state,
        EVALUATION_JAVASCRIPT,
        EVALUATION_BODY,
        "return $.a.b.c",
        "{}",
        EVALUATION_FAILED,
        "Error evaluating the script `TypeError: Cannot read property 'b' of undefined` at line 1"
    );
}

static void nothing_survives_to_the_next_script(void **state) {
    gives(state, "globalThis.leak = 1; var v = 2; w = 3; [leak,v,w]", "{}", "[1,2,3]");
    gives(state, "typeof leak + typeof v + typeof w", "{}", "\"undefinedundefinedundefined\"");
    gives(state, "Array.prototype.map = null; Object.prototype.x = 1; 1", "{}", "1");
    gives(
        state, "[1].map(function(a){return a+1}).concat([typeof ({}).x])", "{}", "[2,\"undefined\"]"
    );
    gives(state, "$.get = 1; $.l.__proto__.get = 7; 1", "{\"l\":[]}", "1");
    gives(state, "$.l.get(0)", "{\"l\":[8]}", "8");
    gives(state, "delete globalThis.JSON; typeof JSON", "{}", "\"undefined\"");
    gives(state, "typeof JSON", "{}", "\"object\"");
}

static void random_numbers_do_not_come_back_with_the_heap(void **state) {
    struct world *world = *state;
    struct answer answers[2];
    for (size_t i = 0; i < 2; i++) {
        world_ask(
            world,
            &answers[i],
            EVALUATION_JAVASCRIPT,
            EVALUATION_EXPRESSION,
            "var r = Math.random(); if (!(r >= 0 && r < 1)) throw 'range'; r",
            "{}"
        );
    }
    world_run_until(world, 0);
    assert_int_equal(answers[0].outcome, EVALUATION_DONE);
    assert_string_not_equal(answers[0].text, answers[1].text);
    answer_free(&answers[0]);
    answer_free(&answers[1]);
}

static void there_is_no_way_out(void **state) {
    gives(
        state,
        "['console','print','load','require','process','std','os','fetch','setTimeout',"
        "'XMLHttpRequest','Java'].filter(function(n){return typeof globalThis[n] !== 'undefined'})",
        "{}",
        "[]"
    );
}

// With time enough: how long it takes to fill the memory is the machine's business.
static void memory_ends_with_an_error_of_the_script(void **state) {
    (void)state;
    struct world world;
    struct answer answer;
    world_open(&world, (struct evaluator_pool_options){.deadline_ms = 60000});
    static const char *const texts[] = {
        "var a = []; while (true) a.push(new Array(10000).fill(7));", "1+1"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        world_ask(&world, &answer, EVALUATION_JAVASCRIPT, EVALUATION_EXPRESSION, texts[i], "{}");
        world_run_until(&world, 0);
        if (i == 0) {
            assert_int_equal(answer.outcome, EVALUATION_FAILED);
            assert_non_null(strstr(answer.text, "out of memory"));
        } else {
            assert_string_equal(answer.text, "2");
        }
        answer_free(&answer);
    }
    world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_become_json_by_the_table),
        cmocka_unit_test(integers_that_pass_through_keep_their_digits),
        cmocka_unit_test(the_input_behaves_like_maps_and_lists_of_the_reference),
        cmocka_unit_test(errors_have_the_text_of_the_contract),
        cmocka_unit_test(a_text_that_does_not_compile_is_shown_with_its_place),
        cmocka_unit_test(a_text_is_parsed_without_being_run),
        cmocka_unit_test(a_result_that_contains_itself_is_an_error),
        cmocka_unit_test(a_body_needs_return),
        cmocka_unit_test(nothing_survives_to_the_next_script),
        cmocka_unit_test(random_numbers_do_not_come_back_with_the_heap),
        cmocka_unit_test(there_is_no_way_out),
        cmocka_unit_test(memory_ends_with_an_error_of_the_script),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
