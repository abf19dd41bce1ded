// Two small grammars, read from left to right with a cursor that stays where nothing matched.
#include "scheduler/tasks/wait_text.h"

#include "proto/base/time.h"

#define DURATION_SECONDS_MAX (INT64_C(100) * 366 * 86400)

struct cursor {
    bytes text;
    size_t at;
};

static void skip_blanks(struct cursor *cursor);
static bool number(struct cursor *cursor, int64_t *out_value);
static bool fixed_number(struct cursor *cursor, size_t digits, int64_t *out_value);
static bool letter(struct cursor *cursor, char wanted);
static bool word(struct cursor *cursor, const char *const *words);
static bool zone(struct cursor *cursor, int64_t *out_minutes);

bool wait_text_duration(bytes text, int64_t *out_seconds) {
    static const char *const days[] = {"days", "day", "d", 0};
    static const char *const hours[] = {"hours", "hour", "hrs", "hr", "h", 0};
    static const char *const minutes[] = {"minutes", "minute", "mins", "min", "m", 0};
    static const char *const seconds[] = {"seconds", "second", "secs", "sec", "s", 0};
    static const struct {
        const char *const *words;
        int64_t seconds;
    } units[] = {{days, 86400}, {hours, 3600}, {minutes, 60}, {seconds, 1}};
    struct cursor cursor = {text, 0};
    int64_t sum = 0;
    size_t parts = 0;
    skip_blanks(&cursor);
    for (size_t unit = 0; unit < sizeof units / sizeof units[0]; unit++) {
        struct cursor start = cursor;
        int64_t value = 0;
        bool matches = number(&cursor, &value);
        skip_blanks(&cursor);
        matches = matches && word(&cursor, units[unit].words);
        if (matches && value <= DURATION_SECONDS_MAX / units[unit].seconds) {
            sum += value * units[unit].seconds;
            parts++;
            skip_blanks(&cursor);
        } else {
            cursor = start;
        }
    }
    if (parts == 0 || cursor.at != text.size || sum > DURATION_SECONDS_MAX) {
        return false;
    }
    *out_seconds = sum;
    return true;
}

bool wait_text_until(bytes text, int64_t *out_ms) {
    struct cursor cursor = {bytes_trim(text), 0};
    int64_t year = 0;
    int64_t month = 0;
    int64_t day = 0;
    int64_t hour = 0;
    int64_t minute = 0;
    int64_t offset_minutes = 0;
    if (!fixed_number(&cursor, 4, &year) || !letter(&cursor, '-') ||
        !fixed_number(&cursor, 2, &month) || !letter(&cursor, '-') ||
        !fixed_number(&cursor, 2, &day)) {
        return false;
    }
    if (cursor.at < cursor.text.size) {
        if (!letter(&cursor, ' ') || !fixed_number(&cursor, 2, &hour) || !letter(&cursor, ':') ||
            !fixed_number(&cursor, 2, &minute)) {
            return false;
        }
        skip_blanks(&cursor);
        if (cursor.at < cursor.text.size && !zone(&cursor, &offset_minutes)) {
            return false;
        }
    }
    if (cursor.at != cursor.text.size || month < 1 || month > 12 || day < 1 || day > 31 ||
        hour > 23 || minute > 59) {
        return false;
    }
    int64_t days = time_days_from_civil(year, (unsigned)month, (unsigned)day);
    *out_ms = ((days * 24 + hour) * 60 + minute - offset_minutes) * 60000;
    return true;
}

static bool zone(struct cursor *cursor, int64_t *out_minutes) {
    static const char *const names[] = {"UTC", "GMT", "Z", 0};
    bool named = word(cursor, names);
    bool plus = letter(cursor, '+');
    if (!plus && !letter(cursor, '-')) {
        *out_minutes = 0;
        return named;
    }
    int64_t hours = 0;
    int64_t minutes = 0;
    if (!fixed_number(cursor, 2, &hours) && !fixed_number(cursor, 1, &hours)) {
        return false;
    }
    if (cursor->at < cursor->text.size) {
        letter(cursor, ':');
        if (!fixed_number(cursor, 2, &minutes)) {
            return false;
        }
    }
    if (hours > 18 || minutes > 59) {
        return false;
    }
    *out_minutes = plus ? hours * 60 + minutes : -(hours * 60 + minutes);
    return true;
}

static void skip_blanks(struct cursor *cursor) {
    while (cursor->at < cursor->text.size &&
           (cursor->text.data[cursor->at] == ' ' || cursor->text.data[cursor->at] == '\t')) {
        cursor->at++;
    }
}

static bool is_digit(const struct cursor *cursor, size_t at) {
    return at < cursor->text.size && cursor->text.data[at] >= '0' && cursor->text.data[at] <= '9';
}

// At most ten digits: more is no duration anybody means.
static bool number(struct cursor *cursor, int64_t *out_value) {
    size_t digits = 0;
    int64_t value = 0;
    while (digits < 10 && is_digit(cursor, cursor->at + digits)) {
        value = value * 10 + (cursor->text.data[cursor->at + digits] - '0');
        digits++;
    }
    if (digits == 0) {
        return false;
    }
    cursor->at += digits;
    *out_value = value;
    return true;
}

static bool fixed_number(struct cursor *cursor, size_t digits, int64_t *out_value) {
    int64_t value = 0;
    for (size_t i = 0; i < digits; i++) {
        if (!is_digit(cursor, cursor->at + i)) {
            return false;
        }
        value = value * 10 + (cursor->text.data[cursor->at + i] - '0');
    }
    cursor->at += digits;
    *out_value = value;
    return true;
}

static bool letter(struct cursor *cursor, char wanted) {
    if (cursor->at >= cursor->text.size || cursor->text.data[cursor->at] != (uint8_t)wanted) {
        return false;
    }
    cursor->at++;
    return true;
}

static uint8_t lower(uint8_t character) {
    return character >= 'A' && character <= 'Z' ? (uint8_t)(character - 'A' + 'a') : character;
}

// The longest of the words; they are listed longest first.
static bool word(struct cursor *cursor, const char *const *words) {
    for (; *words != 0; words++) {
        bytes wanted = bytes_from_text(*words);
        if (wanted.size > cursor->text.size - cursor->at) {
            continue;
        }
        size_t same = 0;
        while (same < wanted.size &&
               lower(wanted.data[same]) == lower(cursor->text.data[cursor->at + same])) {
            same++;
        }
        if (same == wanted.size) {
            cursor->at += same;
            return true;
        }
    }
    return false;
}
