// A bucket of a service that speaks S3 as the place of a backup (node/backup/session.h). Pure.
// Thread: one.
#pragma once

#include "node/backup/session.h"
#include "node/bucket/client.h"

// Looks what lies below the prefix. Owned by the caller: bucket_close. Texts of `client` must
// outlive it. Errors: those of bucket_list, with a text in `arena`. Texts of the folder's errors
// live until it is used again.
MUST_USE err bucket_open(
    const struct bucket_client *client, struct arena *arena, struct backup_folder *out_folder
);

// What was appended and not synchronised is lost.
void bucket_close(struct backup_folder *folder);
