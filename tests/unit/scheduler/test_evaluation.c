#include "scheduler/evaluation.h"
#include "tests/unit/test.h"

static bool same_key(struct evaluation left, struct evaluation right) {
    return hash128_equal(evaluation_key(&left), evaluation_key(&right));
}

static struct evaluation sample(void) {
    return (struct evaluation){
        .language = EVALUATION_JAVASCRIPT,
        .kind = EVALUATION_EXPRESSION,
        .text = BYTES_LITERAL("$.a"),
        .input = BYTES_LITERAL("{\"a\":1}"),
    };
}

static void every_part_of_an_evaluation_is_in_its_key(void **state) {
    (void)state;
    struct evaluation changed = sample();
    assert_true(same_key(sample(), changed));
    changed.language = EVALUATION_JQ;
    assert_false(same_key(sample(), changed));
    changed = sample();
    changed.kind = EVALUATION_BODY;
    assert_false(same_key(sample(), changed));
    changed = sample();
    changed.text = BYTES_LITERAL("$.b");
    assert_false(same_key(sample(), changed));
    changed = sample();
    changed.input = BYTES_LITERAL("{\"a\":2}");
    assert_false(same_key(sample(), changed));
}

static void bytes_moved_from_text_to_input_change_the_key(void **state) {
    (void)state;
    struct evaluation left = {.text = BYTES_LITERAL("ab"), .input = BYTES_LITERAL("c")};
    struct evaluation right = {.text = BYTES_LITERAL("a"), .input = BYTES_LITERAL("bc")};
    assert_false(same_key(left, right));
}

// The key is stored nowhere today, but a release that changes it would lose what was memoised.
static void the_key_is_the_same_for_ever(void **state) {
    (void)state;
    struct evaluation evaluation = sample();
    hash128 key = evaluation_key(&evaluation);
    assert_int_equal(key.high, 0x823883cd0bc585e1U);
    assert_int_equal(key.low, 0x63887e720138c8ceU);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_of_an_evaluation_is_in_its_key),
        cmocka_unit_test(bytes_moved_from_text_to_input_change_the_key),
        cmocka_unit_test(the_key_is_the_same_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
