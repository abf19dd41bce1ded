// node/bucket/answer: pages of lists and errors as services write them, and what is neither.
#include "node/bucket/answer.h"
#include "proto/base/buffer.h"
#include "tests/unit/test.h"

#include <string.h>

struct seen {
    struct buffer text; // lines "key size"
};

static err note(void *argument, bytes key, uint64_t size) {
    struct seen *seen = argument;
    buffer_format(&seen->text, "%.*s %llu\n", BYTES_ARG(key), (unsigned long long)size);
    return ERR_NONE;
}

static err read(const char *xml, struct arena *arena, struct seen *seen, bytes *out_next) {
    buffer_init(&seen->text, 4096);
    return bucket_list_read(bytes_from_text(xml), arena, note, seen, out_next);
}

static void a_page_gives_keys_and_sizes_and_how_to_go_on(void **state) {
    static const char PAGE[] =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
        "<Name>b</Name><Prefix/><Delimiter a='>'/><KeyCount>2</KeyCount>"
        "<Contents><Key>a&amp;b "
        "&#x2F;&#252;</Key><ETag>&quot;0&quot;</ETag><Size>12</Size></Contents>"
        "<Contents>\n<Size> 0 </Size>\n<Key>c</Key><Owner><Key>no</Key></Owner></Contents>"
        "<IsTruncated>true</IsTruncated>"
        "<NextContinuationToken>1/2+3==</NextContinuationToken></ListBucketResult>\n";
    SCOPED(arena_destroy) struct arena *arena = arena_create(4096);
    struct seen seen;
    bytes next = BYTES_EMPTY;
    (void)state;
    assert_ok(read(PAGE, arena, &seen, &next));
    assert_bytes_text(buffer_bytes(&seen.text), "a&b /\xC3\xBC 12\nc 0\n");
    assert_bytes_text(next, "1/2+3==");
    buffer_deinit(&seen.text);
    assert_ok(read(
        "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>", arena, &seen, &next
    ));
    assert_int_equal(seen.text.size + next.size, 0);
    buffer_deinit(&seen.text);
}

static void what_is_no_list_is_refused(void **state) {
    static const char *const others[] = {
        "",
        "hello",
        "<html><body>It works!</body></html>",
        "<ListBucketResult>",
        "<ListBucketResult></Other>",
        "<ListBucketResult/>rest",
        "<!DOCTYPE x [<!ENTITY a 'b'>]><ListBucketResult/>",
        "<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Size>1</Size></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key>a</Key><Size>-1</Size></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key>&none;</Key><Size>1</Size></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key>&#0;</Key><Size>1</Size></Contents></ListBucketResult>",
        "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
        "<a><a><a><a><a><a><a><a><a></a></a></a></a></a></a></a></a></a>",
        "<Error><Code>NoSuchBucket</Code></Error>",
    };
    SCOPED(arena_destroy) struct arena *arena = arena_create(4096);
    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct seen seen;
        bytes next = BYTES_EMPTY;
        assert_err(read(others[i], arena, &seen, &next), ERR_CORRUPT);
        buffer_deinit(&seen.text);
    }
}

static void an_error_says_its_code_and_nothing_a_terminal_obeys(void **state) {
    SCOPED(arena_destroy) struct arena *arena = arena_create(4096);
    struct bucket_error error;
    (void)state;
    bucket_error_read(
        BYTES_LITERAL("<Error><Code>AccessDenied</Code><Message>not&#155;2J\x7Fyou</Message>"
                      "<Region>eu-west-1</Region><HostId>x</HostId></Error>"),
        arena,
        &error
    );
    assert_bytes_text(error.code, "AccessDenied");
    assert_bytes_text(error.message, "not  2J you");
    assert_bytes_text(error.region, "eu-west-1");
    bucket_error_read(BYTES_LITERAL("<html><Code>x</Code></html>"), arena, &error);
    assert_int_equal(error.code.size, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_gives_keys_and_sizes_and_how_to_go_on),
        cmocka_unit_test(what_is_no_list_is_refused),
        cmocka_unit_test(an_error_says_its_code_and_nothing_a_terminal_obeys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
