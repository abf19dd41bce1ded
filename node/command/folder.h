// A folder of the file system as a backup writes to and reads from it.
#pragma once

#include "node/backup/session.h"

// Opens the folder; makes it when `make` says so. Owned by the caller: folder_close. Errors: ERR_IO
// (with a text in `arena` that names it).
MUST_USE err
folder_open(const char *path, bool make, struct arena *arena, struct backup_folder *out_folder);
void folder_close(struct backup_folder *folder);
