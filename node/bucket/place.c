#include "node/bucket/place.h"

#include "proto/base/buffer.h"
#include "proto/limits.h"

#include <string.h>

static const char SCHEME[] = "s3://";
static const char REGION[] = "us-east-1"; // where S3 is when nobody says where

static bool is_one_of(uint8_t one, const char *others) {
    bool letter = (one >= 'a' && one <= 'z') || (one >= 'A' && one <= 'Z');
    return letter || (one >= '0' && one <= '9') || (one != 0 && strchr(others, one) != NULL);
}

static bool all_are(bytes text, const char *others) {
    bool good = true;
    for (size_t i = 0; i < text.size && good; i++) {
        good = is_one_of(text.data[i], others);
    }
    return good;
}

static bytes without_slashes(bytes text) {
    while (text.size > 0 && text.data[text.size - 1] == '/') {
        text.size--;
    }
    return text;
}

bool bucket_is_location(const char *location) {
    return strncmp(location, SCHEME, sizeof(SCHEME) - 1) == 0;
}

// --- reading -------------------------------------------------------------------------------------

// The first of an option and variables that says something, or `otherwise`.
static bytes first_of(
    const struct bucket_wish *wish,
    const char *option,
    const char *const *variables,
    size_t count,
    const char *otherwise
) {
    const char *value = option;
    for (size_t i = 0; i < count && (value == NULL || value[0] == '\0'); i++) {
        value = wish->variable(variables[i]);
    }
    return bytes_from_text(value == NULL || value[0] == '\0' ? otherwise : value);
}

static err location_read(const char *location, struct arena *arena, struct bucket_place *place) {
    bytes rest = bytes_from_text(location + sizeof(SCHEME) - 1);
    size_t slash = bytes_find(rest, 0, '/');
    bytes bucket = bytes_slice(rest, 0, slash);
    bytes prefix =
        without_slashes(bytes_slice(rest, slash < rest.size ? slash + 1 : slash, rest.size));
    if (bucket.size < 3 || bucket.size > LIMIT_BUCKET_NAME_BYTES || !all_are(bucket, ".-_")) {
        return err_make(
            ERR_INVALID,
            arena_format(
                arena,
                "%s names no bucket: a place is written s3://BUCKET/PREFIX, and a bucket's name is "
                "of 3 to 63 letters, digits, dots and dashes",
                location
            )
        );
    }
    for (size_t i = 0; i < prefix.size; i++) {
        if (prefix.data[i] < ' ' || prefix.data[i] == 0x7F) {
            return err_make(ERR_INVALID, "the prefix of the place has a character that none shows");
        }
    }
    if (prefix.size > LIMIT_BUCKET_PREFIX_BYTES) {
        return err_make(ERR_INVALID, "the prefix of the place is longer than 512 bytes");
    }
    place->bucket = bucket;
    place->prefix = prefix.size == 0
                        ? BYTES_EMPTY
                        : bytes_from_text(arena_format(arena, "%.*s/", BYTES_ARG(prefix)));
    return ERR_NONE;
}

// AWS's own unless told, where a bucket has a host of its own; its certificate has no room for a
// name with a dot. Other services know buckets in the path.
static err
endpoint_read(const struct bucket_wish *wish, struct arena *arena, struct bucket_place *place) {
    static const char *const variables[] = {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"};
    bytes endpoint = without_slashes(first_of(wish, wish->endpoint, variables, 2, ""));
    if (endpoint.size == 0) {
        place->by_path = bytes_find(place->bucket, 0, '.') < place->bucket.size;
        place->endpoint = bytes_from_text(
            arena_format(arena, "https://s3.%.*s.amazonaws.com", BYTES_ARG(place->region))
        );
        return ERR_NONE;
    }
    bool secure = bytes_starts_with(endpoint, BYTES_LITERAL("https://"));
    bool plain = bytes_starts_with(endpoint, BYTES_LITERAL("http://"));
    size_t host = secure ? 8 : 7;
    bytes rest = bytes_slice(endpoint, host < endpoint.size ? host : endpoint.size, endpoint.size);
    if ((!secure && !plain) || rest.size == 0 || endpoint.size > LIMIT_BUCKET_ENDPOINT_BYTES ||
        !all_are(rest, ".-_:[]")) {
        return err_make(
            ERR_INVALID,
            arena_format(
                arena,
                "the endpoint %.*s is no address of a service: it is written https://HOST:PORT, "
                "without a path",
                BYTES_ARG(endpoint)
            )
        );
    }
    place->by_path = true;
    place->endpoint = endpoint;
    return ERR_NONE;
}

err bucket_place_read(
    const struct bucket_wish *wish, struct arena *arena, struct bucket_place *out
) {
    static const char *const regions[] = {"AWS_REGION", "AWS_DEFAULT_REGION"};
    static const char *const key_id[] = {"AWS_ACCESS_KEY_ID"};
    static const char *const secret[] = {"AWS_SECRET_ACCESS_KEY"};
    static const char *const token[] = {"AWS_SESSION_TOKEN"};
    struct bucket_place place = {
        .region = first_of(wish, wish->region, regions, 2, REGION),
        .key_id = first_of(wish, NULL, key_id, 1, ""),
        .secret = first_of(wish, NULL, secret, 1, ""),
        .token = first_of(wish, NULL, token, 1, ""),
    };
    if (place.region.size > LIMIT_BUCKET_REGION_BYTES || !all_are(place.region, "-")) {
        return err_make(ERR_INVALID, "the region is none: it is written like eu-central-1");
    }
    TRY(location_read(wish->location, arena, &place));
    TRY(endpoint_read(wish, arena, &place));
    if (place.key_id.size == 0 || place.secret.size == 0) {
        return err_make(
            ERR_INVALID,
            arena_format(
                arena,
                "the environment has no %s: the key that opens bucket %.*s is taken from "
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN)",
                place.key_id.size == 0 ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
                BYTES_ARG(place.bucket)
            )
        );
    }
    for (size_t i = 0; i < place.token.size; i++) {
        if (place.token.data[i] <= ' ' || place.token.data[i] > '~') {
            return err_make(ERR_INVALID, "AWS_SESSION_TOKEN has a blank in it");
        }
    }
    *out = place;
    return ERR_NONE;
}

// --- addresses -----------------------------------------------------------------------------------

static void escape(bytes text, const char *kept, struct buffer *out) {
    for (size_t i = 0; i < text.size; i++) {
        if (is_one_of(text.data[i], kept)) {
            buffer_append_byte(out, text.data[i]);
        } else {
            buffer_format(out, "%%%02X", text.data[i]);
        }
    }
}

static const char *kept_in(struct arena *arena, struct buffer *text) {
    const char *copy = arena_text(arena, buffer_bytes(text));
    buffer_deinit(text);
    return copy;
}

const char *bucket_escape(bytes text, struct arena *arena) {
    struct buffer out;
    buffer_init(&out, 3 * text.size + 1);
    escape(text, "-._~", &out);
    return kept_in(arena, &out);
}

const char *bucket_address(
    const struct bucket_place *place, const char *name, const char *query, struct arena *arena
) {
    struct buffer out;
    size_t host = bytes_find(place->endpoint, 0, '/') + 2;
    bool of_object = name[0] != '\0';
    buffer_init(
        &out,
        place->endpoint.size + place->bucket.size + 3 * (place->prefix.size + strlen(name)) +
            strlen(query) + 8
    );
    if (place->by_path) {
        buffer_format(&out, "%.*s/%.*s", BYTES_ARG(place->endpoint), BYTES_ARG(place->bucket));
    } else {
        buffer_append(&out, bytes_slice(place->endpoint, 0, host));
        buffer_format(&out, "%.*s.", BYTES_ARG(place->bucket));
        buffer_append(&out, bytes_slice(place->endpoint, host, place->endpoint.size));
    }
    buffer_append_text(&out, of_object || !place->by_path ? "/" : "");
    if (of_object) {
        escape(place->prefix, "-._~/", &out);
        escape(bytes_from_text(name), "-._~", &out);
    }
    buffer_append_text(&out, query[0] != '\0' ? "?" : "");
    buffer_append_text(&out, query);
    return kept_in(arena, &out);
}
