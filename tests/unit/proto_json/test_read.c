// proto/json: finding, decoding and comparing.
#include "proto/json/json.h"
#include "proto/limits.h"
#include "tests/unit/test.h"

#include <string.h>

static int make_arena(void **state) {
    *state = arena_create(4096);
    return 0;
}

static int drop_arena(void **state) {
    struct arena *arena = *state;
    arena_destroy(&arena);
    return 0;
}

static bool equal(const char *left, const char *right) {
    bool there = json_equal(bytes_from_text(left), bytes_from_text(right));
    bool back = json_equal(bytes_from_text(right), bytes_from_text(left));
    assert_int_equal(there, back);
    return there;
}

static void kinds_are_told_by_the_first_byte(void **state) {
    (void)state;
    assert_int_equal(json_kind(BYTES_LITERAL("null")), JSON_NULL);
    assert_int_equal(json_kind(BYTES_LITERAL("false")), JSON_FALSE);
    assert_int_equal(json_kind(BYTES_LITERAL("true")), JSON_TRUE);
    assert_int_equal(json_kind(BYTES_LITERAL("-1")), JSON_NUMBER);
    assert_int_equal(json_kind(BYTES_LITERAL("7")), JSON_NUMBER);
    assert_int_equal(json_kind(BYTES_LITERAL("\"7\"")), JSON_STRING);
    assert_int_equal(json_kind(BYTES_LITERAL("[7]")), JSON_ARRAY);
    assert_int_equal(json_kind(BYTES_LITERAL("{}")), JSON_OBJECT);
    assert_true(json_is_null(JSON_NULL_TEXT));
    assert_true(json_is_object(JSON_EMPTY_OBJECT));
    assert_true(json_is_array(JSON_EMPTY_ARRAY));
    assert_false(json_is_string(BYTES_EMPTY));
}

static void members_come_in_order_with_their_raw_keys(void **state) {
    (void)state;
    bytes object = BYTES_LITERAL("{ \"a\" : [1, \"]\"] ,\"b\\n\":{\"}\":\"{\"} , "
                                 "\"c\":\"\\\\\\\"\",\"d\": -1.50 , \"\":null }");
    struct json_iter iter = json_iter(object);
    bytes key;
    bytes value;
    assert_true(json_next_member(&iter, &key, &value));
    assert_bytes_text(key, "\"a\"");
    assert_bytes_text(value, "[1, \"]\"]");
    assert_true(json_next_member(&iter, &key, &value));
    assert_bytes_text(key, "\"b\\n\"");
    assert_bytes_text(value, "{\"}\":\"{\"}");
    assert_true(json_next_member(&iter, &key, &value));
    assert_bytes_text(value, "\"\\\\\\\"\"");
    assert_true(json_next_member(&iter, &key, &value));
    assert_bytes_text(value, "-1.50");
    assert_true(json_next_member(&iter, &key, &value));
    assert_bytes_text(key, "\"\"");
    assert_bytes_text(value, "null");
    assert_false(json_next_member(&iter, &key, &value));
    assert_false(json_next_member(&iter, &key, &value));
    assert_int_equal(json_count(object), 5);
}

static void elements_come_in_order(void **state) {
    (void)state;
    bytes array = BYTES_LITERAL("[ 1 ,{ \"a\" : [ ] }, \"x,y\" ,[[[]]],true]");
    struct json_iter iter = json_iter(array);
    bytes value;
    assert_true(json_next_element(&iter, &value));
    assert_bytes_text(value, "1");
    assert_true(json_next_element(&iter, &value));
    assert_bytes_text(value, "{ \"a\" : [ ] }");
    assert_true(json_next_element(&iter, &value));
    assert_bytes_text(value, "\"x,y\"");
    assert_true(json_next_element(&iter, &value));
    assert_bytes_text(value, "[[[]]]");
    assert_true(json_next_element(&iter, &value));
    assert_bytes_text(value, "true");
    assert_false(json_next_element(&iter, &value));
    assert_int_equal(json_count(array), 5);
    assert_int_equal(json_count(BYTES_LITERAL("[ ]")), 0);
    assert_int_equal(json_count(BYTES_LITERAL("{\n}")), 0);
}

static void get_finds_the_last_of_several_by_decoded_key(void **state) {
    (void)state;
    bytes object = BYTES_LITERAL("{\"a\":1,\"b\":2,\"\\u0061\":3,\"x\":{\"a\":4},\"\\\\n\":5}");
    bytes value = BYTES_LITERAL("untouched");
    assert_true(json_get_text(object, "a", &value));
    assert_bytes_text(value, "3");
    assert_true(json_get_text(object, "\\n", &value));
    assert_bytes_text(value, "5");
    assert_true(json_get(object, BYTES_LITERAL("b"), &value));
    assert_bytes_text(value, "2");
    assert_false(json_get_text(object, "\\u0061", &value));
    assert_false(json_get_text(object, "", &value));
    assert_false(json_get_text(object, "ab", &value));
    assert_false(json_get_text(BYTES_LITERAL("[\"a\",1]"), "a", &value));
    assert_false(json_get_text(BYTES_LITERAL("null"), "a", &value));
    assert_bytes_text(value, "2");
}

static void a_plain_string_is_borrowed_and_an_escaped_one_decoded(void **state) {
    bytes raw = BYTES_LITERAL("\"plain \xe2\x82\xac\"");
    bytes text = json_string(raw, *state);
    assert_ptr_equal(text.data, raw.data + 1);
    assert_bytes_text(text, "plain \xe2\x82\xac");
    text = json_string(BYTES_LITERAL("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), *state);
    assert_bytes_text(text, "\"\\/\b\f\n\r\t");
    text = json_string(BYTES_LITERAL("\"a\\u0000b\\u00e9\\u20AC\xc3\xa9\\u0041\""), *state);
    assert_bytes_text(
        text,
        "a\0b\xc3\xa9\xe2\x82\xac\xc3\xa9"
        "A"
    );
    text = json_string(BYTES_LITERAL("\"\""), *state);
    assert_int_equal(text.size, 0);
}

static void surrogate_pairs_join_and_lone_ones_are_replaced(void **state) {
    bytes text = json_string(BYTES_LITERAL("\"\\ud83d\\ude00\\uDBFF\\uDFFF\""), *state);
    assert_bytes_text(text, "\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf");
    text = json_string(BYTES_LITERAL("\"\\ud800\""), *state);
    assert_bytes_text(text, "\xef\xbf\xbd");
    text = json_string(BYTES_LITERAL("\"\\ud83dx\\ude00\\ud83d\\n\\ud83d\\u0041\""), *state);
    assert_bytes_text(
        text,
        "\xef\xbf\xbdx\xef\xbf\xbd\xef\xbf\xbd\n\xef\xbf\xbd"
        "A"
    );
    text = json_string(BYTES_LITERAL("\"\\ud83d\\ud83d\\ude00\""), *state);
    assert_bytes_text(text, "\xef\xbf\xbd\xf0\x9f\x98\x80");
}

static void a_raw_string_equals_only_what_it_decodes_to(void **state) {
    (void)state;
    assert_true(json_string_equal(BYTES_LITERAL("\"a\\nb\""), BYTES_LITERAL("a\nb")));
    assert_true(json_string_equal(BYTES_LITERAL("\"\""), BYTES_EMPTY));
    assert_true(json_string_equal(BYTES_LITERAL("\"\\u0061\\/\""), BYTES_LITERAL("a/")));
    assert_false(json_string_equal(BYTES_LITERAL("\"\\n\""), BYTES_LITERAL("\\n")));
    assert_false(json_string_equal(BYTES_LITERAL("\"\\nab\""), BYTES_LITERAL("\na")));
    assert_false(json_string_equal(BYTES_LITERAL("\"\\na\""), BYTES_LITERAL("\nab")));
    assert_false(json_string_equal(BYTES_LITERAL("\"abc\""), BYTES_LITERAL("ab")));
    assert_false(json_string_equal(BYTES_LITERAL("\"ab\""), BYTES_LITERAL("abc")));
}

static void equality_is_of_values_and_not_of_text(void **state) {
    (void)state;
    assert_true(equal("{\"a\":1,\"b\":[true,null]}", "{ \"b\" : [ true , null ], \"a\" : 1.0 }"));
    assert_true(equal("\"\\u00e9\"", "\"\xc3\xa9\""));
    assert_true(equal("{\"\\u0061\":0}", "{\"a\":-0.0}"));
    assert_true(equal("{}", "{ }"));
    assert_false(equal("{\"a\":1}", "{\"a\":1,\"b\":1}"));
    assert_false(equal("{\"a\":1}", "{\"b\":1}"));
    assert_false(equal("{\"a\":{\"x\":1}}", "{\"a\":{\"x\":2}}"));
    assert_false(equal("[1,2]", "[2,1]"));
    assert_false(equal("[1,2]", "[1,2,3]"));
    assert_false(equal("[]", "{}"));
    assert_false(equal("null", "false"));
    assert_false(equal("true", "false"));
    assert_false(equal("\"1\"", "1"));
    assert_false(equal("\"a\"", "\"a\\u0000\""));
}

static void of_repeated_keys_the_last_counts_in_equality(void **state) {
    (void)state;
    assert_true(equal("{\"a\":1,\"b\":0,\"a\":2}", "{\"a\":2,\"b\":0}"));
    assert_true(equal("{\"a\":1,\"a\":2}", "{\"a\":3,\"\\u0061\":2}"));
    assert_false(equal("{\"a\":2,\"a\":1}", "{\"a\":2}"));
}

static void wide_permuted_objects_compare_without_looking_each_key_up(void **state) {
    struct buffer left;
    struct buffer right;
    buffer_init(&left, SIZE_MAX);
    buffer_init(&right, SIZE_MAX);
    struct json_writer left_writer = json_writer(&left);
    struct json_writer right_writer = json_writer(&right);
    json_object_begin(&left_writer);
    json_object_begin(&right_writer);
    for (int64_t index = 0; index < 100000; index++) {
        json_member_int(&left_writer, arena_format(*state, "k%d", (int)index), index);
        json_member_int(
            &right_writer, arena_format(*state, "k%d", (int)(99999 - index)), 99999 - index
        );
    }
    json_object_end(&left_writer);
    json_object_end(&right_writer);
    assert_true(json_equal(buffer_bytes(&left), buffer_bytes(&right)));
    buffer_deinit(&left);
    buffer_deinit(&right);
}

static void the_deepest_document_compares(void **state) {
    size_t depth = LIMIT_JSON_DEPTH;
    uint8_t *text = arena_alloc(*state, depth * 6 + 1);
    uint8_t *spaced = arena_alloc(*state, depth * 6 + 2);
    for (size_t level = 0; level < depth; level++) {
        memcpy(text + level * 5, "{\"a\":", 5);
        text[depth * 5 + 1 + level] = '}';
    }
    text[depth * 5] = '1';
    memcpy(spaced, text, depth * 5);
    spaced[depth * 5] = ' ';
    memcpy(spaced + depth * 5 + 1, text + depth * 5, depth + 1);
    bytes plain = bytes_of(text, depth * 6 + 1);
    bytes value;
    assert_ok(json_validate(plain, *state, &value));
    assert_true(json_equal(plain, bytes_of(spaced, depth * 6 + 2)));
    spaced[depth * 5 + 1] = '2';
    assert_false(json_equal(plain, bytes_of(spaced, depth * 6 + 2)));
}

#define WITH_ARENA(test) cmocka_unit_test_setup_teardown(test, make_arena, drop_arena)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_are_told_by_the_first_byte),
        cmocka_unit_test(members_come_in_order_with_their_raw_keys),
        cmocka_unit_test(elements_come_in_order),
        cmocka_unit_test(get_finds_the_last_of_several_by_decoded_key),
        WITH_ARENA(a_plain_string_is_borrowed_and_an_escaped_one_decoded),
        WITH_ARENA(surrogate_pairs_join_and_lone_ones_are_replaced),
        cmocka_unit_test(a_raw_string_equals_only_what_it_decodes_to),
        cmocka_unit_test(equality_is_of_values_and_not_of_text),
        cmocka_unit_test(of_repeated_keys_the_last_counts_in_equality),
        WITH_ARENA(wide_permuted_objects_compare_without_looking_each_key_up),
        WITH_ARENA(the_deepest_document_compares),
    };
    return cmocka_run_group_tests_name("proto/json: read and compare", tests, NULL, NULL);
}
