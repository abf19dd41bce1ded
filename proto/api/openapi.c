// The OpenAPI document, written from the same rows that serve requests.
//
// Answers are described by kind, not by model: the tables know requests in full and answers only as
// void, text or JSON.
#include "proto/api/openapi.h"

#include "proto/api/route.h"
#include "proto/base/check.h"

#include <stdio.h>
#include <string.h>

static const char *const query_types[] = {
    [API_QUERY_TEXT] = "string",
    [API_QUERY_INT] = "integer",
    [API_QUERY_BOOL] = "boolean",
    [API_QUERY_LIST] = "array",
};

static void member_text(struct json_writer *writer, const char *key, const char *text) {
    json_member_text(writer, key, bytes_from_text(text));
}

// {"type": …} and nothing else.
static void write_type(struct json_writer *writer, const char *type) {
    json_object_begin(writer);
    member_text(writer, "type", type);
    json_object_end(writer);
}

static void write_reference(struct json_writer *writer, const struct api_model *model) {
    char text[64];
    int size = snprintf(text, sizeof(text), "#/components/schemas/%s", model->name);
    check(size > 0 && (size_t)size < sizeof(text));
    json_object_begin(writer);
    member_text(writer, "$ref", text);
    json_object_end(writer);
}

static void write_array_of(struct json_writer *writer, const struct api_model *model) {
    json_object_begin(writer);
    member_text(writer, "type", "array");
    json_key(writer, "items");
    if (model != NULL) {
        write_reference(writer, model);
    } else {
        write_type(writer, "string");
    }
    json_object_end(writer);
}

static void write_query(struct json_writer *writer, const struct api_query *query) {
    json_object_begin(writer);
    member_text(writer, "name", query->name);
    member_text(writer, "in", "query");
    json_member_bool(writer, "required", false);
    json_key(writer, "schema");
    json_object_begin(writer);
    member_text(writer, "type", query_types[query->type]);
    if (query->type == API_QUERY_LIST) {
        json_key(writer, "items");
        write_type(writer, "string");
    }
    if (query->default_text != NULL) {
        bytes text = bytes_from_text(query->default_text);
        if (query->type == API_QUERY_INT || query->type == API_QUERY_BOOL) {
            json_member_raw(writer, "default", text);
        } else {
            json_member_text(writer, "default", text);
        }
    }
    json_object_end(writer);
    json_object_end(writer);
}

static void write_parameters(struct json_writer *writer, const struct api_route *route) {
    json_key(writer, "parameters");
    json_array_begin(writer);
    for (const char *at = strchr(route->path, '{'); at != NULL; at = strchr(at, '{')) {
        at++;
        size_t size = strcspn(at, "}");
        json_object_begin(writer);
        json_member_text(writer, "name", bytes_of(at, size));
        member_text(writer, "in", "path");
        json_member_bool(writer, "required", true);
        json_key(writer, "schema");
        write_type(writer, "string");
        json_object_end(writer);
    }
    for (const struct api_query *query = route->queries; query->name != NULL; query++) {
        write_query(writer, query);
    }
    json_array_end(writer);
}

static void write_body_schema(struct json_writer *writer, const struct api_route *route) {
    switch (route->body) {
    case API_BODY_MODEL:
        write_reference(writer, route->model);
        break;
    case API_BODY_MODEL_LIST:
    case API_BODY_TEXT_LIST:
        write_array_of(writer, route->model);
        break;
    case API_BODY_OBJECT:
        write_type(writer, "object");
        break;
    case API_BODY_RAW:
        write_type(writer, "string");
        break;
    case API_BODY_NONE:
        check(false);
    }
}

static void write_body(struct json_writer *writer, const struct api_route *route) {
    if (route->body == API_BODY_NONE) {
        return;
    }
    json_key(writer, "requestBody");
    json_object_begin(writer);
    json_member_bool(writer, "required", true);
    json_key(writer, "content");
    json_object_begin(writer);
    json_key(writer, route->body == API_BODY_RAW ? "text/plain" : "application/json");
    json_object_begin(writer);
    json_key(writer, "schema");
    write_body_schema(writer, route);
    json_object_end(writer);
    json_object_end(writer);
    json_object_end(writer);
}

static void write_answer(struct json_writer *writer, const struct api_route *route) {
    char status[8];
    int size = snprintf(status, sizeof(status), "%u", (unsigned)route->status);
    check(size > 0 && (size_t)size < sizeof(status));
    json_key(writer, "responses");
    json_object_begin(writer);
    json_key(writer, status);
    json_object_begin(writer);
    member_text(writer, "description", "success");
    if (route->response != API_RESPONSE_VOID) {
        bool json = route->response == API_RESPONSE_JSON;
        json_key(writer, "content");
        json_object_begin(writer);
        bool binary = route->response == API_RESPONSE_BINARY;
        json_key(
            writer,
            json     ? "application/json"
            : binary ? "application/octet-stream"
                     : "text/plain"
        );
        json_object_begin(writer);
        if (!json) {
            json_key(writer, "schema");
            write_type(writer, "string");
        }
        json_object_end(writer);
        json_object_end(writer);
    }
    json_object_end(writer);
    json_object_end(writer);
}

// The first path segment behind /api, for grouping.
static bytes route_tag(const struct api_route *route) {
    const char *at = strncmp(route->path, "/api/", 5) == 0 ? route->path + 5 : route->path + 1;
    return bytes_of(at, strcspn(at, "/"));
}

static void write_operation(struct json_writer *writer, const struct api_route *route) {
    char method[8] = {0};
    const char *upper = api_method_text(route->method);
    for (size_t at = 0; upper[at] != '\0' && at + 1 < sizeof(method); at++) {
        method[at] = (char)(upper[at] | 0x20);
    }
    json_key(writer, method);
    json_object_begin(writer);
    member_text(writer, "operationId", api_route_text(route->name));
    member_text(writer, "summary", route->contract);
    json_key(writer, "tags");
    json_array_begin(writer);
    json_text(writer, route_tag(route));
    json_array_end(writer);
    write_parameters(writer, route);
    write_body(writer, route);
    write_answer(writer, route);
    json_object_end(writer);
}

static bool is_first_of_path(enum api_route_name name) {
    for (int other = 0; other < (int)name; other++) {
        if (strcmp(api_route_of((enum api_route_name)other)->path, api_route_of(name)->path) == 0) {
            return false;
        }
    }
    return true;
}

static void write_path(struct json_writer *writer, enum api_route_name first) {
    const char *path = api_route_of(first)->path;
    json_key(writer, path);
    json_object_begin(writer);
    for (int name = (int)first; name < API_ROUTE_COUNT; name++) {
        const struct api_route *route = api_route_of((enum api_route_name)name);
        if (route->built && strcmp(route->path, path) == 0) {
            write_operation(writer, route);
        }
    }
    json_object_end(writer);
}

static void write_scalar_schema(struct json_writer *writer, const struct api_field *field) {
    json_object_begin(writer);
    switch (field->kind) {
    case API_KIND_INT32:
    case API_KIND_OPTIONAL_INT32:
        member_text(writer, "type", "integer");
        member_text(writer, "format", "int32");
        break;
    case API_KIND_INT64:
    case API_KIND_OPTIONAL_INT64:
        member_text(writer, "type", "integer");
        member_text(writer, "format", "int64");
        break;
    case API_KIND_BOOL:
    case API_KIND_OPTIONAL_BOOL:
        member_text(writer, "type", "boolean");
        break;
    case API_KIND_ENUM:
        member_text(writer, "type", "string");
        json_key(writer, "enum");
        json_array_begin(writer);
        for (int index = 0; index < field->enumeration->count; index++) {
            json_text(writer, bytes_from_text(field->enumeration->texts[index]));
        }
        json_array_end(writer);
        break;
    case API_KIND_TEXT:
        member_text(writer, "type", "string");
        break;
    case API_KIND_OBJECT:
        member_text(writer, "type", "object");
        break;
    case API_KIND_ANY:
    case API_KIND_MODEL_OR_EXPRESSION:
    case API_KIND_TEXT_MAP:
    case API_KIND_TEXT_LIST:
    case API_KIND_MODEL:
    case API_KIND_MODEL_LIST:
    case API_KIND_MODEL_MAP:
    case API_KIND_MODEL_LIST_MAP:
    case API_KIND_MODEL_LIST_LIST:
    case API_KIND_ALIAS:
    case API_KIND_COUNT:
        break;
    }
    if (field->default_json != NULL) {
        json_member_raw(writer, "default", bytes_from_text(field->default_json));
    }
    json_object_end(writer);
}

// {"type": "object", "additionalProperties": inner} or {"type": "array", "items": inner}, the inner
// an array of the model when `lists`.
static void write_nested_schema(
    struct json_writer *writer, const struct api_model *model, bool map, bool lists
) {
    json_object_begin(writer);
    member_text(writer, "type", map ? "object" : "array");
    json_key(writer, map ? "additionalProperties" : "items");
    if (lists) {
        write_array_of(writer, model);
    } else if (model != NULL) {
        write_reference(writer, model);
    } else {
        write_type(writer, "string");
    }
    json_object_end(writer);
}

static void write_field_schema(struct json_writer *writer, const struct api_field *field) {
    switch (field->kind) {
    case API_KIND_MODEL:
        write_reference(writer, field->nested);
        break;
    case API_KIND_TEXT_LIST:
    case API_KIND_MODEL_LIST:
        write_nested_schema(writer, field->nested, false, false);
        break;
    case API_KIND_TEXT_MAP:
    case API_KIND_MODEL_MAP:
        write_nested_schema(writer, field->nested, true, false);
        break;
    case API_KIND_MODEL_LIST_LIST:
        write_nested_schema(writer, field->nested, false, true);
        break;
    case API_KIND_MODEL_LIST_MAP:
        write_nested_schema(writer, field->nested, true, true);
        break;
    case API_KIND_TEXT:
    case API_KIND_INT32:
    case API_KIND_INT64:
    case API_KIND_BOOL:
    case API_KIND_OPTIONAL_INT32:
    case API_KIND_OPTIONAL_INT64:
    case API_KIND_OPTIONAL_BOOL:
    case API_KIND_ENUM:
    case API_KIND_ANY:
    case API_KIND_OBJECT:
    case API_KIND_MODEL_OR_EXPRESSION:
    case API_KIND_ALIAS:
    case API_KIND_COUNT:
        write_scalar_schema(writer, field);
        break;
    }
}

static void write_schema(struct json_writer *writer, const struct api_model *model) {
    json_key(writer, model->name);
    json_object_begin(writer);
    member_text(writer, "type", "object");
    json_key(writer, "properties");
    json_object_begin(writer);
    for (size_t index = 0; index < model->field_count; index++) {
        const struct api_field *field = &model->fields[index];
        if (field->kind != API_KIND_ALIAS) {
            json_key_bytes(writer, bytes_of(field->name, field->name_size));
            write_field_schema(writer, field);
        }
    }
    json_object_end(writer);
    json_object_end(writer);
}

void api_write_openapi(bytes version, struct json_writer *writer) {
    json_object_begin(writer);
    member_text(writer, "openapi", "3.0.1");
    json_key(writer, "info");
    json_object_begin(writer);
    member_text(writer, "title", "Orpheus");
    json_member_text(writer, "version", version);
    json_object_end(writer);
    json_key(writer, "paths");
    json_object_begin(writer);
    for (int name = 0; name < API_ROUTE_COUNT; name++) {
        enum api_route_name first = (enum api_route_name)name;
        // Built rows come first in the table.
        if (api_route_of(first)->built && is_first_of_path(first)) {
            write_path(writer, first);
        }
    }
    json_object_end(writer);
    json_key(writer, "components");
    json_object_begin(writer);
    json_key(writer, "schemas");
    json_object_begin(writer);
    for (size_t index = 0; index < api_model_count; index++) {
        write_schema(writer, api_models[index]);
    }
    json_object_end(writer);
    json_object_end(writer);
    json_object_end(writer);
}
