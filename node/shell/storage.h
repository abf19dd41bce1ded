// The store of a running node: its folder, the lock that keeps a second process out, the real disk
// and the real sorted map.
#pragma once

#include "node/config.h"
#include "node/log.h"
#include "node/shell/identity.h"
#include "storage/store.h"

struct storage;

// Whether the folder holds a store.
bool storage_exists(const struct config *config, struct arena *arena);

// Makes or opens the folder, takes its lock, recovers the store. Errors: text says what to do;
// lives in `arena`.
MUST_USE err storage_open(
    const struct config *config,
    const struct identity *identity, // of the node; of state NONE when it is alone
    const struct log *log,
    struct arena *arena,
    struct storage **out_storage
);
void storage_close(struct storage **storage);

struct store *storage_store(struct storage *storage);

// The number of this start: above that of every earlier one of the node, on this disk or one lost.
uint64_t storage_incarnation(const struct storage *storage);
