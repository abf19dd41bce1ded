// Reading the server's JSON without ceremony: members that are absent read as empty, zero, false.
#pragma once

#include "proto/base/arena.h"
#include "proto/base/bytes.h"
#include "proto/base/id.h"

// The raw value of a member; data NULL when absent.
bytes read_value(bytes object, const char *key);

// A string member, decoded. Lives in `arena` or borrows.
bytes read_text(bytes object, const char *key, struct arena *arena);

int64_t read_int(bytes object, const char *key);
bool read_bool(bytes object, const char *key);

// Whether a string member is exactly this.
bool read_is(bytes object, const char *key, const char *text);

// A string member that is a canonical id; zero when it is not.
id128 read_id(bytes object, const char *key);

// An id for the trace.
struct id_text {
    char text[ID_TEXT_BYTES + 1];
};
struct id_text id_text(id128 id);

// Whether a raw text is exactly this.
bool raw_is(bytes raw, const char *text);

// Whether the text has that part.
bool read_contains(bytes text, const char *part);

// Statuses of tasks and workflows.
bool status_is_terminal(bytes status);
bool status_is_successful(bytes status);
