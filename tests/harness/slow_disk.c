// Preloaded into a server under test: syncs of files below a folder that has a file `slow_ms` one
// level above `store` take that many milliseconds longer. So one node of several on one machine has
// a slow disk, from one moment to another.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static long delay_ms_of(int file) {
    char link[64];
    char path[1024];
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", file);
    ssize_t size = readlink(link, path, sizeof(path) - sizeof("slow_ms"));
    if (size <= 0) {
        return 0;
    }
    path[size] = '\0';
    char *store = strstr(path, "/store/");
    if (store == NULL) {
        return 0;
    }
    memcpy(store + 1, "slow_ms", sizeof("slow_ms"));
    FILE *said = fopen(path, "r");
    char text[16] = "0";
    if (said != NULL) {
        (void)fgets(text, sizeof(text), said);
        (void)fclose(said);
    }
    return strtol(text, NULL, 10);
}

int fdatasync(int file) {
    long ms = delay_ms_of(file);
    struct timespec wait = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    if (ms > 0) {
        (void)nanosleep(&wait, NULL); // time is the subject
    }
    return fsync(file);
}
