// A folder in memory, for tests and the simulator.
#pragma once

#include "node/backup/session.h"

struct shelf;

struct shelf *shelf_create(void);
void shelf_destroy(struct shelf **shelf);

struct backup_folder shelf_folder(struct shelf *shelf);

// Changes one byte of a file. False: it has none there.
bool shelf_damage(struct shelf *shelf, const char *name, uint64_t offset);
