// A pattern as its parser leaves it; what regex_parse.c and regex.c share. For this folder only.
#pragma once

#include "proto/base/arena.h"
#include "proto/base/bytes.h"

enum node_kind {
    NODE_EMPTY,
    NODE_SET,    // one character of `set`
    NODE_BEGIN,  // ^
    NODE_END,    // $
    NODE_BORDER, // \b, or \B when `negated`
    NODE_SEQUENCE,
    NODE_CHOICE,
    NODE_REPEAT,
};

struct range {
    uint32_t from;
    uint32_t to;
};

struct set {
    struct range *ranges;
    size_t count;
    bool negated;
    bool fold; // ASCII letters of either case
};

struct node {
    enum node_kind kind;
    const struct set *set;
    bool negated;
    struct node *left;
    struct node *right;
    uint32_t least;
    uint32_t most; // UINT32_MAX: no end
};

// The tree of a pattern, in `arena`. `*out_lines`: ^ and $ match at line ends too. NULL: not a
// pattern of the subset.
const struct node *regex_parse(bytes pattern, bytes flags, struct arena *arena, bool *out_lines);

// The code point at `*at`, which moves behind it; a byte that begins none stands for itself.
uint32_t regex_next_point(bytes text, size_t *at);

// Whether a code point is of `\w`.
bool regex_is_word(uint32_t point);

// Whether a set holds a code point.
bool regex_set_has(const struct set *set, uint32_t point);
