// The stories of stories.c, each against its transcript in stories/NAME.txt. With GOLDEN_REWRITE
// set the transcripts are written instead; the diff is what gets reviewed.
#include "tests/unit/node_raft/stories.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

enum {
    TRANSCRIPT_BYTES_MAX = 64 * 1024
};

static void compare(const char *name, const char *text) {
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/%s.txt", STORIES_DIRECTORY, name);
    if (getenv("GOLDEN_REWRITE") != NULL) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
        assert_int_equal(fclose(file), 0);
    }
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fail_msg("%s is not there", path);
    }
    char *stored = calloc(1, TRANSCRIPT_BYTES_MAX);
    assert_non_null(stored);
    (void)fread(stored, 1, TRANSCRIPT_BYTES_MAX - 1, file);
    assert_int_equal(fclose(file), 0);
    assert_string_equal(stored, text);
    free(stored);
}

static void story_comes_out_as_told(void **state) {
    const struct story *story = (const struct story *)*state;
    char room[ORACLE_TEXT_BYTES];
    char *text = NULL;
    const char *failure = story_run(story, room, &text);
    if (failure != NULL) {
        print_error("%s", text);
        fail_msg("%s", failure);
    }
    compare(story->name, text);
    free(text);
}

int main(void) {
    struct CMUnitTest tests[STORY_COUNT];
    for (size_t i = 0; i < STORY_COUNT; i++) {
        tests[i] = (struct CMUnitTest){
            .name = stories[i].name,
            .test_func = story_comes_out_as_told,
            .initial_state = (void *)(uintptr_t)&stories[i],
        };
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
