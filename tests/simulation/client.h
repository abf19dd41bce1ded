// Clients: they start workflows, read, pause, resume, terminate and complete human tasks.
#pragma once

#include "tests/simulation/scene.h"

struct client;

// Lives in `arena`.
struct client *client_create(struct scene *scene, struct arena *arena);
void client_begin(struct client *client);
