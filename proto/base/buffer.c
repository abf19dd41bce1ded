// Capacity doubles; memory that runs out stops the process, a size over the maximum is an answer.
#include "proto/base/buffer.h"

#include "proto/base/check.h"

#include <stdarg.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BUFFER_CAPACITY_FIRST = 256
};

void buffer_init(struct buffer *buffer, size_t size_max) {
    *buffer = (struct buffer){.size_max = size_max};
}

void buffer_deinit(struct buffer *buffer) {
    free(buffer->data);
    buffer_init(buffer, buffer->size_max);
}

void buffer_clear(struct buffer *buffer) {
    buffer->size = 0;
    buffer->overflowed = false;
}

uint8_t *buffer_extend(struct buffer *buffer, size_t size) {
    if (buffer->overflowed || size > buffer->size_max - buffer->size) {
        buffer->overflowed = true;
        return NULL;
    }
    size_t needed = buffer->size + size;
    if (needed > buffer->capacity || buffer->data == NULL) {
        size_t capacity = buffer->capacity == 0 ? BUFFER_CAPACITY_FIRST : buffer->capacity;
        while (capacity < needed) {
            capacity *= 2;
        }
        buffer->data = realloc(buffer->data, capacity);
        check(buffer->data != NULL);
        buffer->capacity = capacity;
    }
    uint8_t *at = buffer->data + buffer->size;
    buffer->size = needed;
    return at;
}

void buffer_append(struct buffer *buffer, bytes view) {
    if (view.size == 0) {
        return;
    }
    uint8_t *at = buffer_extend(buffer, view.size);
    if (at != NULL) {
        memcpy(at, view.data, view.size);
    }
}

void buffer_append_text(struct buffer *buffer, const char *text) {
    buffer_append(buffer, bytes_from_text(text));
}

void buffer_append_byte(struct buffer *buffer, uint8_t byte) {
    uint8_t *at = buffer_extend(buffer, 1);
    if (at != NULL) {
        *at = byte;
    }
}

void buffer_format(struct buffer *buffer, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char small[256];
    int size = vsnprintf(small, sizeof(small), format, arguments);
    va_end(arguments);
    check(size >= 0);
    if ((size_t)size < sizeof(small)) {
        buffer_append(buffer, bytes_of(small, (size_t)size));
        return;
    }
    char *large = malloc((size_t)size + 1);
    check(large != NULL);
    va_start(arguments, format);
    (void)vsnprintf(large, (size_t)size + 1, format, arguments);
    va_end(arguments);
    buffer_append(buffer, bytes_of(large, (size_t)size));
    free(large);
}

void buffer_consume(struct buffer *buffer, size_t size) {
    check(size <= buffer->size);
    if (size > 0) {
        memmove(buffer->data, buffer->data + size, buffer->size - size);
        buffer->size -= size;
    }
}

bytes buffer_bytes(const struct buffer *buffer) {
    return bytes_of(buffer->data, buffer->size);
}

err buffer_status(const struct buffer *buffer) {
    return buffer->overflowed ? err_make(ERR_TOO_LARGE, "a document is over its size limit")
                              : ERR_NONE;
}
