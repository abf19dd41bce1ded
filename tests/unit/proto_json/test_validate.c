// proto/json: what is JSON and what is not.
#include "proto/json/json.h"
#include "proto/limits.h"
#include "tests/unit/test.h"

#include <stdlib.h>
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

static bool accepts(struct arena *arena, bytes text) {
    bytes value;
    return !err_is(json_validate(text, arena, &value));
}

static void documents_of_the_rfc_are_accepted(void **state) {
    static const char *const good[] = {
        "0",
        "-0",
        "10",
        "-1.5e+10",
        "0e0",
        "0E-0",
        "123456789012345678901234567890.123456789012345678901234567890e-99999999999999999999",
        "\"\"",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\uFfFf\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud800\"",
        "\"\\udc00\\ud800\"",
        "\"\x7f\"",
        "[\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\"]",
        "[\"\xee\x80\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"]",
        "true",
        "false",
        "null",
        "[]",
        "{}",
        "[ ]",
        "{ \t\r\n}",
        "[1,2 , 3]",
        "{\"a\":1,\"a\":2}",
        "{\"\":{\"b\":[{},[],\"}\",\"]\"]}}",
        " \n\t\r [ null , true , false ] \n",
        "[\"a string that is longer than sixteen bytes\",\"and \\\"another\\\" one\"]",
    };
    for (size_t index = 0; index < sizeof(good) / sizeof(good[0]); index++) {
        bytes value;
        err error = json_validate(bytes_from_text(good[index]), *state, &value);
        if (err_is(error)) {
            fail_msg("%s: %s", good[index], error.text);
        }
        assert_true(bytes_equal(value, bytes_trim(bytes_from_text(good[index]))));
    }
}

static void everything_else_is_refused(void **state) {
    static const char *const wrong[] = {
        "",
        " ",
        "-",
        "+1",
        "01",
        "-01",
        "1.",
        ".5",
        "1.e1",
        "1e",
        "1e+",
        "0x1",
        "1 2",
        "NaN",
        "Infinity",
        "-Infinity",
        "nul",
        "nulll",
        "TRUE",
        "'a'",
        "\"",
        "\"a",
        "\"\\",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u123g\"",
        "\"\\u123",
        "\"\n\"",
        "\"\x1f\"",
        "\"0123456789\t\"",
        "[",
        "]",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1}",
        "{",
        "}",
        "{]",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "{a:1}",
        "{1:1}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":}",
        "[]]",
        "{}{}",
        "[1]//",
        "/**/1",
        "\xef\xbb\xbf{}",
        "[\f1]",
        "\xc2\xa0[]",
    };
    for (size_t index = 0; index < sizeof(wrong) / sizeof(wrong[0]); index++) {
        bytes value = BYTES_LITERAL("untouched");
        err error = json_validate(bytes_from_text(wrong[index]), *state, &value);
        if (error.code != ERR_INVALID) {
            fail_msg("accepted: %s", wrong[index]);
        }
        assert_bytes_text(value, "untouched");
    }
    assert_false(accepts(*state, BYTES_LITERAL("\"a\0b\"")));
    assert_false(accepts(*state, BYTES_LITERAL("1\0")));
    assert_false(accepts(*state, BYTES_LITERAL("\"\\\0\"")));
    assert_false(accepts(*state, BYTES_EMPTY));
}

static void only_shortest_utf8_up_to_the_last_code_point_is_text(void **state) {
    static const char *const wrong[] = {
        "\"\x80\"",
        "\"\xbf\"",
        "\"\xc0\x80\"",
        "\"\xc1\xbf\"",
        "\"\xc2\"",
        "\"\xc2 \"",
        "\"\xe0\x80\x80\"",
        "\"\xe0\x9f\xbf\"",
        "\"\xe2\x82\"",
        "\"\xe2\x82 \"",
        "\"\xed\xa0\x80\"",
        "\"\xed\xbf\xbf\"",
        "\"\xf0\x8f\xbf\xbf\"",
        "\"\xf0\x90\x80\"",
        "\"\xf0\x90\x80 \"",
        "\"\xf4\x90\x80\x80\"",
        "\"\xf5\x80\x80\x80\"",
        "\"\xff\"",
        "\"\xe2\x82",
        "\"sixteen bytes of plain text and\xfe\"",
    };
    for (size_t index = 0; index < sizeof(wrong) / sizeof(wrong[0]); index++) {
        if (accepts(*state, bytes_from_text(wrong[index]))) {
            fail_msg("accepted case %zu", index);
        }
    }
}

static bytes nested(struct arena *arena, size_t depth, const char *open, const char *close) {
    size_t open_size = strlen(open);
    uint8_t *text = arena_alloc(arena, depth * (open_size + 1) + 1);
    size_t size = 0;
    for (size_t level = 0; level < depth; level++) {
        memcpy(text + size, open, open_size);
        size += open_size;
    }
    text[size++] = '0';
    for (size_t level = 0; level < depth; level++) {
        text[size++] = (uint8_t)close[0];
    }
    return bytes_of(text, size);
}

static void nesting_ends_at_its_limit(void **state) {
    assert_true(accepts(*state, nested(*state, LIMIT_JSON_DEPTH, "[", "]")));
    assert_true(accepts(*state, nested(*state, LIMIT_JSON_DEPTH, "{\"a\":", "}")));
    assert_false(accepts(*state, nested(*state, LIMIT_JSON_DEPTH + 1, "[", "]")));
    assert_false(accepts(*state, nested(*state, LIMIT_JSON_DEPTH + 1, "{\"a\":", "}")));
    assert_false(accepts(*state, nested(*state, 1000000, "[", "]")));
    assert_false(accepts(*state, nested(*state, 100, "[{\"a\":", "}")));
}

static void every_cut_of_a_document_is_refused(void **state) {
    bytes text =
        BYTES_LITERAL("{\"k\\u00e9y\":[1.5e3,true,null,\"\xe2\x82\xac\",{\"b\":-0}],\"z\":\"\"}");
    assert_true(accepts(*state, text));
    for (size_t size = 0; size < text.size; size++) {
        uint8_t *exact = malloc(size + 1); // its own block, so that a read past the end is seen
        assert_non_null(exact);
        memcpy(exact, text.data, size);
        uint8_t *cut = realloc(exact, size == 0 ? 1 : size);
        assert_non_null(cut);
        assert_false(accepts(*state, bytes_of(cut, size)));
        free(cut);
    }
}

static void a_refusal_names_the_byte_and_the_reason(void **state) {
    bytes value;
    err error = json_validate(BYTES_LITERAL("  {\"a\": tru}"), *state, &value);
    assert_string_equal(error.text, "malformed JSON at byte 8: an unknown word");
    error = json_validate(BYTES_LITERAL("[1,2"), *state, &value);
    assert_string_equal(error.text, "malformed JSON at byte 4: the text ends here");
    error = json_validate(BYTES_LITERAL("[1 2]"), *state, &value);
    assert_string_equal(error.text, "malformed JSON at byte 3: a ',' or ']' is due");
    error = json_validate(BYTES_LITERAL(" "), *state, &value);
    assert_string_equal(error.text, "malformed JSON at byte 1: the text ends here");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(documents_of_the_rfc_are_accepted, make_arena, drop_arena),
        cmocka_unit_test_setup_teardown(everything_else_is_refused, make_arena, drop_arena),
        cmocka_unit_test_setup_teardown(
            only_shortest_utf8_up_to_the_last_code_point_is_text, make_arena, drop_arena
        ),
        cmocka_unit_test_setup_teardown(nesting_ends_at_its_limit, make_arena, drop_arena),
        cmocka_unit_test_setup_teardown(every_cut_of_a_document_is_refused, make_arena, drop_arena),
        cmocka_unit_test_setup_teardown(
            a_refusal_names_the_byte_and_the_reason, make_arena, drop_arena
        ),
    };
    return cmocka_run_group_tests_name("proto/json: validate", tests, NULL, NULL);
}
