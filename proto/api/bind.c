// From a client's JSON to the canonical text of a model (models.md §0.2).
//
// Idea: one walk over an object finds the raw value of each field, the last of a name winning; then
// the fields are written in the order of their table, nested models straight into the same buffer,
// so that nothing is copied once a level. What the user owns (OBJECT, ANY) passes as its text.
//
// Bounds: each level scans what is below it, so the nesting of models (LIMIT_API_MODEL_DEPTH) and
// the sum of the sizes of all objects (LIMIT_API_BIND_WORK_BYTES) are bounded; so is the canonical
// text (LIMIT_API_CANONICAL_BYTES), for defaults make `{}` three hundred bytes long.
//
// Stricter than the reference, on purpose: null in a list of models is refused (it would fail
// later, at run time); null in a list or map of strings is left out, which means the same.
#include "proto/api/model_internal.h"
#include "proto/limits.h"

#include <string.h>

static bool is_field_name(const struct api_field *field, bytes raw_key, bool escaped) {
    if (escaped) {
        return json_string_equal(raw_key, bytes_of(field->name, field->name_size));
    }
    return raw_key.size == field->name_size + 2 &&
           memcmp(raw_key.data + 1, field->name, field->name_size) == 0;
}

// The field of a key, or the count. The search begins at `hint`: canonical text has its fields in
// the order of the table.
static size_t find_field(const struct api_model *model, bytes raw_key, size_t hint) {
    bool escaped = memchr(raw_key.data, '\\', raw_key.size) != NULL;
    for (size_t step = 0; step < model->field_count; step++) {
        size_t index = hint + step;
        if (index >= model->field_count) {
            index -= model->field_count;
        }
        const struct api_field *field = &model->fields[index];
        if (is_field_name(field, raw_key, escaped)) {
            return field->kind == API_KIND_ALIAS ? index - 1 : index;
        }
    }
    return model->field_count;
}

// What a field holds when `value` was given: its default, 0, or itself; data NULL: nothing.
static bytes field_value(const struct api_field *field, bytes value) {
    bool given = value.data != NULL;
    if (given && !json_is_null(value)) {
        return value;
    }
    if (!given || (field->flags & API_NULL_IS_DEFAULT) != 0) {
        return field->default_json == NULL ? BYTES_EMPTY : bytes_from_text(field->default_json);
    }
    if (field->kind == API_KIND_INT32 || field->kind == API_KIND_INT64) {
        return BYTES_LITERAL("0");
    }
    return field->kind == API_KIND_BOOL ? BYTES_LITERAL("false") : BYTES_EMPTY;
}

err api_bind_fields(
    const struct api_model *model, bytes object, struct arena *arena, bytes *out_values
) {
    if (!json_is_object(object)) {
        return err_make(
            ERR_INVALID, arena_format(arena, "a JSON object is wanted for %s", model->name)
        );
    }
    for (size_t index = 0; index < model->field_count; index++) {
        out_values[index] = BYTES_EMPTY;
    }
    struct json_iter members = json_iter(object);
    bytes raw_key;
    bytes value;
    size_t hint = 0;
    while (json_next_member(&members, &raw_key, &value)) {
        size_t index = find_field(model, raw_key, hint);
        if (index < model->field_count) {
            out_values[index] = value;
            hint = index + 1 == model->field_count ? 0 : index + 1;
        }
    }
    if (model->derive != NULL) {
        model->derive(out_values);
    }
    for (size_t index = 0; index < model->field_count; index++) {
        out_values[index] = field_value(&model->fields[index], out_values[index]);
    }
    return ERR_NONE;
}

// Counts an object against the bounds of one binding.
static err count_work(struct api_binding *binding, bytes object) {
    binding->depth++;
    binding->work_bytes += object.size;
    if (binding->depth > LIMIT_API_MODEL_DEPTH) {
        return err_make(ERR_TOO_LARGE, "the definition is nested too deeply");
    }
    if (binding->work_bytes > LIMIT_API_BIND_WORK_BYTES) {
        return err_make(ERR_TOO_LARGE, "the definition is too large for its nesting");
    }
    return buffer_status(binding->writer->buffer);
}

err api_bind_object(const struct api_model *model, bytes object, struct api_binding *binding) {
    TRY(count_work(binding, object));
    bytes values[API_FIELD_COUNT_MAX];
    TRY(api_bind_fields(model, object, binding->arena, values));
    json_object_begin(binding->writer);
    for (size_t index = 0; index < model->field_count; index++) {
        const struct api_field *field = &model->fields[index];
        if (values[index].data != NULL) {
            json_key_bytes(binding->writer, bytes_of(field->name, field->name_size));
            TRY(api_bind_value(field, values[index], binding));
        } else if ((field->flags & API_NULL_LITERAL) != 0) {
            json_key_bytes(binding->writer, bytes_of(field->name, field->name_size));
            json_null(binding->writer);
        }
    }
    json_object_end(binding->writer);
    binding->depth--;
    return ERR_NONE;
}

static err bind_text_list(const struct api_field *field, bytes list, struct api_binding *binding) {
    if (!json_is_array(list)) {
        return api_wrong_value(field, list, binding->arena);
    }
    json_array_begin(binding->writer);
    struct json_iter elements = json_iter(list);
    bytes element;
    while (json_next_element(&elements, &element)) {
        if (!json_is_null(element)) {
            bytes text = BYTES_EMPTY;
            TRY(api_coerce_text(field, element, binding->arena, &text));
            json_text(binding->writer, text);
        }
    }
    json_array_end(binding->writer);
    return ERR_NONE;
}

static err bind_text_map(const struct api_field *field, bytes map, struct api_binding *binding) {
    if (!json_is_object(map)) {
        return api_wrong_value(field, map, binding->arena);
    }
    json_object_begin(binding->writer);
    struct json_iter members = json_iter(map);
    bytes raw_key;
    bytes value;
    while (json_next_member(&members, &raw_key, &value)) {
        if (!json_is_null(value)) {
            bytes text = BYTES_EMPTY;
            TRY(api_coerce_text(field, value, binding->arena, &text));
            json_raw_key(binding->writer, raw_key);
            json_text(binding->writer, text);
        }
    }
    json_object_end(binding->writer);
    return ERR_NONE;
}

static err bind_model(const struct api_field *field, bytes value, struct api_binding *binding) {
    if (!json_is_object(value)) {
        return api_wrong_value(field, value, binding->arena);
    }
    return api_bind_object(field->nested, value, binding);
}

static err bind_model_list(const struct api_field *field, bytes list, struct api_binding *binding) {
    if (!json_is_array(list)) {
        return api_wrong_value(field, list, binding->arena);
    }
    json_array_begin(binding->writer);
    struct json_iter elements = json_iter(list);
    bytes element;
    while (json_next_element(&elements, &element)) {
        TRY(bind_model(field, element, binding));
    }
    json_array_end(binding->writer);
    return ERR_NONE;
}

static err
bind_model_list_list(const struct api_field *field, bytes lists, struct api_binding *binding) {
    if (!json_is_array(lists)) {
        return api_wrong_value(field, lists, binding->arena);
    }
    json_array_begin(binding->writer);
    struct json_iter elements = json_iter(lists);
    bytes list;
    while (json_next_element(&elements, &list)) {
        TRY(bind_model_list(field, json_is_null(list) ? JSON_EMPTY_ARRAY : list, binding));
    }
    json_array_end(binding->writer);
    return ERR_NONE;
}

// An object whose values are models or lists of them.
static err bind_model_map(const struct api_field *field, bytes map, struct api_binding *binding) {
    if (!json_is_object(map)) {
        return api_wrong_value(field, map, binding->arena);
    }
    json_object_begin(binding->writer);
    struct json_iter members = json_iter(map);
    bytes raw_key;
    bytes value;
    while (json_next_member(&members, &raw_key, &value)) {
        json_raw_key(binding->writer, raw_key);
        if (field->kind == API_KIND_MODEL_MAP) {
            TRY(bind_model(field, value, binding));
        } else {
            TRY(bind_model_list(field, json_is_null(value) ? JSON_EMPTY_ARRAY : value, binding));
        }
    }
    json_object_end(binding->writer);
    return ERR_NONE;
}

// `"${...}"` as a whole is an expression that gives the object later.
static bool is_expression(bytes value, struct arena *arena) {
    if (!json_is_string(value)) {
        return false;
    }
    bytes text = json_string(value, arena);
    return bytes_starts_with(text, BYTES_LITERAL("${")) &&
           bytes_ends_with(text, BYTES_LITERAL("}"));
}

static err bind_scalar(const struct api_field *field, bytes value, struct api_binding *binding) {
    if (field->kind == API_KIND_BOOL || field->kind == API_KIND_OPTIONAL_BOOL) {
        bool truth = false;
        TRY(api_coerce_bool(field, value, binding->arena, &truth));
        json_bool(binding->writer, truth);
        return ERR_NONE;
    }
    if (field->kind == API_KIND_ENUM) {
        int constant = 0;
        TRY(api_coerce_enum(field, value, binding->arena, &constant));
        json_text(binding->writer, bytes_from_text(field->enumeration->texts[constant - 1]));
        return ERR_NONE;
    }
    if (field->kind == API_KIND_TEXT) {
        bytes text = BYTES_EMPTY;
        TRY(api_coerce_text(field, value, binding->arena, &text));
        json_text(binding->writer, text);
        return ERR_NONE;
    }
    int64_t integer = 0;
    TRY(api_coerce_integer(field, value, binding->arena, &integer));
    json_int(binding->writer, integer);
    return ERR_NONE;
}

err api_bind_value(const struct api_field *field, bytes value, struct api_binding *binding) {
    switch (field->kind) {
    case API_KIND_ANY:
        json_raw(binding->writer, value);
        return ERR_NONE;
    case API_KIND_OBJECT:
        if (!json_is_object(value)) {
            return api_wrong_value(field, value, binding->arena);
        }
        json_raw(binding->writer, value);
        return ERR_NONE;
    case API_KIND_TEXT_MAP:
        return bind_text_map(field, value, binding);
    case API_KIND_TEXT_LIST:
        return bind_text_list(field, value, binding);
    case API_KIND_MODEL_OR_EXPRESSION:
        if (is_expression(value, binding->arena)) {
            json_raw(binding->writer, value);
            return ERR_NONE;
        }
        return bind_model(field, value, binding);
    case API_KIND_MODEL:
        return bind_model(field, value, binding);
    case API_KIND_MODEL_LIST:
        return bind_model_list(field, value, binding);
    case API_KIND_MODEL_MAP:
    case API_KIND_MODEL_LIST_MAP:
        return bind_model_map(field, value, binding);
    case API_KIND_MODEL_LIST_LIST:
        return bind_model_list_list(field, value, binding);
    case API_KIND_TEXT:
    case API_KIND_INT32:
    case API_KIND_INT64:
    case API_KIND_BOOL:
    case API_KIND_OPTIONAL_INT32:
    case API_KIND_OPTIONAL_INT64:
    case API_KIND_OPTIONAL_BOOL:
    case API_KIND_ENUM:
        return bind_scalar(field, value, binding);
    case API_KIND_ALIAS:
    case API_KIND_COUNT:
        break;
    }
    return api_wrong_value(field, value, binding->arena);
}
