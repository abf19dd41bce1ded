// A list of system calls that are allowed; the rest fails with EPERM rather than ending the
// process, because the C library asks for things it can do without (the file of the time zone, for
// one). Memory maps may not be executable: the engines interpret.
//
// Under a sanitizer the bounds on addresses do not hold, for it reserves terabytes.
#include "node/eval/evaluator/sandbox.h"

#include "proto/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "the sandbox knows the system calls of x86_64 and aarch64"
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#define LOAD(field) \
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, field))
// Skips `over` instructions unless the loaded word is `value`.
#define UNLESS(value, over) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), 0, (over))
#define ANSWER(action) BPF_STMT(BPF_RET | BPF_K, (uint32_t)(action))
#define ALLOW(call) UNLESS(__NR_##call, 1), ANSWER(SECCOMP_RET_ALLOW)
// The low word of the third argument of mmap and mprotect is the protection.
#define ALLOW_NOT_EXECUTABLE(call)                                                                \
    UNLESS(__NR_##call, 4), LOAD(args[2]), BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1), \
        ANSWER(SECCOMP_RET_ERRNO | EPERM), ANSWER(SECCOMP_RET_ALLOW)

static struct sock_filter rules[] = {
    LOAD(arch),
    UNLESS(ARCHITECTURE, 1),
    BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0),
    ANSWER(SECCOMP_RET_KILL_PROCESS),
    LOAD(nr),
    ALLOW(read),
    ALLOW(write),
    ALLOW(clock_gettime),
    ALLOW(gettimeofday),
    ALLOW(madvise),
    ALLOW(munmap),
    ALLOW(mremap),
    ALLOW(brk),
    ALLOW(futex),
    ALLOW(exit),
    ALLOW(exit_group),
    ALLOW(rt_sigreturn),
    ALLOW(sigaltstack),
    ALLOW(rt_sigaction),
    ALLOW(rt_sigprocmask),
    ALLOW(getpid),
    ALLOW(getrandom),
    ALLOW(gettid),
    ALLOW(restart_syscall),
    ALLOW_NOT_EXECUTABLE(mmap),
    ALLOW_NOT_EXECUTABLE(mprotect),
    ANSWER(SECCOMP_RET_ERRNO | EPERM),
};

static bool limit(int resource, rlim_t most) {
    struct rlimit bound = {.rlim_cur = most, .rlim_max = most};
    return setrlimit((__rlimit_resource_t)resource, &bound) == 0;
}

static bool limit_all(void) {
    bool limited = limit(RLIMIT_CORE, 0) && limit(RLIMIT_NOFILE, 0);
    return limited && (SANITIZED || limit(RLIMIT_AS, LIMIT_EVALUATION_ADDRESS_BYTES));
}

err sandbox_enter(void) {
    // The zone is read now; later the file is out of reach.
    tzset();
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() == 1) {
        return err_make(ERR_IO, "the parent is gone");
    }
    (void)syscall(SYS_close_range, (unsigned)STDERR_FILENO + 1, ~0U, 0);
    if (!limit_all()) {
        return err_make(ERR_IO, "a limit on this process was refused");
    }
    struct sock_fprog program = {
        .len = (unsigned short)(sizeof(rules) / sizeof(rules[0])), .filter = rules};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        return err_make(ERR_IO, "the filter of system calls was refused");
    }
    return ERR_NONE;
}

static bool refused(long outcome) {
    return outcome < 0 && errno == EPERM;
}

bool sandbox_holds(void) {
    void *page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED && refused(open("/etc/passwd", O_RDONLY)) &&
           refused(socket(AF_INET, SOCK_STREAM, 0)) && refused(socket(AF_UNIX, SOCK_STREAM, 0)) &&
           refused(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)) && refused(kill(getppid(), 0)) &&
           refused(unlink("/tmp/orpheus-no-such-file")) && refused(syscall(SYS_execve, "", 0, 0));
}
