// One pass, no recursion, no memory but one bit a level.
//
// A loop over three states (a value is due, a key is due, something just ended); the open
// containers are a stack of bits, set for an object. Strings are the bulk of real documents, so
// their plain runs go eight bytes at a time. Rejected: a table-driven automaton a byte, which is
// shorter and a third of the speed; SIMD, which would tie the room to one processor for a cost
// nobody has felt yet.
#include "proto/json/json_internal.h"
#include "proto/limits.h"

struct validator {
    const uint8_t *begin;
    const uint8_t *at;
    const uint8_t *end;
    const char *what; // why `at` is wrong
    size_t depth;
    uint64_t
        objects[(LIMIT_JSON_DEPTH + 63) / 64]; // bit d-1: the container at depth d is an object
};

enum validator_state {
    STATE_VALUE,
    STATE_KEY,
    STATE_AFTER,
    STATE_DONE,
    STATE_BAD,
};

static enum validator_state next_value(struct validator *validator);
static enum validator_state next_key(struct validator *validator);
static enum validator_state next_after(struct validator *validator);

err json_validate(bytes text, struct arena *arena, bytes *out_value) {
    bytes trimmed = bytes_trim(text);
    struct validator validator = {.begin = text.data};
    validator.at = trimmed.data;
    validator.end = trimmed.size == 0 ? trimmed.data : trimmed.data + trimmed.size;
    enum validator_state state = STATE_VALUE;
    while (state < STATE_DONE) {
        if (state == STATE_VALUE) {
            state = next_value(&validator);
        } else if (state == STATE_KEY) {
            state = next_key(&validator);
        } else {
            state = next_after(&validator);
        }
    }
    if (state == STATE_BAD) {
        size_t place = trimmed.size == 0 ? text.size : (size_t)(validator.at - validator.begin);
        const char *reason =
            arena_format(arena, "malformed JSON at byte %zu: %s", place, validator.what);
        return err_make(ERR_INVALID, reason);
    }
    *out_value = trimmed;
    return ERR_NONE;
}

static bool refuse(struct validator *validator, const char *what) {
    validator->what = what;
    return false;
}

static enum validator_state bad(struct validator *validator, const char *what) {
    validator->what = validator->at == validator->end ? "the text ends here" : what;
    return STATE_BAD;
}

static bool push(struct validator *validator, bool object) {
    if (validator->depth == LIMIT_JSON_DEPTH) {
        return refuse(validator, "nested too deep");
    }
    uint64_t bit = (uint64_t)1 << (validator->depth % 64);
    uint64_t *word = &validator->objects[validator->depth / 64];
    *word = object ? *word | bit : *word & ~bit;
    validator->depth++;
    return true;
}

static bool inside_object(const struct validator *validator) {
    size_t level = validator->depth - 1;
    return (validator->objects[level / 64] >> (level % 64) & 1) != 0;
}

// --- strings -------------------------------------------------------------------------------------

static bool is_hex(uint8_t byte) {
    uint8_t lower = byte | 0x20;
    return json_is_digit(byte) || (lower >= 'a' && lower <= 'f');
}

static bool escape(struct validator *validator) {
    const uint8_t *at = validator->at + 1;
    if (at < validator->end && *at == 'u') {
        for (size_t digit = 1; digit <= 4; digit++) {
            if (at + digit >= validator->end || !is_hex(at[digit])) {
                return refuse(validator, "an escape without four hex digits");
            }
        }
        validator->at = at + 5;
        return true;
    }
    if (at >= validator->end || *at == 0 || strchr("\"\\/bfnrt", *at) == NULL) {
        return refuse(validator, "an unknown escape");
    }
    validator->at = at + 1;
    return true;
}

// The table of well-formed sequences of the Unicode Standard (3-7): the first byte bounds the
// second.
static bool multibyte(struct validator *validator) {
    const uint8_t *at = validator->at;
    uint8_t first = *at;
    size_t size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    uint8_t second_least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    uint8_t second_most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (first < 0xc2 || first > 0xf4 || (size_t)(validator->end - at) < size ||
        at[1] < second_least || at[1] > second_most) {
        return refuse(validator, "not UTF-8");
    }
    for (size_t index = 2; index < size; index++) {
        if ((at[index] & 0xc0) != 0x80) {
            return refuse(validator, "not UTF-8");
        }
    }
    validator->at = at + size;
    return true;
}

static void plain_run(struct validator *validator) {
    const uint8_t *at = validator->at;
    while (validator->end - at >= 8) {
        uint64_t word = json_load(at);
        uint64_t special =
            (word & JSON_EACH_BYTE(0x80)) | json_any_quote_or_escape(word) | json_any_control(word);
        if (special != 0) {
            validator->at = at + json_bytes_before(special);
            return;
        }
        at += 8;
    }
    while (at < validator->end && *at >= 0x20 && *at < 0x80 && *at != '"' && *at != '\\') {
        at++;
    }
    validator->at = at;
}

static bool string(struct validator *validator) {
    validator->at++;
    for (;;) {
        plain_run(validator);
        if (validator->at == validator->end) {
            return refuse(validator, "a string without an end");
        }
        uint8_t byte = *validator->at;
        if (byte == '"') {
            validator->at++;
            return true;
        }
        if (byte < 0x20) {
            return refuse(validator, "a control character in a string");
        }
        if (!(byte == '\\' ? escape(validator) : multibyte(validator))) {
            return false;
        }
    }
}

// --- numbers and words ---------------------------------------------------------------------------

static bool digits(struct validator *validator) {
    const uint8_t *from = validator->at;
    while (validator->at < validator->end && json_is_digit(*validator->at)) {
        validator->at++;
    }
    return validator->at > from || refuse(validator, "a number without a digit");
}

static bool number(struct validator *validator) {
    if (*validator->at == '-') {
        validator->at++;
    }
    bool zero = validator->at < validator->end && *validator->at == '0';
    if (zero) {
        validator->at++;
    } else if (!digits(validator)) {
        return false;
    }
    if (validator->at < validator->end && *validator->at == '.') {
        validator->at++;
        if (!digits(validator)) {
            return false;
        }
    }
    if (validator->at < validator->end && (*validator->at | 0x20) == 'e') {
        validator->at++;
        if (validator->at < validator->end && (*validator->at == '+' || *validator->at == '-')) {
            validator->at++;
        }
        return digits(validator);
    }
    return true;
}

static bool literal(struct validator *validator, bytes expected) {
    if ((size_t)(validator->end - validator->at) < expected.size ||
        memcmp(validator->at, expected.data, expected.size) != 0) {
        return refuse(validator, "an unknown word");
    }
    validator->at += expected.size;
    return true;
}

// --- states --------------------------------------------------------------------------------------

static void blanks(struct validator *validator) {
    validator->at = json_skip_blanks(validator->at, validator->end);
}

static enum validator_state leave(struct validator *validator) {
    validator->at++;
    validator->depth--;
    return STATE_AFTER;
}

static enum validator_state enter(struct validator *validator, bool object) {
    if (!push(validator, object)) {
        return STATE_BAD;
    }
    validator->at++;
    blanks(validator);
    if (validator->at < validator->end && *validator->at == (object ? '}' : ']')) {
        return leave(validator);
    }
    return object ? STATE_KEY : STATE_VALUE;
}

static enum validator_state next_value(struct validator *validator) {
    blanks(validator);
    if (validator->at == validator->end) {
        return bad(validator, "");
    }
    bool good;
    switch (*validator->at) {
    case '{':
        return enter(validator, true);
    case '[':
        return enter(validator, false);
    case '"':
        good = string(validator);
        break;
    case 't':
        good = literal(validator, BYTES_LITERAL("true"));
        break;
    case 'f':
        good = literal(validator, BYTES_LITERAL("false"));
        break;
    case 'n':
        good = literal(validator, BYTES_LITERAL("null"));
        break;
    default:
        if (*validator->at != '-' && !json_is_digit(*validator->at)) {
            return bad(validator, "not the start of a value");
        }
        good = number(validator);
    }
    return good ? STATE_AFTER : STATE_BAD;
}

static enum validator_state next_key(struct validator *validator) {
    blanks(validator);
    if (validator->at == validator->end || *validator->at != '"') {
        return bad(validator, "a key is due");
    }
    if (!string(validator)) {
        return STATE_BAD;
    }
    blanks(validator);
    if (validator->at == validator->end || *validator->at != ':') {
        return bad(validator, "a ':' is due");
    }
    validator->at++;
    return STATE_VALUE;
}

static enum validator_state next_after(struct validator *validator) {
    if (validator->depth == 0) {
        return validator->at == validator->end ? STATE_DONE
                                               : bad(validator, "something behind the value");
    }
    blanks(validator);
    bool object = inside_object(validator);
    if (validator->at < validator->end) {
        if (*validator->at == ',') {
            validator->at++;
            return object ? STATE_KEY : STATE_VALUE;
        }
        if (*validator->at == (object ? '}' : ']')) {
            return leave(validator);
        }
    }
    return bad(validator, object ? "a ',' or '}' is due" : "a ',' or ']' is due");
}
