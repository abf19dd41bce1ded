// The OpenAPI 3 document, generated from the tables of routes and models.
#pragma once

#include "proto/json/json.h"

// Writes the document. `version` is the server's.
void api_write_openapi(bytes version, struct json_writer *writer);
