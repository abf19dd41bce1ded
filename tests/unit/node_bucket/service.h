// A service that speaks as much S3 as node/bucket does, in memory, with a clock that only waiting
// moves; and one that misbehaves as it is told.
#pragma once

#include "node/bucket/client.h"

struct service;

struct service *service_create(void);
void service_destroy(struct service **service);

// A client of its bucket `b` below the prefix `p/`.
struct bucket_client service_client(struct service *service);

// The next `count` requests are answered so, whatever they ask; status 0: not at all.
void service_misbehave(struct service *service, int count, uint16_t status, const char *body);

// Requests so far; objects there now; what was waited for so far.
int service_requests(const struct service *service);
int service_objects(const struct service *service);
int64_t service_now_ms(const struct service *service);

// Takes an object away. False: it was not there.
bool service_lose(struct service *service, const char *name);
