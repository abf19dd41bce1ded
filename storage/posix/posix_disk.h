// The real disk: one directory of the file system.
#pragma once

#include "proto/base/arena.h"
#include "storage/disk.h"

// Opens the directory at `path`, making it when it is not there (its parent must be). One process
// at a time: a lock on the directory is held until posix_disk_destroy. Errors: ERR_CONFLICT
// (another process has it), ERR_IO; texts in `arena`.
MUST_USE err posix_disk_create(const char *path, struct arena *arena, struct disk **out_disk);

// Closes the directory. Its files must be closed. Leaves NULL. Accepts NULL.
void posix_disk_destroy(struct disk **disk);
