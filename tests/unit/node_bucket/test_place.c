// node/bucket/place: what a person wrote becomes addresses, or a refusal that tells what to write.
#include "node/bucket/place.h"
#include "tests/unit/test.h"

#include <string.h>

struct variable {
    const char *name;
    const char *value;
};

static const struct variable *environment;

static const char *variable(const char *name) {
    const struct variable *at = environment;
    while (at->name != NULL && strcmp(at->name, name) != 0) {
        at++;
    }
    return at->value;
}

static const struct variable keys[] = {
    {"AWS_ACCESS_KEY_ID", "AKIA"}, {"AWS_SECRET_ACCESS_KEY", "hu:sh"}, {NULL, NULL}};

static struct bucket_place place_of(
    const struct variable *variables,
    const char *location,
    const char *endpoint,
    struct arena *arena
) {
    const struct bucket_wish wish = {location, endpoint, NULL, variable};
    struct bucket_place place;
    environment = variables;
    assert_ok(bucket_place_read(&wish, arena, &place));
    return place;
}

static void a_bucket_of_aws_has_a_host_of_its_own(void **state) {
    SCOPED(arena_destroy) struct arena *arena = arena_create(4096);
    (void)state;
    struct bucket_place place = place_of(keys, "s3://plums/a b/c+ü//", NULL, arena);
    assert_bytes_text(place.secret, "hu:sh");
    assert_string_equal(
        bucket_address(&place, "x.1", "", arena),
        "https://plums.s3.us-east-1.amazonaws.com/a%20b/c%2B%C3%BC/x.1"
    );
    assert_string_equal(
        bucket_address(&place, "", "list-type=2&prefix=a", arena),
        "https://plums.s3.us-east-1.amazonaws.com/?list-type=2&prefix=a"
    );
    // No certificate is for two names before the service's.
    place = place_of(keys, "s3://plums.and.pears", NULL, arena);
    assert_string_equal(
        bucket_address(&place, "x", "", arena),
        "https://s3.us-east-1.amazonaws.com/plums.and.pears/x"
    );
}

static void other_services_know_buckets_in_the_path(void **state) {
    static const struct variable all[] = {
        {"AWS_ACCESS_KEY_ID", "AKIA"},
        {"AWS_SECRET_ACCESS_KEY", "hush"},
        {"AWS_SESSION_TOKEN", "token"},
        {"AWS_DEFAULT_REGION", "eu-west-1"},
        {"AWS_ENDPOINT_URL", "http://[::1]:9000/"},
        {NULL, NULL},
    };
    SCOPED(arena_destroy) struct arena *arena = arena_create(4096);
    (void)state;
    struct bucket_place place = place_of(all, "s3://plums/", NULL, arena);
    assert_bytes_text(place.region, "eu-west-1");
    assert_bytes_text(place.token, "token");
    assert_string_equal(bucket_address(&place, "x", "", arena), "http://[::1]:9000/plums/x");
    assert_string_equal(
        bucket_address(&place, "", "prefix=", arena), "http://[::1]:9000/plums?prefix="
    );
    place = place_of(all, "s3://plums", "https://minio.here", arena);
    assert_string_equal(bucket_address(&place, "x", "", arena), "https://minio.here/plums/x");
}

static void what_cannot_be_is_refused_without_telling_the_key(void **state) {
    static const struct variable none[] = {{NULL, NULL}};
    static const struct variable half[] = {{"AWS_SECRET_ACCESS_KEY", "hush"}, {NULL, NULL}};
    static const struct variable odd[] = {
        {"AWS_ACCESS_KEY_ID", "AKIA"},
        {"AWS_SECRET_ACCESS_KEY", "hush"},
        {"AWS_SESSION_TOKEN", "hush\nX-Other: 1"},
        {NULL, NULL},
    };
    static const struct {
        const struct variable *variables;
        const char *location;
        const char *endpoint;
        const char *region;
        const char *text; // part of what is said
    } cases[] = {
        {keys, "s3://", NULL, NULL, "s3://BUCKET/PREFIX"},
        {keys, "s3://ab/x", NULL, NULL, "3 to 63"},
        {keys, "s3://a?b=c/x", NULL, NULL, "names no bucket"},
        {keys, "s3://plums/a\nb", NULL, NULL, "character"},
        {keys, "s3://plums/a", "minio:9000", NULL, "https://HOST:PORT"},
        {keys, "s3://plums/a", "http://minio:9000/path", NULL, "without a path"},
        {keys, "s3://plums/a", NULL, "eu:west", "region"},
        {none, "s3://plums/a", NULL, NULL, "no AWS_ACCESS_KEY_ID"},
        {half, "s3://plums/a", NULL, NULL, "no AWS_ACCESS_KEY_ID"},
        {odd, "s3://plums/a", NULL, NULL, "AWS_SESSION_TOKEN"},
    };
    SCOPED(arena_destroy) struct arena *arena = arena_create(4096);
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct bucket_wish wish = {
            cases[i].location, cases[i].endpoint, cases[i].region, variable};
        struct bucket_place place;
        environment = cases[i].variables;
        err refused = bucket_place_read(&wish, arena, &place);
        assert_err(refused, ERR_INVALID);
        assert_non_null(strstr(refused.text, cases[i].text));
        assert_null(strstr(refused.text, "hush"));
    }
    assert_true(bucket_is_location("s3://x"));
    assert_false(bucket_is_location("./s3:/x"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bucket_of_aws_has_a_host_of_its_own),
        cmocka_unit_test(other_services_know_buckets_in_the_path),
        cmocka_unit_test(what_cannot_be_is_refused_without_telling_the_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
