// Whether a whole text matches a regular expression of Java's everyday subset. For this folder
// only.
//
// Literals, `.`, classes with ranges and `\d \w \s` and their opposites, `\b`, `^`, `$`, groups
// (capturing or not), `|`, `* + ? {n,m}` in all three tempers, flags i, s and m. No back
// references, no look-around, no `\p{…}`: such a pattern does not compile.
#pragma once

#include "proto/base/arena.h"
#include "proto/base/bytes.h"

struct regex;

// The compiled form, in `arena`. NULL: not a pattern of the subset, or larger than
// LIMIT_REGEX_STEPS.
const struct regex *regex_compile(bytes pattern, bytes flags, struct arena *arena);

// Whether the pattern matches all of `text` (UTF-8). Time: pattern times text, whatever they are.
bool regex_matches(const struct regex *regex, bytes text, struct arena *arena);
