// The whole conformance corpus: every definition file is bound, validated and compared with what
// the reference server answered and gave back (golden files beside the corpus).
//
// Skipped, with a line, where the corpus is not at hand.
#include "proto/api/model.h"
#include "proto/api/validate.h"
#include "tests/unit/test.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#define DEFINITIONS ORPHEUS_SHARED "/conformance/definitions"
#define GOLDEN ORPHEUS_SHARED "/conformance/golden"

// What the server stamps on a definition: left out of golden files at every depth.
static const char *const stamps[] = {
    "createTime", "updateTime", "createdBy", "updatedBy", "ownerApp"};

static bytes file_text(const char *folder, const char *name, struct arena *arena) {
    FILE *file = fopen(arena_format(arena, "%s/%s", folder, name), "rb");
    if (file == NULL) {
        return BYTES_EMPTY;
    }
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    assert_true(size >= 0);
    assert_int_equal(fseek(file, 0, SEEK_SET), 0);
    uint8_t *text = arena_alloc(arena, (size_t)size + 1);
    assert_int_equal(fread(text, 1, (size_t)size, file), (size_t)size);
    assert_int_equal(fclose(file), 0);
    return bytes_of(text, (size_t)size);
}

static bytes document(const char *folder, const char *name, struct arena *arena) {
    bytes value = BYTES_EMPTY;
    assert_ok(json_validate(file_text(folder, name, arena), arena, &value));
    return value;
}

static bool is_stamp(bytes raw_key) {
    for (size_t index = 0; index < sizeof(stamps) / sizeof(stamps[0]); index++) {
        if (json_string_equal(raw_key, bytes_from_text(stamps[index]))) {
            return true;
        }
    }
    return false;
}

static void write_unstamped(bytes value, struct json_writer *writer) {
    struct json_iter iter;
    bytes raw_key;
    bytes inner;
    if (json_is_object(value)) {
        json_object_begin(writer);
        iter = json_iter(value);
        while (json_next_member(&iter, &raw_key, &inner)) {
            if (!is_stamp(raw_key)) {
                json_raw_key(writer, raw_key);
                write_unstamped(inner, writer);
            }
        }
        json_object_end(writer);
    } else if (json_is_array(value)) {
        json_array_begin(writer);
        iter = json_iter(value);
        while (json_next_element(&iter, &inner)) {
            write_unstamped(inner, writer);
        }
        json_array_end(writer);
    } else {
        json_raw(writer, value);
    }
}

static bytes unstamped(bytes value, struct arena *arena) {
    struct buffer buffer;
    buffer_init(&buffer, 64 * 1024 * 1024);
    struct json_writer writer = json_writer(&buffer);
    write_unstamped(value, &writer);
    assert_ok(buffer_status(&buffer));
    bytes text = arena_copy(arena, buffer_bytes(&buffer));
    buffer_deinit(&buffer);
    return text;
}

// One file being compared.
struct corpus_file {
    const char *name;
    struct arena *arena;
    bytes golden;
    bool is_list;
    size_t definitions;
    size_t differences;
};

static bool is_workflow(bytes entry) {
    bytes ignored;
    return json_get_text(entry, "tasks", &ignored);
}

// `workflow <name>:<version>` or `task <name>`, the keys of "definitions" in a golden file.
static bytes label_of(bytes entry, struct arena *arena) {
    bytes name = JSON_NULL_TEXT;
    bytes version = BYTES_LITERAL("1");
    if (json_get_text(entry, "name", &name) && json_is_string(name)) {
        name = json_string(name, arena);
    }
    if (!is_workflow(entry)) {
        return bytes_from_text(arena_format(arena, "task %.*s", BYTES_ARG(name)));
    }
    (void)json_get_text(entry, "version", &version);
    return bytes_from_text(
        arena_format(arena, "workflow %.*s:%.*s", BYTES_ARG(name), BYTES_ARG(version))
    );
}

static void differ(struct corpus_file *file, bytes label, bytes expected, bytes actual) {
    file->differences++;
    print_message(
        "%s, %.*s:\n  expected %.*s\n  actual   %.*s\n",
        file->name,
        BYTES_ARG(label),
        BYTES_ARG(expected),
        BYTES_ARG(actual)
    );
}

static bytes golden_part(const struct corpus_file *file, const char *part, bytes label) {
    bytes value = BYTES_EMPTY;
    bytes found = BYTES_EMPTY;
    assert_true(json_get_text(file->golden, part, &value));
    return json_get(value, label, &found) ? found : BYTES_EMPTY;
}

// The violations as the golden file has them: sorted is not needed, the corpus has one at most.
static bytes violations_text(const struct api_violations *violations, struct arena *arena) {
    const char *text = "";
    for (size_t index = 0; index < violations->count; index++) {
        bytes path = json_string_value(violations->items[index].path, arena);
        bytes message = json_string_value(violations->items[index].message, arena);
        text = arena_format(
            arena,
            "%s%s{\"path\":%.*s,\"message\":%.*s}",
            text,
            index == 0 ? "" : ",",
            BYTES_ARG(path),
            BYTES_ARG(message)
        );
    }
    return bytes_from_text(arena_format(arena, "[%s]", text));
}

static void compare_registration(
    struct corpus_file *file, bytes label, const struct api_violations *violations
) {
    bytes recorded = golden_part(file, "register", label);
    if (recorded.data == NULL) {
        recorded = golden_part(file, "register", BYTES_LITERAL("workflow list"));
    }
    if (recorded.data == NULL) {
        recorded = golden_part(file, "register", BYTES_LITERAL("task definitions"));
    }
    assert_non_null(recorded.data);
    bytes expected = JSON_EMPTY_ARRAY;
    bytes status = BYTES_EMPTY;
    int64_t code = 0;
    (void)json_get_text(recorded, "validationErrors", &expected);
    assert_true(json_get_text(recorded, "status", &status) && json_i64(status, &code));
    bytes actual = violations_text(violations, file->arena);
    if (!json_equal(expected, actual) || (code == 200) != (violations->count == 0)) {
        differ(file, label, recorded, actual);
    }
}

static void compare_entry(struct corpus_file *file, bytes entry) {
    bool workflow = is_workflow(entry);
    bytes label = label_of(entry, file->arena);
    bytes canonical = BYTES_EMPTY;
    assert_ok(api_bind(
        workflow ? &api_workflow_definition_model : &api_task_definition_model,
        entry,
        file->arena,
        &canonical
    ));
    struct api_violations violations;
    api_violations_init(&violations, file->arena);
    struct api_validate_options options = {
        .path = workflow ? API_PATH_REGISTER_WORKFLOW : API_PATH_REGISTER_TASKS};
    if (workflow) {
        api_validate_workflow_definition(canonical, &options, &violations);
    } else {
        api_validate_task_definition(canonical, &options, &violations);
    }
    compare_registration(file, label, &violations);
    file->definitions++;
    bytes expected = golden_part(file, "definitions", label);
    bytes actual = unstamped(canonical, file->arena);
    if (violations.count == 0 && (expected.data == NULL || !json_equal(expected, actual))) {
        differ(file, label, expected, actual);
    }
    // What is stored binds to itself.
    bytes again = BYTES_EMPTY;
    assert_ok(api_bind(
        workflow ? &api_workflow_definition_model : &api_task_definition_model,
        canonical,
        file->arena,
        &again
    ));
    assert_true(bytes_equal(canonical, again));
}

// Whether a later entry of the file registers the same name and version.
static bool is_replaced(struct json_iter later, bytes label, struct arena *arena) {
    bytes entry;
    while (json_next_element(&later, &entry)) {
        if (bytes_equal(label_of(entry, arena), label)) {
            return true;
        }
    }
    return false;
}

static void compare_file(struct corpus_file *file, bytes content) {
    file->is_list = json_is_array(content);
    if (!file->is_list) {
        compare_entry(file, content);
        return;
    }
    struct json_iter entries = json_iter(content);
    bytes entry;
    while (json_next_element(&entries, &entry)) {
        if (!is_replaced(entries, label_of(entry, file->arena), file->arena)) {
            compare_entry(file, entry);
        }
    }
}

static void every_definition_of_the_corpus_registers_and_reads_back_as_recorded(void **state) {
    (void)state;
    DIR *folder = opendir(DEFINITIONS);
    if (folder == NULL) {
        print_message("skipped: no corpus at %s\n", DEFINITIONS);
        skip();
    }
    struct arena *arena = arena_create(1 << 20);
    size_t files = 0;
    size_t definitions = 0;
    size_t differences = 0;
    for (struct dirent *row = readdir(folder); row != NULL; row = readdir(folder)) {
        if (!bytes_ends_with(bytes_from_text(row->d_name), BYTES_LITERAL(".json"))) {
            continue;
        }
        arena_reset(arena);
        struct corpus_file file = {
            .name = arena_text(arena, bytes_from_text(row->d_name)),
            .arena = arena,
            .golden = document(GOLDEN, row->d_name, arena),
        };
        compare_file(&file, document(DEFINITIONS, row->d_name, arena));
        files++;
        definitions += file.definitions;
        differences += file.differences;
    }
    closedir(folder);
    arena_destroy(&arena);
    print_message("%zu files, %zu definitions, %zu differences\n", files, definitions, differences);
    assert_true(definitions > 200);
    assert_int_equal(differences, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_definition_of_the_corpus_registers_and_reads_back_as_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
