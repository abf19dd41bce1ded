// What jq programs give, through real processes.
#include "tests/unit/node_eval/world.h"

static int open_world(void **state) {
    static struct world world;
    world_open(&world, (struct evaluator_pool_options){.processes = 1, .slice_ms = 2000});
    *state = &world;
    return 0;
}

static int close_world(void **state) {
    world_close(*state);
    return 0;
}

static void gives(void **state, const char *text, const char *input, const char *expected) {
    world_expect(
        *state, EVALUATION_JQ, EVALUATION_EXPRESSION, text, input, EVALUATION_DONE, expected
    );
}

static void fails(void **state, const char *text, const char *input, const char *expected) {
    world_expect(
        *state, EVALUATION_JQ, EVALUATION_EXPRESSION, text, input, EVALUATION_FAILED, expected
    );
}

static void all_outputs_come_as_one_list(void **state) {
    gives(state, ".items | map(.v)", "{\"items\":[{\"v\":1},{\"v\":2}]}", "[[1,2]]");
    gives(state, ".items[].v", "{\"items\":[{\"v\":1},{\"v\":2}]}", "[1,2]");
    gives(state, "empty", "{}", "[]");
    gives(state, ".a.b.c", "{}", "[null]");
    gives(state, "[.a[]|select(.>1)] | length", "{\"a\":[1,2,3]}", "[2]");
    gives(
        state,
        "{ key3: (.key1.value1 + .key2.value2) }",
        "{\"key1\":{\"value1\":[\"a\",\"b\"]},\"value2\":[\"d\"]}",
        "[{\"key3\":[\"a\",\"b\"]}]"
    );
}

static void numbers_are_integers_where_they_can_be(void **state) {
    gives(state, ".a", "{\"a\":9007199254740993}", "[9007199254740993]");
    gives(state, ".a", "{\"a\":12345678901234567890123}", "[12345678901234567890123]");
    gives(state, ".a+1", "{\"a\":2}", "[3]");
    gives(
        state, "1e20,1e300,.5,12345678.5,0.0001", "{}", "[1.0E20,1.0E300,0.5,1.23456785E7,1.0E-4]"
    );
    gives(state, "-0", "{}", "[0]");
    gives(state, "infinite", "{}", "[\"Infinity\"]");
}

static void errors_have_the_text_of_the_contract(void **state) {
    fails(state, ".a.b", "{\"a\":\"s\"}", "Cannot index string with string \"b\"");
    fails(state, ".[0].x", "[1]", "Cannot index number with string \"x\"");
    fails(state, ".[0]", "{}", "Cannot index object with number");
    fails(state, "error(\"boom\")", "{}", "boom");
    fails(state, "1,2,error(\"late\")", "{}", "late");
    fails(state, "{} + 1", "{}", "object ({}) and number (1) cannot be added");
    fails(state, "foo", "{}", "Function foo/0 does not exist");
    fails(state, "1 as $x | $x | $y", "{}", "Undefined variable: $y");
    fails(state, "(.|", "{}", "syntax error, unexpected $end");
}

static void what_reaches_outside_does_not_exist(void **state) {
    gives(state, "[env, $ENV]", "{}", "[[{},{}]]");
    fails(state, "input", "{}", "Function input/0 does not exist");
    fails(state, "[inputs]", "{}", "Function inputs/0 does not exist");
    fails(state, "halt", "{}", "Function halt/0 does not exist");
    fails(state, "debug", "{}", "Function debug/0 does not exist");
    fails(state, "include \"a\"; 1", "{}", "syntax error, unexpected include, expecting $end");
    gives(state, "1", "{}", "[1]");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_outputs_come_as_one_list),
        cmocka_unit_test(numbers_are_integers_where_they_can_be),
        cmocka_unit_test(errors_have_the_text_of_the_contract),
        cmocka_unit_test(what_reaches_outside_does_not_exist),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
