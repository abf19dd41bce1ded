// The text of an error as the reference gives it (asked of it, conductor-server 3.32.3):
//
//   Error evaluating the script `TypeError: Cannot read property 'x' of undefined` at line 3
//
// with a line for errors that the engine raised and for thrown values that are no errors, without
// one for errors that the script constructed or a built-in function raised. Our engine does not
// know where a value that is no error was thrown; the line is that of the first `throw` then.
#include "node/eval/evaluator/javascript_internal.h"

#include <string.h>

static bytes text_of(struct javascript *javascript, JSValueConst value, struct arena *arena) {
    size_t size = 0;
    const char *text = JS_ToCStringLen(javascript->context, &size, value);
    return text == NULL ? BYTES_LITERAL("Error") : arena_copy(arena, bytes_of(text, size));
}

static bytes property_text(
    struct javascript *javascript, JSValueConst object, const char *name, struct arena *arena
) {
    JSValue value = JS_GetPropertyStr(javascript->context, object, name);
    return JS_IsString(value) ? text_of(javascript, value, arena) : BYTES_EMPTY;
}

// "Array" of a list, "Error" of a plain object.
static bytes class_name(struct javascript *javascript, JSValueConst object, struct arena *arena) {
    JSValue constructor = JS_GetPropertyStr(javascript->context, object, "constructor");
    bytes name = JS_IsObject(constructor) ? property_text(javascript, constructor, "name", arena)
                                          : BYTES_EMPTY;
    return name.size == 0 || bytes_equal_text(name, "Object") ? BYTES_LITERAL("Error") : name;
}

static bytes named(bytes name, bytes message, struct arena *arena) {
    if (message.size == 0) {
        return name;
    }
    return bytes_from_text(arena_format(arena, "%.*s: %.*s", BYTES_ARG(name), BYTES_ARG(message)));
}

// Where a stack trace of the engine begins: "    at f (inline:3:7)\n…". False: in a built-in.
static bool place_of(bytes stack, unsigned *out_line, unsigned *out_column) {
    bytes first = bytes_slice(stack, 0, bytes_find(stack, 0, '\n'));
    const char *label = "inline:";
    for (size_t at = 0; at + strlen(label) < first.size; at++) {
        if (memcmp(first.data + at, label, strlen(label)) == 0) {
            unsigned values[2] = {0, 0};
            unsigned which = 0;
            for (at += strlen(label); at < first.size && which < 2; at++) {
                uint8_t byte = first.data[at];
                if (byte >= '0' && byte <= '9') {
                    values[which] = values[which] * 10 + (byte - '0');
                } else {
                    which++;
                }
            }
            *out_line = values[0];
            *out_column = values[1];
            return values[0] > 0;
        }
    }
    return false;
}

// The `line`-th line (from 1) of the text, without its end.
static bytes line_of(bytes text, unsigned line) {
    size_t from = 0;
    while (line > 1 && from < text.size) {
        from = bytes_find(text, from, '\n') + 1;
        line--;
    }
    return from >= text.size ? BYTES_EMPTY : bytes_slice(text, from, bytes_find(text, from, '\n'));
}

static unsigned line_of_throw(bytes text) {
    unsigned line = 1;
    for (size_t at = 0; at + 5 <= text.size; at++) {
        if (memcmp(text.data + at, "throw", 5) == 0) {
            return line;
        }
        line += text.data[at] == '\n';
    }
    return 1;
}

// "SyntaxError: inline:1:4 <what>\n<the line>\n    ^\n": a text that does not compile.
static bytes
syntax_text(bytes message, bytes text, unsigned line, unsigned column, struct arena *arena) {
    unsigned at = column > 0 ? column - 1 : 0;
    return bytes_from_text(arena_format(
        arena,
        "SyntaxError: inline:%u:%u %.*s\n%.*s\n%*s^\n",
        line,
        at,
        BYTES_ARG(message),
        BYTES_ARG(line_of(text, line)),
        (int)(at < 500 ? at : 0),
        ""
    ));
}

// The engine writes "cannot read property"; the reference "Cannot".
static bytes capital(bytes message, struct arena *arena) {
    if (!bytes_starts_with(message, BYTES_LITERAL("cannot "))) {
        return message;
    }
    return bytes_from_text(
        arena_format(arena, "C%.*s", BYTES_ARG(bytes_slice(message, 1, message.size)))
    );
}

static bytes finished(bytes message, unsigned line, struct arena *arena) {
    const char *at = line > 0 ? arena_format(arena, " at line %u", line) : "";
    return bytes_from_text(
        arena_format(arena, "Error evaluating the script `%.*s`%s", BYTES_ARG(message), at)
    );
}

static bytes
error_text(struct javascript *javascript, JSValueConst error, bytes text, struct arena *arena) {
    bytes name = property_text(javascript, error, "name", arena);
    bytes message = property_text(javascript, error, "message", arena);
    bytes stack = property_text(javascript, error, "stack", arena);
    JSValue made = JS_Call(javascript->context, javascript->is_made, JS_UNDEFINED, 1, &error);
    if (JS_ToBool(javascript->context, made) != 0) {
        // A class of the script's own inherits the name of the class it extends.
        bytes own = class_name(javascript, error, arena);
        return finished(
            named(bytes_equal_text(name, "Error") ? own : name, message, arena), 0, arena
        );
    }
    unsigned line = 0;
    unsigned column = 0;
    bool placed = place_of(stack, &line, &column);
    if (placed && bytes_equal_text(name, "SyntaxError")) {
        return finished(syntax_text(message, text, line, column, arena), line, arena);
    }
    return finished(named(name, capital(message, arena), arena), placed ? line : 0, arena);
}

bytes javascript_error_text(struct javascript *javascript, bytes text, struct arena *arena) {
    JSValue thrown = JS_GetException(javascript->context);
    if (JS_IsError(thrown)) {
        return error_text(javascript, thrown, text, arena);
    }
    bytes message;
    if (JS_IsObject(thrown)) {
        message = named(
            class_name(javascript, thrown, arena),
            property_text(javascript, thrown, "message", arena),
            arena
        );
    } else {
        message = text_of(javascript, thrown, arena);
    }
    return finished(message, line_of_throw(text), arena);
}
