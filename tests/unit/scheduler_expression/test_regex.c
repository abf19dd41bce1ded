// scheduler/expression: patterns of `=~`.
#include "scheduler/expression/regex_internal.h"
#include "tests/unit/test.h"

static bool matches(const char *pattern, const char *flags, const char *text) {
    struct arena *arena = arena_create(4096);
    const struct regex *regex =
        regex_compile(bytes_from_text(pattern), bytes_from_text(flags), arena);
    assert_non_null(regex);
    bool matched = regex_matches(regex, bytes_from_text(text), arena);
    arena_destroy(&arena);
    return matched;
}

static void the_whole_text_must_match(void **state) {
    (void)state;
    assert_true(matches("abc", "", "abc"));
    assert_false(matches("abc", "", "abcd"));
    assert_false(matches("bc", "", "abc"));
    assert_true(matches(".*bc", "", "abc"));
    assert_true(matches("", "", ""));
    assert_false(matches("", "", "x"));
}

static void repeats_choices_and_groups(void **state) {
    (void)state;
    assert_true(matches("(ab)+c?", "", "ababc"));
    assert_true(matches("(?:a|b){2,3}", "", "aba"));
    assert_false(matches("(?:a|b){2,3}", "", "a"));
    assert_false(matches("(?:a|b){2,3}", "", "abab"));
    assert_true(matches("a{3}", "", "aaa"));
    assert_true(matches("a{1,}?b", "", "aaab"));
    assert_true(matches("cat|dog|", "", "dog"));
    assert_true(matches("cat|dog|", "", ""));
}

static void classes_and_escapes(void **state) {
    (void)state;
    assert_true(matches("[a-c\\d_-]+", "", "a1_-c"));
    assert_false(matches("[^a-c]", "", "b"));
    assert_true(matches("\\w+@\\w+\\.org", "", "ada@math.org"));
    assert_true(matches("\\D\\S\\W", "", "xy "));
    assert_true(matches("[\\s]", "", "\t"));
    assert_true(matches("a\\/b\\.", "", "a/b."));
    assert_true(matches("[]x]+", "", "]x"));
    assert_true(matches("\\bfoo\\b.*", "", "foo bar"));
    assert_true(matches("^a$", "", "a"));
}

static void flags_change_case_and_dots(void **state) {
    (void)state;
    assert_true(matches("FOO[a-z]", "i", "fooX"));
    assert_true(matches("(?i)foo", "", "FOO"));
    assert_false(matches("a.b", "", "a\nb"));
    assert_true(matches("a.b", "s", "a\nb"));
}

static void characters_are_code_points(void **state) {
    (void)state;
    assert_true(matches("^.$", "", "ä"));
    assert_true(matches("[ä-ü]{2}", "", "öü"));
    assert_true(matches("🎵.", "", "🎵🎶"));
}

static void a_catastrophic_pattern_takes_linear_time(void **state) {
    (void)state;
    char text[4001];
    for (size_t i = 0; i < sizeof text - 1; i++) {
        text[i] = 'a';
    }
    text[sizeof text - 1] = 0;
    assert_true(matches("(a+)+", "", text));
    assert_false(matches("(a*)*(a|aa)*b", "", text));
}

static void what_is_outside_the_subset_does_not_compile(void **state) {
    (void)state;
    struct arena *arena = arena_create(4096);
    const char *const broken[] = {
        "(",
        ")",
        "[",
        "[b-a]",
        "*a",
        "a{2",
        "a{3,2}",
        "\\1",
        "(?=a)",
        "a{9999}",
        "\\",
        "[[a]]",
        "(((a{99}){99}){99})",
    };
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        assert_null(regex_compile(bytes_from_text(broken[i]), BYTES_EMPTY, arena));
    }
    assert_non_null(regex_compile(BYTES_LITERAL("(((){999}){999}){999}"), BYTES_EMPTY, arena));
    arena_destroy(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_text_must_match),
        cmocka_unit_test(repeats_choices_and_groups),
        cmocka_unit_test(classes_and_escapes),
        cmocka_unit_test(flags_change_case_and_dots),
        cmocka_unit_test(characters_are_code_points),
        cmocka_unit_test(a_catastrophic_pattern_takes_linear_time),
        cmocka_unit_test(what_is_outside_the_subset_does_not_compile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
