// proto/json: writing, escaping, compacting, merging.
#include "proto/json/json.h"
#include "tests/unit/test.h"

static int make_arena(void **state) {
    *state = arena_create(4096);
    return 0;
}

static int drop_arena(void **state) {
    struct arena *arena = *state;
    arena_destroy(&arena);
    return 0;
}

static void the_writer_places_commas(void **state) {
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 10000);
    struct json_writer writer = json_writer(&buffer);
    json_object_begin(&writer);
    json_member_text(&writer, "a", BYTES_LITERAL("x\"y"));
    json_key(&writer, "b");
    json_array_begin(&writer);
    json_int(&writer, INT64_MIN);
    json_int(&writer, 0);
    json_int(&writer, INT64_MAX);
    json_null(&writer);
    json_array_begin(&writer);
    json_array_end(&writer);
    json_object_begin(&writer);
    json_object_end(&writer);
    json_bool(&writer, true);
    json_text(&writer, BYTES_EMPTY);
    json_array_end(&writer);
    json_member_int(&writer, "c", -7);
    json_member_bool(&writer, "d", false);
    json_member_raw(&writer, "e", BYTES_LITERAL("1.10"));
    json_raw_key(&writer, BYTES_LITERAL("\"\\u0066\""));
    json_raw(&writer, BYTES_LITERAL("{}"));
    json_key_bytes(&writer, BYTES_LITERAL("g\n"));
    json_null(&writer);
    json_object_end(&writer);
    assert_ok(buffer_status(&buffer));
    assert_bytes_text(
        buffer_bytes(&buffer),
        "{\"a\":\"x\\\"y\",\"b\":[-9223372036854775808,0,9223372036854775807,null,[],{},true,\"\"],"
        "\"c\":-7,\"d\":false,\"e\":1.10,\"\\u0066\":{},\"g\\n\":null}"
    );
    buffer_deinit(&buffer);
}

static void only_what_must_be_is_escaped(void **state) {
    bytes value = json_string_value(
        BYTES_LITERAL("/ \xc3\xa9 \x7f \"\\\b\f\n\r\t\x01\x1f\0 and a longer plain run"), *state
    );
    assert_bytes_text(
        value,
        "\"/ \xc3\xa9 \x7f \\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001F\\u0000 and a longer plain run\""
    );
    assert_bytes_text(json_string_value(BYTES_EMPTY, *state), "\"\"");
}

static void every_character_survives_escaping_and_decoding(void **state) {
    for (uint32_t from = 0; from < 0x110000; from += 16) {
        if (from == 0xd800) {
            from = 0xe000;
        }
        uint8_t text[64];
        size_t size = 0;
        for (uint32_t code = from; code < from + 16; code++) {
            if (code < 0x80) {
                text[size++] = (uint8_t)code;
            } else if (code < 0x800) {
                text[size++] = (uint8_t)(0xc0 | code >> 6);
                text[size++] = (uint8_t)(0x80 | (code & 0x3f));
            } else if (code < 0x10000) {
                text[size++] = (uint8_t)(0xe0 | code >> 12);
                text[size++] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
                text[size++] = (uint8_t)(0x80 | (code & 0x3f));
            } else {
                text[size++] = (uint8_t)(0xf0 | code >> 18);
                text[size++] = (uint8_t)(0x80 | (code >> 12 & 0x3f));
                text[size++] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
                text[size++] = (uint8_t)(0x80 | (code & 0x3f));
            }
        }
        bytes raw = json_string_value(bytes_of(text, size), *state);
        bytes value;
        assert_ok(json_validate(raw, *state, &value));
        assert_true(bytes_equal(json_string(value, *state), bytes_of(text, size)));
        assert_true(json_string_equal(value, bytes_of(text, size)));
        arena_reset(*state);
    }
}

static void the_buffer_and_the_arena_escape_alike(void **state) {
    struct buffer buffer;
    buffer_init(&buffer, 1000);
    bytes text = BYTES_LITERAL("01234567\"01234567\n\\\x1e");
    json_escape(&buffer, text);
    assert_true(bytes_equal(buffer_bytes(&buffer), json_string_value(text, *state)));
    buffer_deinit(&buffer);
}

static void compacting_takes_only_the_blanks_between_tokens(void **state) {
    bytes compact = json_compact(
        BYTES_LITERAL("{ \"a b\" : [ 1 , 2.50 ,\n\t\"x \\\" y\" ] , \"c\" : { } }"), *state
    );
    assert_bytes_text(compact, "{\"a b\":[1,2.50,\"x \\\" y\"],\"c\":{}}");
    bytes tight = BYTES_LITERAL("{\"a b\":[1,\" \"]}");
    assert_ptr_equal(json_compact(tight, *state).data, tight.data);
}

static void merging_replaces_in_place_and_appends_the_rest(void **state) {
    bytes merged = json_merge(
        BYTES_LITERAL("{ \"a\" : 1, \"b\":{\"x\":1},\"c\":3}"),
        BYTES_LITERAL("{\"d\":4,\"b\":{\"y\":2}, \"\\u0061\":null,\"e\":[ ]}"),
        *state
    );
    assert_bytes_text(merged, "{\"a\":null,\"b\":{\"y\":2},\"c\":3,\"d\":4,\"e\":[ ]}");
    assert_bytes_text(json_merge(JSON_EMPTY_OBJECT, JSON_EMPTY_OBJECT, *state), "{}");
    merged = json_merge(JSON_EMPTY_OBJECT, BYTES_LITERAL("{\"a\":1}"), *state);
    assert_bytes_text(merged, "{\"a\":1}");
    merged = json_merge(BYTES_LITERAL("{\"a\":1}"), JSON_EMPTY_OBJECT, *state);
    assert_bytes_text(merged, "{\"a\":1}");
}

static void merging_leaves_every_key_once_with_its_last_value(void **state) {
    bytes merged = json_merge(
        BYTES_LITERAL("{\"a\":1,\"b\":2,\"a\":3}"),
        BYTES_LITERAL("{\"c\":4,\"b\":5,\"c\":6,\"b\":7}"),
        *state
    );
    assert_bytes_text(merged, "{\"a\":3,\"b\":7,\"c\":6}");
}

#define WITH_ARENA(test) cmocka_unit_test_setup_teardown(test, make_arena, drop_arena)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_writer_places_commas),
        WITH_ARENA(only_what_must_be_is_escaped),
        WITH_ARENA(every_character_survives_escaping_and_decoding),
        WITH_ARENA(the_buffer_and_the_arena_escape_alike),
        WITH_ARENA(compacting_takes_only_the_blanks_between_tokens),
        WITH_ARENA(merging_replaces_in_place_and_appends_the_rest),
        WITH_ARENA(merging_leaves_every_key_once_with_its_last_value),
    };
    return cmocka_run_group_tests_name("proto/json: write", tests, NULL, NULL);
}
