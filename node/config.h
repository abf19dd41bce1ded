// The configuration: one table, read once at the start. A flag wins over the environment, the
// environment over the file.
#pragma once

#include "node/log.h"
#include "proto/base/arena.h"
#include "proto/base/buffer.h"
#include "proto/base/bytes.h"
#include "proto/base/err.h"

#include <stdbool.h>
#include <stdint.h>

// kind, field, name, default, least, most, sentence. Names are `--name`, ORPHEUS_NAME (upper case,
// '_' for '-'), and `name = value` in the file.
#define CONFIG_TABLE(X)                                                                            \
    X(TEXT, http, "http", "127.0.0.1:8080", 0, 0, "address and port of the API")                   \
    X(TEXT, store, "store", "orpheus-data", 0, 0, "folder of the log and the state")               \
    X(INT,                                                                                         \
      node_id,                                                                                     \
      "node-id",                                                                                   \
      "0",                                                                                         \
      0,                                                                                           \
      65535,                                                                                       \
      "number of this node in its cluster, and in logs; 0: 1, or as the cluster it joined gave")   \
    X(TEXT,                                                                                        \
      cluster,                                                                                     \
      "cluster",                                                                                   \
      "",                                                                                          \
      0,                                                                                           \
      0,                                                                                           \
      "the nodes that form it, the same list on each: 1=host:port,2=host:port; empty: alone")      \
    X(TEXT,                                                                                        \
      join,                                                                                        \
      "join",                                                                                      \
      "",                                                                                          \
      0,                                                                                           \
      0,                                                                                           \
      "API of nodes of a cluster to enter with an empty store: host:port,host:port")               \
    X(TEXT,                                                                                        \
      cluster_address,                                                                             \
      "cluster-address",                                                                           \
      "",                                                                                          \
      0,                                                                                           \
      0,                                                                                           \
      "host:port where other nodes reach this one; for --join")                                    \
    X(TEXT,                                                                                        \
      api_address,                                                                                 \
      "api-address",                                                                               \
      "",                                                                                          \
      0,                                                                                           \
      0,                                                                                           \
      "host:port where clients reach this node, for others to tell; empty: that of http")          \
    X(TEXT,                                                                                        \
      zone,                                                                                        \
      "zone",                                                                                      \
      "",                                                                                          \
      0,                                                                                           \
      0,                                                                                           \
      "what fails as one with this node, a rack or room; copies are spread over zones")            \
    X(INT,                                                                                         \
      weight,                                                                                      \
      "weight",                                                                                    \
      "1",                                                                                         \
      1,                                                                                           \
      100,                                                                                         \
      "share of the copies that this node keeps, beside the weights of the others")                \
    X(TEXT,                                                                                        \
      cluster_key,                                                                                 \
      "cluster-key",                                                                               \
      "",                                                                                          \
      0,                                                                                           \
      0,                                                                                           \
      "file with the secret that its nodes share, 32 bytes or more")                               \
    X(TEXT,                                                                                        \
      cluster_listen,                                                                              \
      "cluster-listen",                                                                            \
      "",                                                                                          \
      0,                                                                                           \
      0,                                                                                           \
      "host to listen on for other nodes; empty: that of this node in the list")                   \
    X(INT,                                                                                         \
      dead_after_s,                                                                                \
      "dead-after-s",                                                                              \
      "600",                                                                                       \
      5,                                                                                           \
      604800,                                                                                      \
      "seconds of silence after which a node's copies are made anew on others")                    \
    X(INT, replicas, "replicas", "3", 1, 7, "copies of every partition, at most one a node")       \
    X(TEXT,                                                                                        \
      evaluator,                                                                                   \
      "evaluator",                                                                                 \
      "",                                                                                          \
      0,                                                                                           \
      0,                                                                                           \
      "program that runs scripts; empty: orpheus-evaluator beside this one")                       \
    X(TEXT, log_level, "log-level", "info", 0, 0, "error, warn, info or debug")                    \
    X(INT,                                                                                         \
      partitions,                                                                                  \
      "partitions",                                                                                \
      "64",                                                                                        \
      1,                                                                                           \
      1024,                                                                                        \
      "groups that executions are spread over; fixed when the store is made")                      \
    X(INT, segment_mib, "segment-mib", "64", 1, 1024, "size of a log segment in MiB")              \
    X(INT,                                                                                         \
      overlay_mib,                                                                                 \
      "overlay-mib",                                                                               \
      "64",                                                                                        \
      8,                                                                                           \
      65536,                                                                                       \
      "state not yet checkpointed, in MiB; above it calls are refused with 503")                   \
    X(INT, checkpoint_ms, "checkpoint-ms", "1000", 10, 60000, "age at which state is checkpointed" \
    )                                                                                              \
    X(INT,                                                                                         \
      ballast_mib,                                                                                 \
      "ballast-mib",                                                                               \
      "512",                                                                                       \
      0,                                                                                           \
      65536,                                                                                       \
      "file in the store that is given up when its disk is 95 % full, in MiB; at most 1/16 of it") \
    X(INT,                                                                                         \
      connections,                                                                                 \
      "connections",                                                                               \
      "20000",                                                                                     \
      16,                                                                                          \
      1000000,                                                                                     \
      "client connections held at most; a further one gets 503")                                   \
    X(INT,                                                                                         \
      calls,                                                                                       \
      "calls",                                                                                     \
      "256",                                                                                       \
      1,                                                                                           \
      10000,                                                                                       \
      "requests of HTTP tasks in flight at a time; more wait in their queue")                      \
    X(BOOL,                                                                                        \
      owner_email_mandatory,                                                                       \
      "owner-email-mandatory",                                                                     \
      "false",                                                                                     \
      0,                                                                                           \
      0,                                                                                           \
      "definitions need ownerEmail")                                                               \
    X(BOOL,                                                                                        \
      clock_confirmed,                                                                             \
      "clock-confirmed",                                                                           \
      "false",                                                                                     \
      0,                                                                                           \
      0,                                                                                           \
      "the clock is right even when it is far past the newest entry; else timers wait 10 minutes") \
    X(TEXT,                                                                                        \
      clock_file,                                                                                  \
      "clock-file",                                                                                \
      "",                                                                                          \
      0,                                                                                           \
      0,                                                                                           \
      "for tests: file with milliseconds that the wall clock is off by, read again and again")     \
    X(BOOL,                                                                                        \
      name_validation,                                                                             \
      "name-validation",                                                                           \
      "false",                                                                                     \
      0,                                                                                           \
      0,                                                                                           \
      "restrict characters of workflow names")

#define CONFIG_TYPE_TEXT const char *
#define CONFIG_TYPE_INT int64_t
#define CONFIG_TYPE_BOOL bool
#define CONFIG_FIELD(kind, field, name, fallback, least, most, sentence) CONFIG_TYPE_##kind field;
struct config {
    CONFIG_TABLE(CONFIG_FIELD)
};
#undef CONFIG_FIELD

// Reads flags (`arguments[0]` is the first flag), environment (`name=value` strings, NULL at the
// end) and the file that `--config FILE` or ORPHEUS_CONFIG names. Texts live in `arena`. Errors:
// ERR_INVALID naming the flag, value and what is allowed; ERR_IO for the file.
MUST_USE err config_read(
    int argument_count,
    char *const *arguments,
    char *const *environment,
    struct arena *arena,
    struct config *out_config
);

// Where clients reach this node, as others are to tell them.
static inline const char *config_api_address(const struct config *config) {
    return config->api_address[0] != '\0' ? config->api_address : config->http;
}

// Writes a line a setting, as `--help` shows it.
void config_describe(struct buffer *out);

// Splits `host:port`. Errors: ERR_INVALID.
MUST_USE err
config_address(const char *text, struct arena *arena, const char **out_host, uint16_t *out_port);
