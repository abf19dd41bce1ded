// Files of one directory, as a table of functions: the seam at which a twin stands.
//
// Promises of any implementation: what was written before a disk_sync of the same file that
// returned no error survives; names created, renamed or removed before a disk_sync_directory
// survive; anything else may survive in part, in sectors of 512 bytes, in any order. After a failed
// sync nothing more is known about the file: the caller ends the process (distributed.md §13).
//
// Every call blocks. Errors: ERR_IO, ERR_FULL (no room on the device), ERR_NOT_FOUND (no such
// name); their texts are literals. A file is used by one thread at a time, the disk by any number.
#pragma once

#include "proto/base/attr.h"
#include "proto/base/err.h"

#include <stddef.h>
#include <stdint.h>

enum {
    DISK_BLOCK_BYTES = 4096, // of direct reads: offset, size and memory are multiples of it
    DISK_SECTOR_BYTES = 512, // what a device writes whole or not at all
    DISK_NAME_BYTES_MAX = 63
};

struct disk;
struct disk_file;

struct disk_operations {
    // Makes a file of `size` zero bytes, all of them allocated and written; an older file of the
    // name is replaced. Neither the bytes nor the name are durable yet.
    err (*create)(struct disk *disk, const char *name, uint64_t size, struct disk_file **out_file);
    err (*open)(struct disk *disk, const char *name, struct disk_file **out_file);
    // Closes and frees; syncs nothing.
    void (*close)(struct disk *disk, struct disk_file *file);
    err (*size)(struct disk *disk, struct disk_file *file, uint64_t *out_size);
    // Reads exactly `size` bytes from the medium itself, past any cache of the system.
    err (*read_direct
    )(struct disk *disk, struct disk_file *file, uint64_t offset, void *into, size_t size);
    // Writes exactly `size` bytes inside the file's size.
    err (*write
    )(struct disk *disk, struct disk_file *file, uint64_t offset, const void *from, size_t size);
    // Makes the file's bytes durable.
    err (*sync)(struct disk *disk, struct disk_file *file);
    // Makes the directory's names durable.
    err (*sync_directory)(struct disk *disk);
    err (*rename)(struct disk *disk, const char *from, const char *to);
    err (*remove)(struct disk *disk, const char *name);
    // Calls `visit` for every name, in no particular order.
    err (*list)(struct disk *disk, void (*visit)(void *argument, const char *name), void *argument);
};

// First member of every implementation.
struct disk {
    const struct disk_operations *operations;
};

MUST_USE static inline err
disk_create(struct disk *disk, const char *name, uint64_t size, struct disk_file **out_file) {
    return disk->operations->create(disk, name, size, out_file);
}

MUST_USE static inline err
disk_open(struct disk *disk, const char *name, struct disk_file **out_file) {
    return disk->operations->open(disk, name, out_file);
}

// Accepts a NULL file.
static inline void disk_close(struct disk *disk, struct disk_file *file) {
    if (file != NULL) {
        disk->operations->close(disk, file);
    }
}

MUST_USE static inline err
disk_size(struct disk *disk, struct disk_file *file, uint64_t *out_size) {
    return disk->operations->size(disk, file, out_size);
}

MUST_USE static inline err disk_read_direct(
    struct disk *disk, struct disk_file *file, uint64_t offset, void *into, size_t size
) {
    return disk->operations->read_direct(disk, file, offset, into, size);
}

MUST_USE static inline err disk_write(
    struct disk *disk, struct disk_file *file, uint64_t offset, const void *from, size_t size
) {
    return disk->operations->write(disk, file, offset, from, size);
}

MUST_USE static inline err disk_sync(struct disk *disk, struct disk_file *file) {
    return disk->operations->sync(disk, file);
}

MUST_USE static inline err disk_sync_directory(struct disk *disk) {
    return disk->operations->sync_directory(disk);
}

MUST_USE static inline err disk_rename(struct disk *disk, const char *from, const char *to) {
    return disk->operations->rename(disk, from, to);
}

MUST_USE static inline err disk_remove(struct disk *disk, const char *name) {
    return disk->operations->remove(disk, name);
}

MUST_USE static inline err
disk_list(struct disk *disk, void (*visit)(void *argument, const char *name), void *argument) {
    return disk->operations->list(disk, visit, argument);
}
