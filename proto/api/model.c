// Models in and out of their structs.
//
// The table says where a member is and of what kind; members are reached by copying bytes at their
// offset, never through a cast pointer, so that no alignment or aliasing rule is bent.
#include "proto/api/model.h"

#include "proto/api/model_internal.h"
#include "proto/base/check.h"
#include "proto/limits.h"

#include <string.h>

// Every enumeration member is copied as an int.
_Static_assert(sizeof(enum api_task_status) == sizeof(int), "an enumeration is not an int wide");

err api_bind(const struct api_model *model, bytes json, struct arena *arena, bytes *out_json) {
    SCOPED(buffer_deinit) struct buffer buffer;
    buffer_init(&buffer, LIMIT_API_CANONICAL_BYTES);
    struct json_writer writer = json_writer(&buffer);
    struct api_binding binding = {.arena = arena, .writer = &writer};
    TRY(api_bind_object(model, json, &binding));
    TRY(buffer_status(&buffer));
    *out_json = arena_copy(arena, buffer_bytes(&buffer));
    return ERR_NONE;
}

static err wrong_array(const struct api_model *model, struct arena *arena) {
    return err_make(ERR_INVALID, arena_format(arena, "a JSON array of %s is wanted", model->name));
}

err api_bind_list(const struct api_model *model, bytes json, struct arena *arena, bytes *out_json) {
    if (!json_is_array(json)) {
        return wrong_array(model, arena);
    }
    SCOPED(buffer_deinit) struct buffer buffer;
    buffer_init(&buffer, LIMIT_API_CANONICAL_BYTES);
    struct json_writer writer = json_writer(&buffer);
    struct api_binding binding = {.arena = arena, .writer = &writer};
    json_array_begin(&writer);
    struct json_iter elements = json_iter(json);
    bytes element;
    while (json_next_element(&elements, &element)) {
        TRY(api_bind_object(model, element, &binding));
    }
    json_array_end(&writer);
    TRY(buffer_status(&buffer));
    *out_json = arena_copy(arena, buffer_bytes(&buffer));
    return ERR_NONE;
}

static void put(void *out_struct, const struct api_field *field, const void *value, size_t size) {
    memcpy((uint8_t *)out_struct + field->offset, value, size);
}

static void take(const void *from, const struct api_field *field, void *out_value, size_t size) {
    memcpy(out_value, (const uint8_t *)from + field->offset, size);
}

// Stores a scalar. `value` is not null.
static err
store_scalar(const struct api_field *field, bytes value, struct arena *arena, void *out_struct) {
    if (field->kind == API_KIND_TEXT) {
        bytes text = BYTES_EMPTY;
        TRY(api_coerce_text(field, value, arena, &text));
        if (text.data == NULL) {
            text = BYTES_LITERAL("");
        }
        put(out_struct, field, &text, sizeof(text));
    } else if (field->kind == API_KIND_BOOL || field->kind == API_KIND_OPTIONAL_BOOL) {
        struct api_optional_bool truth = {.present = true};
        TRY(api_coerce_bool(field, value, arena, &truth.value));
        if (field->kind == API_KIND_BOOL) {
            put(out_struct, field, &truth.value, sizeof(truth.value));
        } else {
            put(out_struct, field, &truth, sizeof(truth));
        }
    } else if (field->kind == API_KIND_ENUM) {
        int constant = 0;
        TRY(api_coerce_enum(field, value, arena, &constant));
        put(out_struct, field, &constant, sizeof(constant));
    } else {
        struct api_optional_int integer = {.present = true};
        TRY(api_coerce_integer(field, value, arena, &integer.value));
        int32_t narrow = (int32_t)integer.value;
        if (field->kind == API_KIND_INT32) {
            put(out_struct, field, &narrow, sizeof(narrow));
        } else if (field->kind == API_KIND_INT64) {
            put(out_struct, field, &integer.value, sizeof(integer.value));
        } else {
            put(out_struct, field, &integer, sizeof(integer));
        }
    }
    return ERR_NONE;
}

static bool is_container(enum api_kind kind) {
    return kind >= API_KIND_ANY && kind < API_KIND_ALIAS;
}

// The canonical text of a container, in the arena.
static err
canonical_container(const struct api_field *field, bytes value, struct arena *arena, bytes *out) {
    if (field->kind == API_KIND_ANY || (field->kind == API_KIND_OBJECT && json_is_object(value))) {
        *out = value;
        return ERR_NONE;
    }
    SCOPED(buffer_deinit) struct buffer buffer;
    buffer_init(&buffer, LIMIT_API_CANONICAL_BYTES);
    struct json_writer writer = json_writer(&buffer);
    struct api_binding binding = {.arena = arena, .writer = &writer};
    TRY(api_bind_value(field, value, &binding));
    TRY(buffer_status(&buffer));
    *out = arena_copy(arena, buffer_bytes(&buffer));
    return ERR_NONE;
}

static err read_object(
    const struct api_model *model, bytes json, bool canonical, struct arena *arena, void *out_struct
) {
    bytes values[API_FIELD_COUNT_MAX];
    TRY(api_bind_fields(model, json, arena, values));
    // Outputs are written on success only.
    _Alignas(max_align_t) uint8_t built[API_STRUCT_BYTES_MAX] = {0};
    check(model->struct_size <= sizeof(built));
    for (size_t index = 0; index < model->field_count; index++) {
        const struct api_field *field = &model->fields[index];
        if (values[index].data == NULL) {
            continue;
        }
        if (!is_container(field->kind)) {
            TRY(store_scalar(field, values[index], arena, built));
            continue;
        }
        bytes text = values[index];
        if (!canonical) {
            TRY(canonical_container(field, values[index], arena, &text));
        }
        put(built, field, &text, sizeof(text));
    }
    memcpy(out_struct, built, model->struct_size);
    return ERR_NONE;
}

err api_read(const struct api_model *model, bytes json, struct arena *arena, void *out_struct) {
    return read_object(model, json, false, arena, out_struct);
}

err api_read_canonical(
    const struct api_model *model, bytes json, struct arena *arena, void *out_struct
) {
    return read_object(model, json, true, arena, out_struct);
}

err api_read_list(
    const struct api_model *model,
    bytes json,
    struct arena *arena,
    void **out_structs,
    size_t *out_count
) {
    if (!json_is_array(json)) {
        return wrong_array(model, arena);
    }
    size_t count = json_count(json);
    uint8_t *structs = arena_alloc(arena, model->struct_size * (count == 0 ? 1 : count));
    struct json_iter elements = json_iter(json);
    bytes element;
    for (size_t index = 0; json_next_element(&elements, &element); index++) {
        TRY(read_object(model, element, false, arena, structs + index * model->struct_size));
    }
    *out_structs = structs;
    *out_count = count;
    return ERR_NONE;
}

static void init_member(const struct api_field *field, void *out_struct) {
    bytes text = bytes_from_text(field->default_json);
    if (is_container(field->kind)) {
        put(out_struct, field, &text, sizeof(text));
        return;
    }
    // A default is a plain literal; only a text could need memory, and then only when escaped.
    check(field->kind != API_KIND_TEXT || bytes_find(text, 0, '\\') == text.size);
    check(!err_is(store_scalar(field, text, NULL, out_struct)));
}

void api_init(const struct api_model *model, void *out_struct) {
    memset(out_struct, 0, model->struct_size);
    for (size_t index = 0; index < model->field_count; index++) {
        if (model->fields[index].default_json != NULL) {
            init_member(&model->fields[index], out_struct);
        }
    }
}

static void write_key(const struct api_field *field, struct json_writer *writer) {
    json_key_bytes(writer, bytes_of(field->name, field->name_size));
}

// Writes nothing for null. `is_text`: decoded text, else JSON.
static void write_bytes(
    const struct api_field *field, const void *from, bool is_text, struct json_writer *writer
) {
    bytes value;
    take(from, field, &value, sizeof(value));
    if (value.data == NULL && (field->flags & API_NULL_IS_DEFAULT) != 0) {
        value = bytes_from_text(field->default_json);
    }
    if (value.data == NULL) {
        if ((field->flags & API_NULL_LITERAL) != 0) {
            write_key(field, writer);
            json_null(writer);
        }
        return;
    }
    if ((field->flags & API_DROP_EMPTY) != 0 && json_count(value) == 0) {
        return;
    }
    write_key(field, writer);
    if (is_text) {
        json_text(writer, value);
    } else {
        json_raw(writer, value);
    }
}

static void
write_integer(const struct api_field *field, const void *from, struct json_writer *writer) {
    struct api_optional_int value = {.present = true};
    if (field->kind == API_KIND_INT32) {
        int32_t narrow = 0;
        take(from, field, &narrow, sizeof(narrow));
        value.value = narrow;
    } else if (field->kind == API_KIND_INT64) {
        take(from, field, &value.value, sizeof(value.value));
    } else {
        take(from, field, &value, sizeof(value));
    }
    if (value.present) {
        write_key(field, writer);
        json_int(writer, value.value);
    }
}

static void
write_bool(const struct api_field *field, const void *from, struct json_writer *writer) {
    struct api_optional_bool value = {.present = true};
    if (field->kind == API_KIND_BOOL) {
        take(from, field, &value.value, sizeof(value.value));
    } else {
        take(from, field, &value, sizeof(value));
    }
    if (value.present) {
        write_key(field, writer);
        json_bool(writer, value.value);
    }
}

static void
write_enum(const struct api_field *field, const void *from, struct json_writer *writer) {
    int constant = 0;
    take(from, field, &constant, sizeof(constant));
    check(constant >= 0 && constant <= field->enumeration->count);
    if (constant > 0) {
        write_key(field, writer);
        json_text(writer, bytes_from_text(field->enumeration->texts[constant - 1]));
    }
}

void api_write(const struct api_model *model, const void *from, struct json_writer *writer) {
    json_object_begin(writer);
    for (size_t index = 0; index < model->field_count; index++) {
        const struct api_field *field = &model->fields[index];
        switch (field->kind) {
        case API_KIND_TEXT:
            write_bytes(field, from, true, writer);
            break;
        case API_KIND_ANY:
        case API_KIND_OBJECT:
        case API_KIND_TEXT_MAP:
        case API_KIND_TEXT_LIST:
        case API_KIND_MODEL:
        case API_KIND_MODEL_LIST:
        case API_KIND_MODEL_MAP:
        case API_KIND_MODEL_LIST_MAP:
        case API_KIND_MODEL_LIST_LIST:
        case API_KIND_MODEL_OR_EXPRESSION:
            write_bytes(field, from, false, writer);
            break;
        case API_KIND_INT32:
        case API_KIND_INT64:
        case API_KIND_OPTIONAL_INT32:
        case API_KIND_OPTIONAL_INT64:
            write_integer(field, from, writer);
            break;
        case API_KIND_BOOL:
        case API_KIND_OPTIONAL_BOOL:
            write_bool(field, from, writer);
            break;
        case API_KIND_ENUM:
            write_enum(field, from, writer);
            break;
        case API_KIND_ALIAS:
        case API_KIND_COUNT:
            break;
        }
    }
    json_object_end(writer);
}
