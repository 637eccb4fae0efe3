/* Every call of the C interface against a real kernel. To be run in a network of its own. */
#include "test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int checks, failures;

void group(const char *name) { printf("    %s\n", name); }

int note(int holds, const char *what, const char *file, int line)
{
    __atomic_add_fetch(&checks, 1, __ATOMIC_SEQ_CST);
    if (!holds) {
        __atomic_add_fetch(&failures, 1, __ATOMIC_SEQ_CST);
        printf("not ok  %s:%d: %s\n", file, line, what);
    }
    return holds;
}

int succeeded(int code, netberth_error **err, const char *call, const char *file, int line)
{
    if (code != 0 && *err != NULL) {
        printf("%d: %s\n", code, netberth_error_message(*err));
        netberth_error_free(*err);
        *err = NULL;
    }
    return note(code == 0 && *err == NULL, call, file, line);
}

int failed(int code, netberth_error **err, int kind, const char *words, const char *call,
           const char *file, int line)
{
    int as_expected = *err != NULL && code == kind && netberth_error_code(*err) == kind &&
                      strstr(netberth_error_message(*err), words) != NULL;
    if (!as_expected) {
        printf("%d, expected %d with '%s': %s\n", code, kind, words, netberth_error_message(*err));
    }
    netberth_error_free(*err);
    *err = NULL;
    return note(as_expected, call, file, line);
}

int says(char **text, const char *words)
{
    int found = *text != NULL && strstr(*text, words) != NULL;
    if (!found) {
        printf("no '%s' in: %s\n", words, *text != NULL ? *text : "(nothing)");
    }
    drop(text);
    return found;
}

void drop(char **text)
{
    netberth_string_free(*text);
    *text = NULL;
}

int open_here(const struct test *t, netberth **nb, netberth_error **err)
{
    char config[512];
    snprintf(config, sizeof config, "{\"state_dir\":\"%s/state\",\"run_dir\":\"%s/run\"}",
             t->directory, t->directory);
    return netberth_open(config, nb, err);
}

static void *nothing(void *argument)
{
    return argument;
}

/* ThreadSanitizer has a thread of its own once there is a second one. */
static void first_thread(void)
{
    pthread_t thread;
    if (check(pthread_create(&thread, NULL, nothing, NULL) == 0)) {
        pthread_join(thread, NULL);
    }
}

int main(int argc, char **argv)
{
    struct test t = {NULL, NULL};
    netberth_error *err = NULL;
    int before;

    if (argc != 2) {
        fprintf(stderr, "usage: %s EMPTY-DIRECTORY (in a network and with mounts of its own)\n",
                argv[0]);
        return 2;
    }
    /* Line by line, so that a forked child has nothing left to print a second time. */
    setvbuf(stdout, NULL, _IOLBF, 0);
    t.directory = argv[1];
    first_thread();
    before = threads();
    if (!ok(open_here(&t, &t.nb, &err))) {
        return 1;
    }
    test_error(&t);
    test_network(&t);
    test_endpoint(&t);
    test_sandbox(&t);
    test_service(&t);
    test_bulk(&t);
    test_plan(&t);
    test_verify(&t);
    test_handle(&t);
    netberth_close(t.nb);
    check(threads_come_to(before));
    printf("%s  %d checks, %d failed\n", failures == 0 ? "ok" : "not ok", checks, failures);
    return failures == 0 ? 0 : 1;
}
