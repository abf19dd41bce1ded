// The scan looks at digits outside strings only; a result looks up by binary search, and only when
// anything was kept, which is rare.
#include "node/eval/evaluator/numbers.h"

#include "proto/base/check.h"
#include "proto/limits.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    // 2^53 has 16 digits.
    DIGITS_MIN = 16,
    // More digits than a 64-bit integer's are cut before they meet strtod: it needs an end.
    TEXT_MAX = 400,
};

struct kept {
    double value;
    bytes text;
    bool ambiguous; // two texts, one double
};

struct numbers {
    struct kept *kept;
    size_t count;
};

struct numbers *numbers_create(void) {
    struct numbers *numbers = calloc(1, sizeof(*numbers));
    check(numbers != NULL);
    numbers->kept = calloc(LIMIT_EVALUATION_NUMBERS, sizeof(*numbers->kept));
    check(numbers->kept != NULL);
    return numbers;
}

static bool is_digit(uint8_t byte) {
    return byte >= '0' && byte <= '9';
}

// One past the string that begins at `at`.
static size_t string_end(bytes json, size_t at) {
    for (at++; at < json.size && json.data[at] != '"'; at++) {
        if (json.data[at] == '\\') {
            at++;
        }
    }
    return at + 1;
}

static void keep(struct numbers *numbers, bytes text) {
    char terminated[TEXT_MAX + 1];
    if (text.size > TEXT_MAX || numbers->count == LIMIT_EVALUATION_NUMBERS) {
        return;
    }
    memcpy(terminated, text.data, text.size);
    terminated[text.size] = '\0';
    double value = strtod(terminated, NULL);
    if (fabs(value) >= 9007199254740992.0) {
        numbers->kept[numbers->count++] = (struct kept){.value = value, .text = text};
    }
}

static int by_value(const void *left, const void *right) {
    double a = ((const struct kept *)left)->value;
    double b = ((const struct kept *)right)->value;
    return (a > b) - (a < b);
}

static void mark_ambiguous(struct numbers *numbers) {
    for (size_t i = 1; i < numbers->count; i++) {
        struct kept *before = &numbers->kept[i - 1];
        struct kept *here = &numbers->kept[i];
        if (by_value(before, here) == 0 &&
            (before->ambiguous || !bytes_equal(before->text, here->text))) {
            before->ambiguous = true;
            here->ambiguous = true;
        }
    }
    // Backwards too: the first of three may have been equal to the second.
    for (size_t i = numbers->count; i > 1; i--) {
        struct kept *before = &numbers->kept[i - 2];
        struct kept *here = &numbers->kept[i - 1];
        if (by_value(before, here) == 0 && here->ambiguous) {
            before->ambiguous = true;
        }
    }
}

void numbers_keep(struct numbers *numbers, bytes json) {
    numbers->count = 0;
    size_t at = 0;
    while (at < json.size) {
        if (json.data[at] == '"') {
            at = string_end(json, at);
            continue;
        }
        if (!is_digit(json.data[at])) {
            at++;
            continue;
        }
        size_t from = at;
        while (at < json.size && is_digit(json.data[at])) {
            at++;
        }
        bool is_integer = at == json.size || memchr(".eE", json.data[at], 3) == NULL;
        size_t digits = at - from;
        if (from > 0 && json.data[from - 1] == '-') {
            from--;
        }
        if (is_integer && digits >= DIGITS_MIN) {
            keep(numbers, bytes_slice(json, from, at));
        }
        while (at < json.size && (is_digit(json.data[at]) || memchr(".eE+-", json.data[at], 5))) {
            at++;
        }
    }
    if (numbers->count > 1) {
        qsort(numbers->kept, numbers->count, sizeof(*numbers->kept), by_value);
        mark_ambiguous(numbers);
    }
}

static bool put_kept(const struct numbers *numbers, double value, struct buffer *out) {
    if (numbers->count == 0) {
        return false;
    }
    struct kept wanted = {.value = value};
    const struct kept *found =
        bsearch(&wanted, numbers->kept, numbers->count, sizeof(wanted), by_value);
    if (found == NULL || found->ambiguous) {
        return false;
    }
    buffer_append(out, found->text);
    return true;
}

// The fewest digits that read back as `value`, as "d.ddde±xx".
static void shortest(double value, char text[40]) {
    int first = fabs(value) < 1e-300 ? 0 : 14;
    for (int precision = first; precision <= 16; precision++) {
        (void)snprintf(text, 40, "%.*e", precision, value);
        double back = strtod(text, NULL);
        if (back <= value && back >= value) {
            return;
        }
    }
}

// Java's Double.toString: plain between 10^-3 and 10^7, one digit before the point elsewhere.
static void put_double(double value, struct buffer *out) {
    char text[40];
    shortest(value, text);
    char digits[24];
    size_t count = 0;
    const char *at = text;
    for (; *at != 'e'; at++) {
        if (isdigit((unsigned char)*at)) {
            digits[count++] = *at;
        }
    }
    int exponent = (int)strtol(at + 1, NULL, 10);
    while (count > 1 && digits[count - 1] == '0') {
        count--;
    }
    if (value < 0) {
        buffer_append_byte(out, '-');
    }
    if (exponent >= -3 && exponent < 0) {
        buffer_append_text(out, "0.");
        for (int i = -1; i > exponent; i--) {
            buffer_append_byte(out, '0');
        }
        buffer_append(out, bytes_of(digits, count));
        return;
    }
    bool plain = exponent >= 0 && exponent < 7;
    size_t before = plain ? (size_t)exponent + 1 : 1;
    for (size_t i = 0; i < before; i++) {
        buffer_append_byte(out, i < count ? (uint8_t)digits[i] : '0');
    }
    buffer_append_byte(out, '.');
    if (count > before) {
        buffer_append(out, bytes_of(digits + before, count - before));
    } else {
        buffer_append_byte(out, '0');
    }
    if (!plain) {
        buffer_format(out, "E%d", exponent);
    }
}

void numbers_put(const struct numbers *numbers, double value, struct buffer *out) {
    if (isnan(value)) {
        buffer_append_text(out, "\"NaN\"");
    } else if (isinf(value)) {
        buffer_append_text(out, value < 0 ? "\"-Infinity\"" : "\"Infinity\"");
    } else if (put_kept(numbers, value, out)) {
        return;
    } else if (fpclassify(value) == FP_ZERO) {
        buffer_append_text(out, signbit(value) ? "-0.0" : "0");
    } else if (floor(value) == value && fabs(value) < 9223372036854775808.0) {
        buffer_format(out, "%lld", (long long)value);
    } else {
        put_double(value, out);
    }
}
