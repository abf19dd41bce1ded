// HTTP for the drivers: a cluster that is asked, and the wire to a bucket; over connections that
// are kept. Thread: one.
#pragma once

#include "node/backup/session.h"
#include "node/bucket/client.h"

struct http;

// Owned by the caller: http_destroy, which leaves NULL and accepts NULL. Errors: of libcurl.
MUST_USE err http_create(struct http **out_http);
void http_destroy(struct http **http);

// The cluster of which `url` is any node. Texts must outlive it.
struct backup_server http_server(struct http *http, bytes url);

// Requests are signed with the place's key, over TLS when the endpoint says so. Texts must outlive
// it.
struct bucket_wire http_wire(struct http *http, const struct bucket_place *place);
