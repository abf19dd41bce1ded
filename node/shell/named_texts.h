// Names and texts that the server's environment gives to definitions (engine.md §9.6): secrets and
// settings of whoever runs it, read once when it starts.
#pragma once

#include "proto/base/arena.h"
#include "proto/base/bytes.h"

// The variables of the environment whose names begin with `prefix`, as a JSON object of texts by
// the rest of the name, in `arena`. What is not UTF-8 is left out.
bytes named_texts_read(const char *prefix, struct arena *arena);
