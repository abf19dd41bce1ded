// Classes of bytes of RFC 9110 and 9112. Internal to this room.
#pragma once

#include "proto/base/bytes.h"

// One bit a byte.
struct http_grammar {
    uint64_t members[4];
};

extern const struct http_grammar http_grammar_token;  // methods, header names
extern const struct http_grammar http_grammar_value;  // header values: no controls but tab
extern const struct http_grammar http_grammar_target; // printable ASCII but blank and '#'
extern const struct http_grammar http_grammar_host;   // host and port: no '@', '/', '?', blank

// Whether every byte of `text` is in `grammar`; true for no bytes.
bool http_grammar_all(const struct http_grammar *grammar, bytes text);
