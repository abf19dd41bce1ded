// usage: fuzz_NAME FOLDER — runs a fuzz target over every file of a folder, once.
//
// Stands in for libFuzzer in builds without it, so that seeds and the inputs of fixed bugs are
// tried by every compiler and sanitizer.
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

static void replay(const char *path) {
    FILE *file = fopen(path, "rb");
    check(file != NULL);
    check(fseek(file, 0, SEEK_END) == 0);
    long size = ftell(file);
    check(size >= 0);
    check(fseek(file, 0, SEEK_SET) == 0);
    uint8_t *input = malloc(size == 0 ? 1 : (size_t)size);
    check(input != NULL);
    check(fread(input, 1, (size_t)size, file) == (size_t)size);
    check(fclose(file) == 0);
    printf("%s\n", path);
    (void)fflush(stdout);
    LLVMFuzzerTestOneInput(input, (size_t)size);
    free(input);
}

int main(int argument_count, char **arguments) {
    check(argument_count == 2);
    DIR *folder = opendir(arguments[1]);
    check(folder != NULL);
    size_t count = 0;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (entry->d_name[0] != '.') {
            char path[4096];
            int size = snprintf(path, sizeof(path), "%s/%s", arguments[1], entry->d_name);
            check(size > 0 && (size_t)size < sizeof(path));
            replay(path);
            count++;
        }
    }
    check(closedir(folder) == 0);
    check(count > 0);
    return 0;
}
