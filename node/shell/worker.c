// A mutex and a condition for the hand-over, an eventfd for the way back. One slot, because there
// is never more than one batch and one checkpoint out.
#include "node/shell/worker.h"

#include "proto/base/check.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    EXIT_STORAGE = 74
}; // EX_IOERR of sysexits.h

struct worker {
    const struct log *log;
    const char *name;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    worker_job *job; // NULL: idle
    void *argument;
    bool stopping;
    int descriptor;
};

static void lock(struct worker *worker) {
    int failed = pthread_mutex_lock(&worker->mutex);
    check(failed == 0);
}

static void unlock(struct worker *worker) {
    int failed = pthread_mutex_unlock(&worker->mutex);
    check(failed == 0);
}

static void job_run(struct worker *worker, worker_job *job, void *argument) {
    err done = job(argument);
    if (err_is(done)) {
        log_line(
            worker->log,
            LOG_ERROR,
            "storage_failed",
            "thread=%s code=%s text=\"%s\" action=\"process ends; nothing acknowledged is lost; "
            "check the "
            "disk, then start again\"",
            worker->name,
            err_name(done.code),
            done.text
        );
        _exit(EXIT_STORAGE);
    }
}

static void *worker_main(void *argument) {
    struct worker *worker = argument;
    lock(worker);
    for (;;) {
        while (worker->job == NULL && !worker->stopping) {
            (void)pthread_cond_wait(&worker->changed, &worker->mutex);
        }
        if (worker->job == NULL) {
            break;
        }
        worker_job *job = worker->job;
        void *job_argument = worker->argument;
        unlock(worker);
        job_run(worker, job, job_argument);
        lock(worker);
        worker->job = NULL;
        (void)pthread_cond_broadcast(&worker->changed);
        uint64_t one = 1;
        ssize_t written = write(worker->descriptor, &one, sizeof(one));
        check(written == sizeof(one));
    }
    unlock(worker);
    return NULL;
}

err worker_create(const struct log *log, const char *name, struct worker **out_worker) {
    struct worker *worker = calloc(1, sizeof(*worker));
    check(worker != NULL);
    worker->log = log;
    worker->name = name;
    worker->descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    (void)pthread_mutex_init(&worker->mutex, NULL);
    (void)pthread_cond_init(&worker->changed, NULL);
    if (worker->descriptor < 0 || pthread_create(&worker->thread, NULL, worker_main, worker) != 0) {
        free(worker);
        return err_make(ERR_IO, "no thread or descriptor left for a storage worker");
    }
    *out_worker = worker;
    return ERR_NONE;
}

void worker_destroy(struct worker **worker) {
    if (*worker == NULL) {
        return;
    }
    lock(*worker);
    (*worker)->stopping = true;
    (void)pthread_cond_broadcast(&(*worker)->changed);
    unlock(*worker);
    (void)pthread_join((*worker)->thread, NULL);
    (void)close((*worker)->descriptor);
    (void)pthread_cond_destroy(&(*worker)->changed);
    (void)pthread_mutex_destroy(&(*worker)->mutex);
    free(*worker);
    *worker = NULL;
}

void worker_submit(struct worker *worker, worker_job *job, void *argument) {
    lock(worker);
    check(worker->job == NULL);
    worker->job = job;
    worker->argument = argument;
    (void)pthread_cond_broadcast(&worker->changed);
    unlock(worker);
}

int worker_descriptor(const struct worker *worker) {
    return worker->descriptor;
}

bool worker_take_done(struct worker *worker) {
    uint64_t count = 0;
    return read(worker->descriptor, &count, sizeof(count)) == sizeof(count);
}

void worker_wait(struct worker *worker) {
    lock(worker);
    while (worker->job != NULL) {
        (void)pthread_cond_wait(&worker->changed, &worker->mutex);
    }
    unlock(worker);
}
