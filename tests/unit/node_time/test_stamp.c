// Stamps as bytes.
#include "node/time/stamp.h"
#include "tests/unit/test.h"

#include <string.h>

static const struct stamp EXAMPLE = {
    .sent_us = 81000000123,
    .echo_us = 77000000456,
    .held_us = 230001,
    .wall_us = 1795000000000000,
    .trusted = true,
    .asks = true,
};

static void a_stamp_is_read_as_it_was_written(void **state) {
    (void)state;
    uint8_t written[STAMP_BYTES + 3] = {0};
    stamp_write(&EXAMPLE, written);
    bytes rest = bytes_of(written, sizeof(written));
    struct stamp read;
    memset(&read, 0, sizeof(read));
    assert_ok(stamp_take(&rest, &read));
    assert_int_equal(rest.size, 3);
    assert_int_equal(read.sent_us, EXAMPLE.sent_us);
    assert_int_equal(read.echo_us, EXAMPLE.echo_us);
    assert_int_equal(read.held_us, EXAMPLE.held_us);
    assert_int_equal(read.wall_us, EXAMPLE.wall_us);
    assert_true(read.trusted && read.asks);
}

static void one_cut_short_is_refused(void **state) {
    (void)state;
    uint8_t written[STAMP_BYTES];
    stamp_write(&EXAMPLE, written);
    for (size_t size = 0; size < STAMP_BYTES; size++) {
        bytes rest = bytes_of(written, size);
        struct stamp read;
        assert_err(stamp_take(&rest, &read), ERR_CORRUPT);
        assert_int_equal(rest.size, size);
    }
}

static void what_no_clock_shows_is_refused(void **state) {
    (void)state;
    static const size_t TOPS[] = {0, 8, 16, 24, 32};
    for (size_t i = 0; i < sizeof(TOPS) / sizeof(TOPS[0]); i++) {
        uint8_t written[STAMP_BYTES];
        stamp_write(&EXAMPLE, written);
        written[TOPS[i]] = 0x7f;
        bytes rest = bytes_of(written, sizeof(written));
        struct stamp read;
        assert_err(stamp_take(&rest, &read), ERR_CORRUPT);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stamp_is_read_as_it_was_written),
        cmocka_unit_test(one_cut_short_is_refused),
        cmocka_unit_test(what_no_clock_shows_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
