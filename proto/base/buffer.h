// A growing run of bytes, born with its maximum.
//
// Appending past the maximum changes nothing and sets `overflowed`, which stays set: writers append
// without looking and ask once at the end. A buffer belongs to one thread.
#pragma once

#include "proto/base/attr.h"
#include "proto/base/bytes.h"
#include "proto/base/err.h"

struct buffer {
    uint8_t *data;
    size_t size;
    size_t capacity;
    size_t size_max;
    bool overflowed;
};

// An empty buffer that will never hold more than `size_max` bytes. Allocates nothing yet.
void buffer_init(struct buffer *buffer, size_t size_max);

// Frees the memory; the buffer may be initialised again. Also for SCOPED.
void buffer_deinit(struct buffer *buffer);

// Forgets the content and the overflow, keeps the memory.
void buffer_clear(struct buffer *buffer);

void buffer_append(struct buffer *buffer, bytes view);
void buffer_append_text(struct buffer *buffer, const char *text);
void buffer_append_byte(struct buffer *buffer, uint8_t byte);
PRINTF_LIKE(2, 3) void buffer_format(struct buffer *buffer, const char *format, ...);

// `size` more bytes to be written by the caller, or NULL on overflow. Valid until the next append.
MUST_USE uint8_t *buffer_extend(struct buffer *buffer, size_t size);

// Removes the first `size` bytes.
void buffer_consume(struct buffer *buffer, size_t size);

// The content. Borrows: valid until the next change.
bytes buffer_bytes(const struct buffer *buffer);

// ERR_TOO_LARGE when something did not fit since the last clear.
MUST_USE err buffer_status(const struct buffer *buffer);
