// A bit a byte: 32 bytes a class, no branch on the kind of character. The words were computed from
// the sets of RFC 9110 §5.6.2 (token), §5.5 (field-vchar, obs-text, SP, HTAB) and RFC 3986 §3.2.
#include "node/http/grammar.h"

const struct http_grammar http_grammar_token = {
    {0x03ff6cfa00000000, 0x57ffffffc7fffffe, 0, 0},
};
const struct http_grammar http_grammar_value = {
    {0xffffffff00000200, 0x7fffffffffffffff, UINT64_MAX, UINT64_MAX},
};
const struct http_grammar http_grammar_target = {
    {0xfffffff600000000, 0x7fffffffffffffff, 0, 0},
};
const struct http_grammar http_grammar_host = {
    {0x2fff7ff200000000, 0x47fffffeaffffffe, 0, 0},
};

bool http_grammar_all(const struct http_grammar *grammar, bytes text) {
    uint64_t all = 1;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        all &= grammar->members[byte >> 6] >> (byte & 63);
    }
    return (all & 1) != 0;
}
