// scheduler/expression: the JSONPath dialect of engine.md §9.5.
#include "proto/base/arena.h"
#include "proto/json/json.h"
#include "scheduler/expression/expression.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

static const char store[] =
    "{\"l\":[0,1,2,3,4],\"o\":{\"a\":1,\"b\":2,\"c d\":3},\"nil\":null,\"s\":\"text\","
    "\"b\":[{\"n\":\"x\",\"p\":8.5,\"t\":[\"r\",\"g\"],\"in\":{\"n\":\"deep\"}},"
    "{\"n\":\"y\",\"p\":12,\"t\":[],\"code\":\"12\"},{\"n\":\"Z1\",\"p\":22.99,\"q\":null}]}";

static void assert_path(const char *path, const char *expected, bool definite) {
    struct arena *arena = arena_create(4096);
    bytes value = BYTES_EMPTY;
    bool is_definite = !definite;
    assert_ok(jsonpath_evaluate(
        bytes_from_text(store), bytes_from_text(path), arena, &value, &is_definite
    ));
    assert_string_equal(arena_text(arena, value), expected);
    assert_int_equal(is_definite, definite);
    arena_destroy(&arena);
}

// The names of `b` that a filter leaves.
static void assert_filter(const char *filter, const char *expected) {
    char path[160];
    (void)snprintf(path, sizeof path, "$.b[?(%s)].n", filter);
    assert_path(path, expected, false);
}

static void properties_in_dots_and_brackets(void **state) {
    (void)state;
    assert_path("$.o.a", "1", true);
    assert_path("o.a", "1", true);
    assert_path("$['o']['a']", "1", true);
    assert_path("$.o['c d']", "3", true);
    assert_path("[\"s\"]", "\"text\"", true);
    assert_path("$.o['a','b']", "{\"a\":1,\"b\":2}", true);
    assert_path("$.o['a', 'zz']", "{\"a\":1}", true);
    assert_path("$.nil", "null", true);
    assert_path("$.nil.x", "null", true);
    assert_path("$.s.x", "null", true);
}

static void indexes_unions_and_slices(void **state) {
    (void)state;
    assert_path("$.l[0]", "0", true);
    assert_path("$.l[-1]", "4", true);
    assert_path("$.l[9]", "null", true);
    assert_path("$.l[0,2]", "[0,2]", false);
    assert_path("$.l[1:3]", "[1,2]", false);
    assert_path("$.l[:2]", "[0,1]", false);
    assert_path("$.l[3:]", "[3,4]", false);
    assert_path("$.l[-2:]", "[3,4]", false);
    assert_path("$.l[:-3]", "[0,1]", false);
    assert_path("$.l[-3:-1]", "[2,3]", false);
    assert_path("$.l[2:99]", "[2,3,4]", false);
    assert_path("$.l[7:9]", "[]", false);
    assert_path("$.o[0]", "null", true);
}

static void wildcards_and_deep_scans(void **state) {
    (void)state;
    assert_path("$.o.*", "[1,2,3]", false);
    assert_path("$.l[*]", "[0,1,2,3,4]", false);
    assert_path("$.s[*]", "[]", false);
    assert_path("$.b[*].n", "[\"x\",\"y\",\"Z1\"]", false);
    assert_path("$.b[*].in.n", "[\"deep\"]", false);
    assert_path("$..n", "[\"x\",\"deep\",\"y\",\"Z1\"]", false);
    assert_path("$.b..n", "[\"x\",\"deep\",\"y\",\"Z1\"]", false);
    assert_path("$..t[0]", "[\"r\"]", false);
    assert_path(
        "$.b[*]['n','p']",
        "[{\"n\":\"x\",\"p\":8.5},{\"n\":\"y\",\"p\":12},"
        "{\"n\":\"Z1\",\"p\":22.99}]",
        false
    );
}

static void filters_compare(void **state) {
    (void)state;
    assert_filter("@.p > 10", "[\"y\",\"Z1\"]");
    assert_filter("@.p>=12", "[\"y\",\"Z1\"]");
    assert_filter("@.p < 12", "[\"x\"]");
    assert_filter("@.p <= 12.0", "[\"x\",\"y\"]");
    assert_filter("@.p == 12.0", "[\"y\"]");
    assert_filter("@.code == 12", "[\"y\"]");
    assert_filter("@.n == 'x'", "[\"x\"]");
    assert_filter("@.n == \"x\"", "[\"x\"]");
    assert_filter("@.n != 'x'", "[\"y\",\"Z1\"]");
    assert_filter("@.q == null", "[\"Z1\"]");
    assert_filter("@['n'] == 'x'", "[\"x\"]");
    assert_filter("'x' == @.n", "[\"x\"]");
    assert_filter("@.in.n == 'deep'", "[\"x\"]");
    assert_filter("@.p > $.l[4] && @.p < $.b[2].p", "[\"x\",\"y\"]");
}

static void filters_look_into_lists_and_texts(void **state) {
    (void)state;
    assert_filter("@.n in ['x','y']", "[\"x\",\"y\"]");
    assert_filter("@.n nin ['x']", "[\"y\",\"Z1\"]");
    assert_filter("@.t contains 'r'", "[\"x\"]");
    assert_filter("@.n contains '1'", "[\"Z1\"]");
    assert_filter("@.t subsetof ['r','g','b']", "[\"x\",\"y\"]");
    assert_filter("@.t size 2", "[\"x\"]");
    assert_filter("@.t empty true", "[\"y\"]");
    assert_filter("@.t empty false", "[\"x\"]");
    assert_filter("@.t.length() == 2", "[\"x\"]");
    assert_filter("@.n =~ /z\\d/i", "[\"Z1\"]");
    assert_filter("@.n =~ /[a-z]/", "[\"x\",\"y\"]");
}

static void filters_join_negate_and_ask_for_existence(void **state) {
    (void)state;
    assert_filter("@.code", "[\"y\"]");
    assert_filter("@.q", "[\"Z1\"]");
    assert_filter("!@.code", "[\"x\",\"Z1\"]");
    assert_filter("!(@.p > 10)", "[\"x\"]");
    assert_filter("@.p > 10 && @.code", "[\"y\"]");
    assert_filter("@.p>10&&@.code", "[\"y\"]");
    assert_filter("@.n == 'x' || @.n == 'Z1'", "[\"x\",\"Z1\"]");
    assert_filter("(@.n == 'x' || @.n == 'y') && @.p < 10", "[\"x\"]");
    assert_path("$..[?(@.n == 'deep')]", "[{\"n\":\"deep\"}]", false);
}

static void functions_at_the_end(void **state) {
    (void)state;
    assert_path("$.l.length()", "5", true);
    assert_path("$.l.size()", "5", true);
    assert_path("$.o.length()", "3", true);
    assert_path("$.s.length()", "null", true);
    assert_path("$.l.min()", "0.0", true);
    assert_path("$.l.max()", "4.0", true);
    assert_path("$.l.avg()", "2.0", true);
    assert_path("$.l.sum()", "10.0", true);
    assert_path("$.l.sum(5, $.l[1])", "16.0", true);
    assert_path("$.l.stddev()", "1.4142135623730951", true);
    assert_path("$.b[1].t.sum()", "null", true);
    assert_path("$.o.keys()", "[\"a\",\"b\",\"c d\"]", true);
    assert_path("$.b[0].t.concat(\"-\", $.s)", "\"rg-text\"", true);
    assert_path("$.b[0].t.append(\"b\")", "[\"r\",\"g\",\"b\"]", true);
    assert_path("$.b[*].t.length()", "[2,0]", false);
    assert_path("$.l.nosuch()", "null", true);
}

static void what_is_no_path_is_null(void **state) {
    (void)state;
    const char *const broken[] = {
        "l[",
        "l[]",
        "l[a]",
        "o..",
        "o.",
        "a b",
        " o",
        "o['a'",
        "l[?(@.x]",
        "l[?(@.x >)]",
        "$x",
        "l[1:x]",
        "l[:]",
        "o]",
        "l[0]x",
        "l[?(@.n =~ /(/)]",
        "",
    };
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        assert_path(broken[i], "null", true);
    }
}

static void a_scan_of_scans_ends_at_its_budget(void **state) {
    (void)state;
    struct arena *arena = arena_create(4096);
    enum {
        COUNT = 400
    };
    struct buffer text;
    buffer_init(&text, 1 << 20);
    for (int i = 0; i < COUNT; i++) {
        buffer_append_text(&text, "{\"a\":");
    }
    buffer_append_text(&text, "1");
    for (int i = 0; i < COUNT; i++) {
        buffer_append_text(&text, "}");
    }
    bytes value = BYTES_EMPTY;
    bool definite = false;
    assert_err(
        jsonpath_evaluate(
            buffer_bytes(&text), BYTES_LITERAL("$..a..a..a..a..a"), arena, &value, &definite
        ),
        ERR_TOO_LARGE
    );
    buffer_deinit(&text);
    arena_destroy(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(properties_in_dots_and_brackets),
        cmocka_unit_test(indexes_unions_and_slices),
        cmocka_unit_test(wildcards_and_deep_scans),
        cmocka_unit_test(filters_compare),
        cmocka_unit_test(filters_look_into_lists_and_texts),
        cmocka_unit_test(filters_join_negate_and_ask_for_existence),
        cmocka_unit_test(functions_at_the_end),
        cmocka_unit_test(what_is_no_path_is_null),
        cmocka_unit_test(a_scan_of_scans_ends_at_its_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
