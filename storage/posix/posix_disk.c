// Plain system calls on one directory.
//
// Writes go through the page cache and become durable with fdatasync: a file of ours keeps its size
// for life, so a sync changes no metadata. Direct reads go round the cache, because after a failed
// sync it may show what the disk lost; a file system without O_DIRECT (tmpfs) is read plainly,
// since what it holds does not survive anyway.
//
// Every call is finished or fails: interrupted and partial transfers go on where they stopped.
#include "storage/posix/posix_disk.h"

#include "proto/base/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

// Linux's O_DIRECT, which <fcntl.h> hides without _GNU_SOURCE. The value is the kernel's for the
// machines we build for; elsewhere reads are plain.
#if defined(__linux__) && (defined(__x86_64__) || defined(__i386__) || defined(__riscv))
#define DIRECT_FLAG 040000
#elif defined(__linux__) && (defined(__aarch64__) || defined(__arm__))
#define DIRECT_FLAG 0200000
#else
#define DIRECT_FLAG 0
#endif

enum {
    ZERO_BYTES = 1024 * 1024
};

struct posix_disk {
    struct disk disk;
    int directory;
};

struct disk_file {
    int file;   // read and written
    int direct; // read past the cache
};

static const struct disk_operations OPERATIONS;

static int directory_of(struct disk *disk) {
    return ((struct posix_disk *)disk)->directory;
}

static err error_of(int number, const char *text) {
    if (number == ENOSPC || number == EDQUOT || number == EFBIG) {
        return err_make(ERR_FULL, "no room left on the device");
    }
    return err_make(number == ENOENT ? ERR_NOT_FOUND : ERR_IO, text);
}

static int open_again(int directory, const char *name, int flags) {
    int file = -1;
    do {
        file = openat(directory, name, flags | O_CLOEXEC, 0600);
    } while (file < 0 && errno == EINTR);
    return file;
}

static err
handle_open(struct disk *disk, const char *name, int flags, struct disk_file **out_file) {
    struct disk_file *handle = malloc(sizeof(*handle));
    check(handle != NULL);
    handle->file = open_again(directory_of(disk), name, O_RDWR | flags);
    if (handle->file < 0) {
        int number = errno;
        free(handle);
        return error_of(number, "a file cannot be opened");
    }
    handle->direct = open_again(directory_of(disk), name, O_RDONLY | DIRECT_FLAG);
    if (handle->direct < 0) {
        handle->direct = open_again(directory_of(disk), name, O_RDONLY);
    }
    if (handle->direct < 0) {
        int number = errno;
        (void)close(handle->file);
        free(handle);
        return error_of(number, "a file cannot be opened");
    }
    *out_file = handle;
    return ERR_NONE;
}

static void close_file(struct disk *disk, struct disk_file *file) {
    (void)disk;
    (void)close(file->file);
    (void)close(file->direct);
    free(file);
}

static err write_file(
    struct disk *disk, struct disk_file *file, uint64_t offset, const void *from, size_t size
) {
    (void)disk;
    const uint8_t *at = from;
    while (size > 0) {
        ssize_t written = pwrite(file->file, at, size, (off_t)offset);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return error_of(errno, "a write was refused");
        }
        at += written;
        offset += (uint64_t)written;
        size -= (size_t)written;
    }
    return ERR_NONE;
}

// Allocated, then written: a sync of a later write finds nothing left to convert or allocate.
static err fill_with_zeroes(struct disk *disk, struct disk_file *file, uint64_t size) {
    int number = posix_fallocate(file->file, 0, (off_t)size);
    if (number != 0 && number != EOPNOTSUPP && number != EINVAL) {
        return error_of(number, "a file cannot be allocated");
    }
    void *zeroes = calloc(1, ZERO_BYTES);
    check(zeroes != NULL);
    err error = ERR_NONE;
    for (uint64_t at = 0; at < size && !err_is(error);) {
        size_t take = size - at < ZERO_BYTES ? (size_t)(size - at) : (size_t)ZERO_BYTES;
        error = write_file(disk, file, at, zeroes, take);
        at += take;
    }
    free(zeroes);
    return error;
}

static err create(struct disk *disk, const char *name, uint64_t size, struct disk_file **out_file) {
    struct disk_file *file = NULL;
    TRY(handle_open(disk, name, O_CREAT | O_TRUNC, &file));
    err error = fill_with_zeroes(disk, file, size);
    if (err_is(error)) {
        close_file(disk, file);
        (void)unlinkat(directory_of(disk), name, 0);
        return error;
    }
    *out_file = file;
    return ERR_NONE;
}

static err open_file(struct disk *disk, const char *name, struct disk_file **out_file) {
    return handle_open(disk, name, 0, out_file);
}

static err size_of(struct disk *disk, struct disk_file *file, uint64_t *out_size) {
    (void)disk;
    struct stat status;
    if (fstat(file->file, &status) != 0) {
        return error_of(errno, "a file cannot be examined");
    }
    *out_size = (uint64_t)status.st_size;
    return ERR_NONE;
}

static err
read_direct(struct disk *disk, struct disk_file *file, uint64_t offset, void *into, size_t size) {
    (void)disk;
    uint8_t *at = into;
    while (size > 0) {
        ssize_t got = pread(file->direct, at, size, (off_t)offset);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return err_make(ERR_IO, "a read was refused");
        }
        at += got;
        offset += (uint64_t)got;
        size -= (size_t)got;
    }
    return ERR_NONE;
}

static err sync_file(struct disk *disk, struct disk_file *file) {
    (void)disk;
    return fdatasync(file->file) == 0 ? ERR_NONE : error_of(errno, "a sync failed");
}

static err sync_directory(struct disk *disk) {
    return fsync(directory_of(disk)) == 0 ? ERR_NONE
                                          : error_of(errno, "a sync of the directory failed");
}

static err rename_file(struct disk *disk, const char *from, const char *to) {
    int directory = directory_of(disk);
    return renameat(directory, from, directory, to) == 0
               ? ERR_NONE
               : error_of(errno, "a file cannot be renamed");
}

static err remove_file(struct disk *disk, const char *name) {
    return unlinkat(directory_of(disk), name, 0) == 0 ? ERR_NONE
                                                      : error_of(errno, "a file cannot be removed");
}

static err
list(struct disk *disk, void (*visit)(void *argument, const char *name), void *argument) {
    int copy = open_again(directory_of(disk), ".", O_RDONLY | O_DIRECTORY);
    DIR *directory = copy < 0 ? NULL : fdopendir(copy);
    if (directory == NULL) {
        int number = errno;
        if (copy >= 0) {
            (void)close(copy);
        }
        return error_of(number, "the directory cannot be read");
    }
    for (;;) {
        errno = 0;
        const struct dirent *found =
            readdir(directory); // NOLINT(concurrency-mt-unsafe): own stream
        if (found == NULL) {
            break;
        }
        visit(argument, found->d_name);
    }
    int number = errno;
    (void)closedir(directory);
    return number == 0 ? ERR_NONE : error_of(number, "the directory cannot be read");
}

static const struct disk_operations OPERATIONS = {
    .create = create,
    .open = open_file,
    .close = close_file,
    .size = size_of,
    .read_direct = read_direct,
    .write = write_file,
    .sync = sync_file,
    .sync_directory = sync_directory,
    .rename = rename_file,
    .remove = remove_file,
    .list = list,
};

// A directory that is new must survive too: its name is in the one above.
static err sync_above(int directory) {
    int above = open_again(directory, "..", O_RDONLY | O_DIRECTORY);
    if (above < 0) {
        return error_of(errno, "the directory above cannot be opened");
    }
    err error =
        fsync(above) == 0 ? ERR_NONE : error_of(errno, "the directory above cannot be synced");
    (void)close(above);
    return error;
}

err posix_disk_create(const char *path, struct arena *arena, struct disk **out_disk) {
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        return err_make(
            ERR_IO, arena_format(arena, "directory '%s' cannot be made (errno %d)", path, errno)
        );
    }
    int directory = open_again(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
    if (directory < 0) {
        return err_make(
            ERR_IO, arena_format(arena, "directory '%s' cannot be opened (errno %d)", path, errno)
        );
    }
    if (flock(directory, LOCK_EX | LOCK_NB) != 0) {
        (void)close(directory);
        return err_make(
            ERR_CONFLICT, arena_format(arena, "directory '%s' is used by another process", path)
        );
    }
    err error = sync_above(directory);
    if (err_is(error)) {
        (void)close(directory);
        return error;
    }
    struct posix_disk *disk = malloc(sizeof(*disk));
    check(disk != NULL);
    *disk = (struct posix_disk){.disk = {&OPERATIONS}, .directory = directory};
    *out_disk = &disk->disk;
    return ERR_NONE;
}

void posix_disk_destroy(struct disk **disk) {
    if (*disk != NULL) {
        (void)close(directory_of(*disk));
        free(*disk);
        *disk = NULL;
    }
}
