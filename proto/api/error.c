// The body of every error answer.
#include "proto/api/error.h"

static bool is_retryable(enum err_code code) {
    return code == ERR_UNAVAILABLE || code == ERR_UNKNOWN || code == ERR_FULL;
}

struct api_error api_error_of(err error, bytes instance) {
    return (struct api_error){
        .status = err_http_status(error.code),
        .message = error.text == NULL ? BYTES_EMPTY : bytes_from_text(error.text),
        .instance = instance,
        .retryable = is_retryable(error.code),
    };
}

struct api_error api_error_of_violations(const struct api_violations *violations) {
    return (struct api_error){
        .status = 400,
        .message = BYTES_LITERAL(API_VALIDATION_MESSAGE),
        .violations = violations,
    };
}

static void write_violations(const struct api_violations *violations, struct json_writer *writer) {
    json_key(writer, "validationErrors");
    json_array_begin(writer);
    for (size_t index = 0; index < violations->count; index++) {
        const struct api_violation *violation = &violations->items[index];
        json_object_begin(writer);
        json_member_text(writer, "path", violation->path);
        json_member_text(writer, "message", violation->message);
        if (violation->invalid_value.data != NULL) {
            json_member_text(writer, "invalidValue", violation->invalid_value);
        }
        json_object_end(writer);
    }
    json_array_end(writer);
}

void api_write_error(const struct api_error *error, struct json_writer *writer) {
    json_object_begin(writer);
    json_member_int(writer, "status", error->status);
    if (error->message.data != NULL) {
        json_member_text(writer, "message", error->message);
    }
    if (error->instance.data != NULL) {
        json_member_text(writer, "instance", error->instance);
    }
    json_member_bool(writer, "retryable", error->retryable);
    if (error->violations != NULL && error->violations->count > 0) {
        write_violations(error->violations, writer);
    }
    json_object_end(writer);
}
