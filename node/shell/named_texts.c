#include "node/shell/named_texts.h"

#include "proto/base/buffer.h"
#include "proto/json/json.h"
#include "proto/limits.h"

#include <string.h>

extern char **environ;

bytes named_texts_read(const char *prefix, struct arena *arena) {
    SCOPED(buffer_deinit) struct buffer buffer;
    buffer_init(&buffer, LIMIT_REPLY_BYTES);
    struct json_writer writer = json_writer(&buffer);
    size_t size = strlen(prefix);
    json_object_begin(&writer);
    for (char **at = environ; *at != NULL; at++) {
        const char *equals = strchr(*at, '=');
        if (equals == NULL || strncmp(*at, prefix, size) != 0) {
            continue;
        }
        bytes name = bytes_of(*at + size, (size_t)(equals - *at) - size);
        bytes key = json_string_value(name, arena);
        bytes text = json_string_value(bytes_from_text(equals + 1), arena);
        bytes valid = BYTES_EMPTY;
        if (!err_is(json_validate(key, arena, &valid)) &&
            !err_is(json_validate(text, arena, &valid))) {
            json_raw_key(&writer, key);
            json_raw(&writer, text);
        }
    }
    json_object_end(&writer);
    return arena_copy(arena, buffer_bytes(&buffer));
}
