#include "node/command/folder.h"

#include "proto/base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char DRAFT[] = "manifest.draft";

struct folder {
    int directory;
};

static int directory_of(void *argument) {
    return ((struct folder *)argument)->directory;
}

static err error_of(int number, const char *text) {
    bool full = number == ENOSPC || number == EDQUOT || number == EFBIG;
    return full ? err_make(ERR_FULL, "no room left for the backup") : err_make(ERR_IO, text);
}

static err size(void *argument, const char *name, uint64_t *out_size) {
    struct stat state;
    if (fstatat(directory_of(argument), name, &state, 0) != 0) {
        *out_size = 0;
        return errno == ENOENT ? ERR_NONE : error_of(errno, "a file of the backup cannot be seen");
    }
    *out_size = (uint64_t)state.st_size;
    return ERR_NONE;
}

static err read_at(void *argument, const char *name, uint64_t offset, size_t wanted, uint8_t *out) {
    int file = openat(directory_of(argument), name, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return error_of(errno, "a file of the backup cannot be opened");
    }
    size_t done = 0;
    while (done < wanted) {
        ssize_t got = pread(file, out + done, wanted - done, (off_t)(offset + done));
        if (got == 0 || (got < 0 && errno != EINTR)) {
            (void)close(file);
            return err_make(ERR_IO, "a file of the backup cannot be read");
        }
        done += got > 0 ? (size_t)got : 0;
    }
    (void)close(file);
    return ERR_NONE;
}

static err write_all(int file, bytes content) {
    while (content.size > 0) {
        ssize_t put = write(file, content.data, content.size);
        if (put < 0 && errno != EINTR) {
            return error_of(errno, "a file of the backup cannot be written");
        }
        content = bytes_slice(content, put > 0 ? (size_t)put : 0, content.size);
    }
    return ERR_NONE;
}

static err append(void *argument, const char *name, bytes content) {
    int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
    int file = openat(directory_of(argument), name, flags, 0600);
    if (file < 0) {
        return error_of(errno, "a file of the backup cannot be made");
    }
    err written = write_all(file, content);
    if (close(file) != 0 && !err_is(written)) {
        written = error_of(errno, "a file of the backup cannot be written");
    }
    return written;
}

static err cut(void *argument, const char *name, uint64_t bytes_left) {
    int file = openat(directory_of(argument), name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) {
        return error_of(errno, "a file of the backup cannot be made");
    }
    int done = ftruncate(file, (off_t)bytes_left);
    (void)close(file);
    return done == 0 ? ERR_NONE : err_make(ERR_IO, "a file of the backup cannot be cut");
}

static err sync_file(void *argument, const char *name) {
    int file = openat(directory_of(argument), name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) {
        return error_of(errno, "a file of the backup cannot be opened");
    }
    int done = fsync(file);
    int number = errno;
    (void)close(file);
    return done == 0 ? ERR_NONE : error_of(number, "a file of the backup cannot be made durable");
}

static err publish(void *argument, const char *name, bytes content) {
    int directory = directory_of(argument);
    TRY(cut(argument, DRAFT, 0));
    TRY(append(argument, DRAFT, content));
    TRY(sync_file(argument, DRAFT));
    if (fsync(directory) != 0 || renameat(directory, DRAFT, directory, name) != 0 ||
        fsync(directory) != 0) {
        return error_of(errno, "the manifest cannot be put in its place");
    }
    return ERR_NONE;
}

err folder_open(
    const char *path, bool make, struct arena *arena, struct backup_folder *out_folder
) {
    if (make && mkdir(path, 0700) != 0 && errno != EEXIST) {
        return err_make(
            ERR_IO, arena_format(arena, "the folder %s cannot be made: its parent must exist", path)
        );
    }
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) {
        return err_make(ERR_IO, arena_format(arena, "the folder %s cannot be opened", path));
    }
    struct folder *folder = malloc(sizeof(*folder));
    check(folder != NULL);
    folder->directory = directory;
    *out_folder = (struct backup_folder){
        .argument = folder,
        .size = size,
        .read = read_at,
        .append = append,
        .cut = cut,
        .sync = sync_file,
        .publish = publish,
    };
    return ERR_NONE;
}

void folder_close(struct backup_folder *folder) {
    struct folder *open = folder->argument;
    if (open != NULL) {
        (void)close(open->directory);
        free(open);
        folder->argument = NULL;
    }
}
