// Numbers as their text says, exactly.
//
// A number is taken apart into sign, significant digits without zeros at either end, and the power
// of ten in front of them: value = 0.D1D2…Dn × 10^(point + exponent). The exponent stays text,
// since nothing bounds its length; two of them are compared by the difference of their digits. Two
// numbers are equal when sign, digits and the sum of point and exponent are.
#include "proto/base/check.h"
#include "proto/json/json_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct decimal {
    bool negative;
    bool zero;
    bytes digits; // from the first to the last that is not zero; may hold a '.'
    int64_t point;
    bool exponent_negative;
    bytes exponent; // digits only, no zeros in front
};

enum {
    // More digits than any tie between two doubles has (767), so that the rest only says "above".
    DOUBLE_DIGITS = 800,
    // Beyond the longest document, so that no shift of the point makes up for it.
    EXPONENT_FAR = 1000000000,
    EXPONENT_DIGITS = 9,
};

static bool is_number(bytes value) {
    return value.size > 0 && (value.data[0] == '-' || json_is_digit(value.data[0]));
}

static struct decimal take_exponent(struct decimal decimal, bytes text) {
    size_t from = 0;
    if (text.size > 0 && (text.data[0] == '-' || text.data[0] == '+')) {
        decimal.exponent_negative = text.data[0] == '-';
        from = 1;
    }
    while (from < text.size && text.data[from] == '0') {
        from++;
    }
    decimal.exponent = bytes_slice(text, from, text.size);
    return decimal;
}

static struct decimal take_apart(bytes text) {
    struct decimal decimal = {.zero = true, .negative = text.data[0] == '-'};
    size_t at = decimal.negative ? 1 : 0;
    size_t first = 0;
    size_t last = 0;
    int64_t point = -1; // digits in front of the '.', once it was seen
    int64_t digit_count = 0;
    int64_t leading_zeros = 0;
    for (; at < text.size && (text.data[at] | 0x20) != 'e'; at++) {
        if (text.data[at] == '.') {
            point = digit_count;
            continue;
        }
        digit_count++;
        if (text.data[at] != '0') {
            first = decimal.zero ? at : first;
            last = at;
            decimal.zero = false;
        } else if (decimal.zero) {
            leading_zeros++;
        }
    }
    if (decimal.zero) {
        return decimal;
    }
    decimal.digits = bytes_slice(text, first, last + 1);
    decimal.point = (point < 0 ? digit_count : point) - leading_zeros;
    bytes exponent = at < text.size ? bytes_slice(text, at + 1, text.size) : BYTES_EMPTY;
    return take_exponent(decimal, exponent);
}

// The power of ten in front of 0.D1D2…Dn, or ±EXPONENT_FAR when it is further than that.
static int64_t power(const struct decimal *decimal) {
    int64_t exponent = EXPONENT_FAR;
    if (decimal->exponent.size <= EXPONENT_DIGITS) {
        exponent = 0;
        for (size_t index = 0; index < decimal->exponent.size; index++) {
            exponent = exponent * 10 + (decimal->exponent.data[index] - '0');
        }
    }
    int64_t sum = decimal->point + (decimal->exponent_negative ? -exponent : exponent);
    return sum > EXPONENT_FAR ? EXPONENT_FAR : sum < -EXPONENT_FAR ? -EXPONENT_FAR : sum;
}

// --- equality ------------------------------------------------------------------------------------

// The digit of the exponent that stands before `place` others, with the sign of the exponent.
static int64_t exponent_digit(const struct decimal *decimal, size_t place) {
    if (place >= decimal->exponent.size) {
        return 0;
    }
    int64_t digit = decimal->exponent.data[decimal->exponent.size - 1 - place] - '0';
    return decimal->exponent_negative ? -digit : digit;
}

// Whether both have the same point + exponent. The difference is built digit by digit; past a few
// it only grows, so once it is further than any two points are apart the answer is no.
static bool same_power(const struct decimal *left, const struct decimal *right) {
    int64_t wanted = right->point - left->point;
    int64_t far = (int64_t)1 << 56;
    size_t places =
        left->exponent.size > right->exponent.size ? left->exponent.size : right->exponent.size;
    int64_t difference = 0;
    while (places > 0) {
        places--;
        difference = difference * 10 + exponent_digit(left, places) - exponent_digit(right, places);
        if (difference > far || difference < -far) {
            return false;
        }
    }
    return difference == wanted;
}

// The next digit at `*at`, past a '.'; -1 at the end.
static int next_digit(bytes digits, size_t *at) {
    if (*at < digits.size && digits.data[*at] == '.') {
        (*at)++;
    }
    return *at < digits.size ? digits.data[(*at)++] - '0' : -1;
}

bool json_number_equal(bytes left, bytes right) {
    if (bytes_equal(left, right)) {
        return true;
    }
    struct decimal left_decimal = take_apart(left);
    struct decimal right_decimal = take_apart(right);
    if (left_decimal.zero || right_decimal.zero) {
        return left_decimal.zero && right_decimal.zero;
    }
    if (left_decimal.negative != right_decimal.negative ||
        !same_power(&left_decimal, &right_decimal)) {
        return false;
    }
    size_t left_at = 0;
    size_t right_at = 0;
    for (;;) {
        int left_digit = next_digit(left_decimal.digits, &left_at);
        int right_digit = next_digit(right_decimal.digits, &right_at);
        if (left_digit != right_digit) {
            return false;
        }
        if (left_digit < 0) {
            return true;
        }
    }
}

// --- machine numbers -----------------------------------------------------------------------------

bool json_number_is_integer_text(bytes value) {
    if (!is_number(value)) {
        return false;
    }
    for (size_t at = 1; at < value.size; at++) {
        if (!json_is_digit(value.data[at])) {
            return false;
        }
    }
    return true;
}

bool json_i64(bytes value, int64_t *out_value) {
    if (!is_number(value)) {
        return false;
    }
    if (json_number_is_integer_text(value)) {
        return bytes_parse_i64(value, out_value);
    }
    struct decimal decimal = take_apart(value);
    if (decimal.zero) {
        *out_value = 0;
        return true;
    }
    int64_t places = power(&decimal);
    if (places < 1 || places > 19) {
        return false;
    }
    char text[1 + 19];
    size_t size = 0;
    if (decimal.negative) {
        text[size++] = '-';
    }
    size_t at = 0;
    for (int64_t place = 0; place < places; place++) {
        int digit = next_digit(decimal.digits, &at);
        text[size++] = (char)('0' + (digit < 0 ? 0 : digit));
    }
    if (next_digit(decimal.digits, &at) >= 0) {
        return false;
    }
    return bytes_parse_i64(bytes_of(text, size), out_value);
}

// strtod rounds correctly but wants a terminated text. A long number is rewritten as 0.D…e±N with
// enough digits to round right, and a last 1 where more follow.
static double long_double_text(bytes value) {
    struct decimal decimal = take_apart(value);
    if (decimal.zero) {
        return decimal.negative ? -0.0 : 0.0;
    }
    char text[DOUBLE_DIGITS + 40];
    size_t size = 0;
    size_t at = 0;
    int digit = next_digit(decimal.digits, &at);
    for (; digit >= 0 && size < DOUBLE_DIGITS; digit = next_digit(decimal.digits, &at)) {
        text[size++] = (char)('0' + digit);
    }
    if (digit >= 0) {
        text[size++] = '1';
    }
    int64_t scale = power(&decimal) - (int64_t)size;
    int written = snprintf(text + size, sizeof(text) - size, "e%lld", (long long)scale);
    check(written > 0 && (size_t)written < sizeof(text) - size);
    double magnitude = strtod(text, NULL);
    return decimal.negative ? -magnitude : magnitude;
}

bool json_double(bytes value, double *out_value) {
    if (!is_number(value)) {
        return false;
    }
    char text[64];
    if (value.size >= sizeof(text)) {
        *out_value = long_double_text(value);
        return true;
    }
    memcpy(text, value.data, value.size);
    text[value.size] = 0;
    *out_value = strtod(text, NULL);
    return true;
}
