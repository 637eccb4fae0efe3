/* What the tests of the C interface share. They are C99, C11 and C++17 at once. */
#ifndef TEST_H
#define TEST_H

#include <netberth.h>
/* Again, for the guard. */
#include <netberth.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A handle on a state directory of the test's own, in the network that the test was started in. */
struct test {
    const char *directory;
    netberth *nb;
};

/* One file for each noun. */
void test_handle(struct test *t);
void test_error(struct test *t);
void test_network(struct test *t);
void test_endpoint(struct test *t);
void test_sandbox(struct test *t);
void test_service(struct test *t);
void test_bulk(struct test *t);
void test_plan(struct test *t);
void test_verify(struct test *t);

/* Begins a group of checks. */
void group(const char *name);
/* Notes whether something holds, and says so where it does not. */
int note(int holds, const char *what, const char *file, int line);
#define check(what) note(!!(what), #what, __FILE__, __LINE__)

/* A call succeeded and left its error alone. */
int succeeded(int code, netberth_error **err, const char *call, const char *file, int line);
#define ok(call) succeeded((err = NULL, (call)), &err, #call, __FILE__, __LINE__)

/* A call failed with this kind, and its message has these words in it; frees the error. */
int failed(int code, netberth_error **err, int kind, const char *words, const char *call,
           const char *file, int line);
#define fails(call, kind, words) \
    failed((err = NULL, (call)), &err, (kind), (words), #call, __FILE__, __LINE__)

/* Whether a text has another in it; the first is then freed and forgotten. */
int says(char **text, const char *words);
/* Frees a text and forgets it. */
void drop(char **text);

/* Opens a handle on the test's own directory, with more members of the configuration. */
int open_here(const struct test *t, netberth **nb, netberth_error **err);

/* Runs work on a thread of its own in the network namespace at a path; 0 if it could. */
int within(const char *path, void (*work)(void *), void *argument);
/* The flags of an interface there (IFF_UP...), -1 if there is none. */
int interface_flags(const char *path, const char *name);
/* Whether an interface there has this IPv4 address. */
int has_address(const char *path, const char *interface, const char *address);
/* Whether a datagram gets from one namespace to an address in another. */
int reaches(const char *from, const char *to, const char *address);
/* A new namespace as a descriptor, and its path below /proc; -1 if there is none. */
int new_namespace(char *path, size_t size);
/* How many threads this process has. */
int threads(void);
/* Whether there are so many, now or within two seconds. */
int threads_come_to(int count);

#ifdef __cplusplus
}
#endif

#endif
