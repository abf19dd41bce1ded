// proto/base: the words every file uses.
#include "proto/base/arena.h"
#include "proto/base/buffer.h"
#include "proto/base/hash.h"
#include "proto/base/id.h"
#include "proto/base/random.h"
#include "proto/base/time.h"
#include "tests/unit/test.h"

#include <string.h>

static void crc32c_matches_the_published_check_value(void **state) {
    (void)state;
    assert_int_equal(hash_crc32c(0, BYTES_LITERAL("123456789")), 0xe3069283u);
    uint32_t split = hash_crc32c(hash_crc32c(0, BYTES_LITERAL("1234")), BYTES_LITERAL("56789"));
    assert_int_equal(split, 0xe3069283u);
}

static void siphash_differs_by_one_bit_and_by_length(void **state) {
    (void)state;
    assert_true(hash_sip64(BYTES_LITERAL("a")) != hash_sip64(BYTES_LITERAL("b")));
    assert_true(hash_sip64(BYTES_LITERAL("")) != hash_sip64(BYTES_LITERAL("\0")));
    hash128 one = hash_sip128(BYTES_LITERAL("orpheus"));
    uint8_t stored[16];
    hash128_store(one, stored);
    assert_true(hash128_equal(hash128_load(stored), one));
    assert_true(one.high != one.low);
}

static void integers_parse_to_the_last_value_and_no_further(void **state) {
    (void)state;
    int64_t value = 7;
    assert_true(bytes_parse_i64(BYTES_LITERAL("9223372036854775807"), &value));
    assert_true(value == INT64_MAX);
    assert_true(bytes_parse_i64(BYTES_LITERAL("-9223372036854775808"), &value));
    assert_true(value == INT64_MIN);
    assert_false(bytes_parse_i64(BYTES_LITERAL("9223372036854775808"), &value));
    assert_false(bytes_parse_i64(BYTES_LITERAL(""), &value));
    assert_false(bytes_parse_i64(BYTES_LITERAL("-"), &value));
    assert_false(bytes_parse_i64(BYTES_LITERAL("1x"), &value));
    assert_true(value == INT64_MIN);
}

static void a_buffer_refuses_what_is_over_its_maximum(void **state) {
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 5);
    buffer_append_text(&buffer, "12345");
    assert_ok(buffer_status(&buffer));
    buffer_append_text(&buffer, "6");
    assert_err(buffer_status(&buffer), ERR_TOO_LARGE);
    assert_bytes_text(buffer_bytes(&buffer), "12345");
    buffer_clear(&buffer);
    buffer_append_text(&buffer, "ok");
    buffer_consume(&buffer, 1);
    assert_bytes_text(buffer_bytes(&buffer), "k");
    buffer_deinit(&buffer);
}

static void an_arena_gives_zeroed_aligned_memory_and_keeps_its_first_block(void **state) {
    (void)state;
    struct arena *arena = arena_create(64);
    uint8_t *large = arena_alloc(arena, 1000);
    for (size_t i = 0; i < 1000; i++) {
        assert_int_equal(large[i], 0);
    }
    assert_int_equal((uintptr_t)arena_alloc(arena, 1) % 16, 0);
    assert_string_equal(arena_format(arena, "%s-%d", "a", 7), "a-7");
    arena_reset(arena);
    assert_int_equal(arena_used(arena), 0);
    arena_destroy(&arena);
    assert_null(arena);
}

static void calendar_days_go_both_ways(void **state) {
    (void)state;
    for (int64_t days = -800000; days < 800000; days += 17) {
        int64_t year = 0;
        unsigned month = 0;
        unsigned day = 0;
        time_civil_from_days(days, &year, &month, &day);
        assert_true(time_days_from_civil(year, month, day) == days);
    }
    char text[WALL_TIME_ISO_BYTES];
    wall_time_iso((wall_time){951827696789}, text);
    assert_memory_equal(text, "2000-02-29T12:34:56.789Z", WALL_TIME_ISO_BYTES);
    wall_time_iso((wall_time){0}, text);
    assert_memory_equal(text, "1970-01-01T00:00:00.000Z", WALL_TIME_ISO_BYTES);
}

static void random_repeats_from_its_seed_and_stays_below_its_bound(void **state) {
    (void)state;
    struct random left;
    struct random right;
    random_init(&left, 42);
    random_init(&right, 42);
    for (int i = 0; i < 1000; i++) {
        uint64_t value = random_below(&left, 10);
        assert_true(value < 10);
        assert_true(value == random_below(&right, 10));
    }
}

static void an_id_carries_its_slot_and_time_in_the_shape_of_a_uuid(void **state) {
    (void)state;
    struct random random;
    random_init(&random, 1);
    for (int i = 0; i < 1000; i++) {
        uint16_t slot = (uint16_t)random_below(&random, ID_SLOT_COUNT);
        int64_t time_ms = (int64_t)random_below(&random, (uint64_t)1 << 48);
        id128 id = id_mint(slot, time_ms, &random);
        char text[ID_TEXT_BYTES];
        id_format(id, text);
        assert_int_equal(text[14], '4');
        assert_true(text[19] == '8' || text[19] == '9' || text[19] == 'a' || text[19] == 'b');
        assert_int_equal(id_slot(id), slot);
        assert_int_equal(id_slot_of_text(bytes_of(text, sizeof(text))), slot);
        assert_true(id_time_ms(id) == time_ms);
        id128 parsed = {{0}};
        assert_true(id_parse(bytes_of(text, sizeof(text)), &parsed));
        assert_true(id_equal(parsed, id));
    }
}

static void only_the_canonical_text_is_an_id(void **state) {
    (void)state;
    id128 id = {{7}};
    assert_true(id_parse(BYTES_LITERAL("00112233-4455-6677-8899-aabbccddeeff"), &id));
    assert_int_equal(id.bytes[15], 0xff);
    assert_false(id_parse(BYTES_LITERAL("00112233-4455-6677-8899-AABBCCDDEEFF"), &id));
    assert_false(id_parse(BYTES_LITERAL("00112233-4455-6677-8899-aabbccddeef"), &id));
    assert_false(id_parse(BYTES_LITERAL("00112233-4455-6677-8899-aabbccddeeff0"), &id));
    assert_false(id_parse(BYTES_LITERAL("001122334-455-6677-8899-aabbccddeeff"), &id));
    assert_false(id_parse(BYTES_LITERAL("0011223g-4455-6677-8899-aabbccddeeff"), &id));
    assert_int_equal(
        id_slot_of_text(BYTES_LITERAL("order-7")), hash_sip64(BYTES_LITERAL("order-7")) & 4095
    );
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc32c_matches_the_published_check_value),
        cmocka_unit_test(siphash_differs_by_one_bit_and_by_length),
        cmocka_unit_test(integers_parse_to_the_last_value_and_no_further),
        cmocka_unit_test(a_buffer_refuses_what_is_over_its_maximum),
        cmocka_unit_test(an_arena_gives_zeroed_aligned_memory_and_keeps_its_first_block),
        cmocka_unit_test(calendar_days_go_both_ways),
        cmocka_unit_test(random_repeats_from_its_seed_and_stays_below_its_bound),
        cmocka_unit_test(an_id_carries_its_slot_and_time_in_the_shape_of_a_uuid),
        cmocka_unit_test(only_the_canonical_text_is_an_id),
    };
    return cmocka_run_group_tests_name("proto/base", tests, NULL, NULL);
}
