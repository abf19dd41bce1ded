// The request target: where a request goes, decoded once. Internal to this room.
#pragma once

#include "node/http/request.h"
#include "proto/base/arena.h"
#include "proto/base/attr.h"

// Parses `request->target` (of `request->method`) into path, segments and parameters, which live in
// `arena` and in the target's own bytes. Takes origin-form, absolute-form of http and https, and
// `*` of OPTIONS. Refuses MALFORMED: other forms, bytes outside printable ASCII, '#', a bad percent
// code, an encoded NUL, decoded text that is not UTF-8, and an encoded slash in the path.
MUST_USE struct http_refusal http_target_parse(struct http_request *request, struct arena *arena);
